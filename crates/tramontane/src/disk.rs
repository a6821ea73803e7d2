//! Whether the disk has room for what is to be written.

use std::path::Path;

use anyhow::bail;

use crate::machine::readable;

/// Refuses to begin a file that will not fit. Where the system does not say what is free, the disk has the last word.
///
/// # Errors
/// `file` is longer than what is free where `path` lies.
pub(crate) fn check_room(path: &Path, file_bytes: u64) -> anyhow::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let Some(free) = free_bytes(folder) else { return Ok(()) };
    if free < file_bytes {
        bail!(
            "{} will be {}, but only {} are free there: make room, or give another place",
            path.display(),
            readable(file_bytes),
            readable(free)
        );
    }
    Ok(())
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    system.f_bavail.checked_mul(system.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_any_disk_has() {
        let path = std::env::temp_dir().join("x.gguf");
        check_room(&path, 1).unwrap();
        check_room(Path::new("x.gguf"), 1).unwrap();
        check_room(Path::new("/no such folder/x.gguf"), 1 << 60).unwrap();
        let problem = check_room(&path, 1 << 60).unwrap_err().to_string();
        assert!(
            problem.contains("x.gguf will be 1048576.0 TiB, but only ") && problem.contains("make room"),
            "{problem}"
        );
    }
}
