//! How much this crate takes from outside before it refuses: every bound of the crate stands here.

/// Bytes of one component of a file's name: what file systems take.
pub(crate) const FILE_NAME_BYTES: usize = 255;
/// Components of a file's path inside a repository.
pub(crate) const PATH_COMPONENTS: usize = 8;
/// Bytes of either half of a repository's name: the hub's own limit for the whole.
pub(crate) const REPO_PART_BYTES: usize = 96;
/// Bytes of a branch's or tag's name.
pub(crate) const REVISION_BYTES: usize = 200;
/// Bytes of a short name (`ministral-3:3b`) and of a quantisation's.
pub(crate) const SHORT_NAME_BYTES: usize = 64;
/// Bytes of any name that a person may give, before it is looked at.
pub(crate) const GIVEN_NAME_BYTES: usize = 512;

/// Entries of a folder that are looked at.
pub(crate) const FOLDER_ENTRIES: usize = 10_000;
/// Folders of one `models_dirs` entry that are walked.
pub(crate) const WALKED_FOLDERS: usize = 10_000;
/// How deep the folders below one `models_dirs` entry are walked.
pub(crate) const FOLDER_DEPTH: usize = 5;
/// How deep the folders of a snapshot are walked.
pub(crate) const SNAPSHOT_DEPTH: usize = 3;
/// Models of all places together.
pub(crate) const MODELS: usize = 10_000;
/// Parts of a split GGUF file.
pub(crate) const PARTS: u32 = 1_024;
/// `refs/main` of a cached repository: a commit and perhaps a line feed.
pub(crate) const REF_BYTES: u64 = 128;
/// Settings of other programs.
pub(crate) const SETTINGS_BYTES: u64 = 4 << 20;
/// A manifest: Ollama's, and our own.
pub(crate) const MANIFEST_BYTES: u64 = 4 << 20;
/// Layers of one of Ollama's models.
pub(crate) const OLLAMA_LAYERS: usize = 1_024;
/// Files of a model in a manifest or a bundle.
pub(crate) const MODEL_FILES: usize = 4_096;
/// A model's signature.
pub(crate) const SIGNATURE_BYTES: u64 = 16 << 20;
/// Certificates in a chain, or in a file of trusted ones.
pub(crate) const CERTIFICATES: usize = 500;
/// Files or parts of files in a model's signature.
pub(crate) const RESOURCES: usize = 100_000;
/// Bytes of a path in a model's signature.
pub(crate) const PATH_BYTES: usize = 1_024;
/// The beginning of a README.md in which its licence is looked for.
pub(crate) const README_BYTES: u64 = 64 << 10;
/// Bytes that are read, hashed or written at once.
pub(crate) const CHUNK_BYTES: usize = 1 << 20;
/// Redirects of one request.
pub(crate) const REDIRECTS: usize = 5;
/// Headers of one answer.
pub(crate) const HEADER_BYTES: usize = 64 << 10;
/// A repository's list of files, in bytes and in files.
pub(crate) const LISTING_BYTES: usize = 16 << 20;
/// Files that one list may have.
pub(crate) const LISTED_FILES: usize = 20_000;
/// One file: far above any, far below what overflows.
pub(crate) const FILE_BYTES: u64 = 1 << 42;
/// A licence's identifier.
pub(crate) const LICENSE_BYTES: usize = 64;
/// A token.
pub(crate) const TOKEN_BYTES: u64 = 512;
/// A file of certificates.
pub(crate) const CERTIFICATE_BYTES: u64 = 8 << 20;
/// Files in a folder of certificates.
pub(crate) const CERTIFICATE_FILES: usize = 2_000;
/// The record of a cut download.
pub(crate) const RECORD_BYTES: u64 = 8 << 20;
/// Pieces of one download.
pub(crate) const PIECES: u64 = 1 << 16;
/// Connections of one download.
pub(crate) const CONNECTIONS: usize = 16;
/// Times that a file is begun anew because the server has another one.
pub(crate) const RESTARTS: u32 = 2;
/// Bytes of one connection that count as progress: less, again and again, is a failure.
pub(crate) const PROGRESS_BYTES: u64 = 64 << 10;
/// The slowest connection that is waited for, in bytes a second.
pub(crate) const SLOWEST_BYTES_PER_SECOND: u64 = 4 << 10;
/// An entity tag.
pub(crate) const ETAG_BYTES: usize = 256;
/// The header of a bundle.
pub(crate) const BUNDLE_HEADER_BYTES: u64 = 16 << 20;
/// Models in a bundle.
pub(crate) const BUNDLE_MODELS: usize = 1_000;
/// Contents in a bundle.
pub(crate) const BUNDLE_MEMBERS: usize = 65_536;
