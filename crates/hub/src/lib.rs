//! The model store: what is on this machine, where it came from, and how more comes.
//!
//! Names and digests from outside become types that cannot hold a path ([`ModelName`], [`RepoId`], [`FileName`],
//! [`RepoPath`], [`Sha256Digest`]) before anything is done with them. [`Folders`] says where files lie: pulled models
//! stand in the Hugging Face cache, so that other programs and this one share a single copy (`docs/pull.md`).
//!
//! This is the only crate that opens a connection outwards, and only when it is asked to pull a model.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod bundle;
mod catalogue;
mod digest;
mod error;
mod facts;
mod folders;
mod hashing;
mod limits;
mod manifest;
mod name;
mod places;
mod pull;
mod remote;
mod remove;
mod resolve;
mod signing;
mod space;
mod verify;
mod whole;

pub use bundle::{Added, Bundle, Contents, Header, Member, Program, add, check_program, create, extract_program};
pub use catalogue::{KnownFile, Row, catalogue};
pub use digest::{BlobDigest, Digesting, Sha1Digest, Sha256Digest};
pub use error::Error;
pub use facts::{Facts, facts, facts_of};
pub use folders::{Folders, RepoFolder};
pub use hashing::Watch;
pub use manifest::{Manifest, ManifestFile};
pub use name::{Commit, FileName, ModelName, Quant, RepoId, RepoPath, Revision, ShortName};
pub use places::{Found, FoundFile, Place, Roots, at_path, quantisation_of, survey};
pub use pull::{Plan, Progress, PullOptions, Pulled, Stage, already_here};
pub use remote::{Endpoint, Patience};
pub use remove::Removal;
pub use resolve::{is_known, meant, resolve};
pub use signing::{Digest, Resource, Shard, Signed, Statement, Trust};
pub use verify::{FileVerdict, Record, Signature, Verdict, Verification, bytes_to_verify, signature_beside, verify};
pub use whole::Whole;
