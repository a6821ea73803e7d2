//! Files that are there whole or not at all, whoever else writes them at the same time.
//!
//! Until it is complete a file lies in a file of its own, under a name that nothing had before: no link is followed, nobody's
//! file is written over, and two who write the same one do not meet. Of several writers the last one wins.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::limits;

/// A file that gets its name when it is complete. Dropped before [`Whole::keep`], it is removed.
#[derive(Debug)]
pub struct Whole {
    file: Option<BufWriter<File>>,
    path: PathBuf,
    partial: PathBuf,
}

impl Whole {
    /// Begins a file of this name, in the same folder: `OUT.PROCESS-NUMBER.partial`.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::create_at(path, path, 0o666)
    }

    /// Begins a file of this name under a name that is made from `beside`, on the same disk. `mode` is who may do what
    /// with it, where the system knows such a thing.
    pub(crate) fn create_at(beside: &Path, path: &Path, mode: u32) -> io::Result<Self> {
        static BEGUN: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = BEGUN.fetch_add(1, Ordering::Relaxed);
            let partial = beside.with_added_extension(format!("{}-{number}{PARTIAL}", process::id()));
            match create_new(&partial, mode) {
                // Left by a process that had our number.
                Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => {}
                file => {
                    let file = BufWriter::with_capacity(limits::CHUNK_BYTES, file?);
                    return Ok(Self { file: Some(file), path: path.to_owned(), partial });
                }
            }
        }
    }

    /// Where the bytes are until then.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Gives the file its name, once everything is on the disk.
    ///
    /// # Errors
    /// The disk is full, or the name cannot be given: nothing is left of it.
    pub fn keep(mut self) -> io::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let on_disk = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        let named = on_disk.and_then(|()| fs::rename(&self.partial, &self.path));
        if named.is_err() {
            self.remove();
        }
        named
    }

    fn remove(&self) {
        // What went wrong is what the caller should hear of.
        let _ = fs::remove_file(&self.partial);
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        // What is in the buffer need not be written any more.
        if let Some(file) = self.file.take() {
            drop(file.into_parts());
            self.remove();
        }
    }
}

/// How the name ends of a file that is not complete.
pub(crate) const PARTIAL: &str = ".partial";

/// Writes a small file.
pub(crate) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut file = Whole::create(path)?;
    file.write_all(text.as_bytes())?;
    file.keep()
}

#[cfg(unix)]
fn create_new(path: &Path, mode: u32) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path, _: u32) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
