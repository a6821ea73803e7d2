//! Keys: who may use the server, and how much.
//!
//! A key is 256 random bits behind `tm-`; only its SHA-256 is kept (`file.rs`). A server reads the file again when it has
//! changed, so that a key that is revoked stops working without a restart (`ring.rs`). What a key has used is counted in
//! `usage.rs`.

mod file;
mod ring;
mod usage;

pub use file::{Key, KeyError, KeyFile, KeyLimits};
pub(crate) use ring::Keys;
pub(crate) use usage::{StreamPlace, Usage};

use sha2::{Digest as _, Sha256};

/// What every key begins with, so that a scanner for leaked secrets can know it.
pub(crate) const PREFIX: &str = "tm-";

/// What is kept of a key.
pub(crate) type Hash = [u8; 32];

pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}
