//! A file that has its name only when it is complete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// Bytes that are written at once.
const BUFFER_BYTES: usize = 1 << 20;

/// A file under another name in the same folder. Dropped before [`Output::finish`], it is removed.
#[derive(Debug)]
pub(super) struct Output {
    file: Option<BufWriter<File>>,
    path: PathBuf,
    partial: PathBuf,
}

impl Output {
    /// # Errors
    /// The folder cannot be written to.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let partial = path.with_added_extension("partial");
        let file = File::create(&partial).with_context(|| partial.display().to_string())?;
        Ok(Self { file: Some(BufWriter::with_capacity(BUFFER_BYTES, file)), path: path.to_owned(), partial })
    }

    /// Gives the file its name, once everything is on the disk.
    ///
    /// # Errors
    /// The disk is full, or the name cannot be given.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let Some(file) = self.file.take() else { return Ok(()) };
        let kept = file.into_inner().map_err(io::IntoInnerError::into_error).and_then(|file| file.sync_all());
        let renamed = kept.and_then(|()| fs::rename(&self.partial, &self.path));
        if renamed.is_err() {
            self.remove();
        }
        renamed.with_context(|| self.path.display().to_string())
    }

    fn remove(&self) {
        // Whatever ended the command is what people should hear of.
        let _ = fs::remove_file(&self.partial);
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.as_mut().map_or(Ok(0), |file| file.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            self.remove();
        }
    }
}
