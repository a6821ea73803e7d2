//! Room on the disk, asked for before anything is written.

use std::path::Path;

use crate::Error;

/// What is left for others.
const MARGIN_BYTES: u64 = 16 << 20;

/// An error unless `bytes` can be written at or below `path`, or nobody can say.
///
/// # Errors
/// The disk is too full.
pub(crate) fn check(path: &Path, bytes: u64) -> Result<(), Error> {
    match free_bytes(path) {
        Some(free) if free < bytes.saturating_add(MARGIN_BYTES) && bytes > 0 => {
            let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
            let problem =
                format!("{} MiB are needed there, {} MiB are free: make room", mebibytes(bytes), mebibytes(free));
            Err(Error::bundle(path, problem))
        }
        _ => Ok(()),
    }
}

/// Bytes that can still be written there, or in the nearest folder above it that is there.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let path = std::path::absolute(path).ok()?;
    let there = path.ancestors().find(|folder| folder.is_dir())?;
    let about = rustix::fs::statvfs(there).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
