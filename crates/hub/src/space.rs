//! Room on the disk, asked for before anything is written.

use std::path::Path;

use crate::Error;
use crate::pull::free_bytes;

/// What is left for others.
pub(crate) const MARGIN_BYTES: u64 = 16 << 20;

/// An error unless `bytes` can be written at or below `path`, or nobody can say.
///
/// # Errors
/// The disk is too full.
pub(crate) fn check(path: &Path, bytes: u64) -> Result<(), Error> {
    match std::path::absolute(path).ok().and_then(|path| free_bytes(&path)) {
        Some(free) if free < bytes.saturating_add(MARGIN_BYTES) && bytes > 0 => {
            // The margin counts as needed, and what is free is not rounded up: the message has to add up.
            let needed = bytes.saturating_add(MARGIN_BYTES).div_ceil(1 << 20);
            let problem = format!("{needed} MiB are needed there, {} MiB are free: make room", free >> 20);
            Err(Error::bundle(path, problem))
        }
        _ => Ok(()),
    }
}
