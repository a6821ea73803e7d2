//! Small files that are there whole or not at all, whoever else writes them at the same time.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{fs, io, process};

/// Writes a file, under its name only when it is complete. Of several writers the last one wins.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let partial = path.with_added_extension(format!("{}-{number}.partial", process::id()));
    let written = fs::write(&partial, text).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // What went wrong is what the caller should hear of.
        let _ = fs::remove_file(&partial);
    }
    written
}
