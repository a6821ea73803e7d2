//! Bytes at a position: what all readers of this crate stand on.
//!
//! Files are read by position, never mapped: a file that is cut while it is in use gives an error, not a signal, and
//! several threads read at once without sharing a cursor.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::Error;

/// Bytes that can be read at any position, from several threads at once.
pub trait ReadAt: Send + Sync {
    /// How many there are.
    fn size_bytes(&self) -> u64;

    /// Fills `out` from `offset` on.
    ///
    /// # Errors
    /// The bytes are not there, or cannot be read.
    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for &[u8] {
    fn size_bytes(&self) -> u64 {
        self.len() as u64
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).map_err(|_| io::ErrorKind::UnexpectedEof)?;
        let end = start.checked_add(out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(self.get(start..end).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn size_bytes(&self) -> u64 {
        self.as_slice().size_bytes()
    }

    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(out, offset)
    }
}

/// A file on disk, open for as long as the checkpoint lives.
#[derive(Debug)]
pub(crate) struct DiskFile {
    file: File,
    size_bytes: u64,
}

impl DiskFile {
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let read = |cause| Error::read(path, cause);
        // Looked at before it is opened: opening a pipe would wait for its other end.
        if !std::fs::metadata(path).map_err(read)?.is_file() {
            return Err(Error::not_a_model(path.display(), "not a regular file: give a model file, or a folder"));
        }
        let file = File::open(path).map_err(read)?;
        let size_bytes = file.metadata().map_err(read)?.len();
        Ok(Self { file, size_bytes })
    }
}

impl ReadAt for DiskFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    #[cfg(unix)]
    fn read_exact_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, out, offset)
    }

    #[cfg(windows)]
    fn read_exact_at(&self, mut out: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !out.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.file, out, offset)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    out = out.get_mut(read..).ok_or(io::ErrorKind::UnexpectedEof)?;
                    offset += read as u64;
                }
            }
        }
        Ok(())
    }
}

/// The whole of a small text file, refused above `limit` bytes.
pub(crate) fn read_text(path: &Path, limit: u64) -> Result<String, Error> {
    let file = DiskFile::open(path)?;
    let size = file.size_bytes();
    if size > limit {
        return Err(Error::malformed(path.display(), "size", format!("{size} bytes, more than the {limit} expected")));
    }
    let mut bytes = vec![0; usize::try_from(size).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(|cause| Error::read(path, cause))?;
    String::from_utf8(bytes).map_err(|fault| {
        let at = fault.utf8_error().valid_up_to();
        Error::malformed(path.display(), format!("byte {at}"), "not UTF-8 text")
    })
}
