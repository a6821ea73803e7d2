//! What a cut download leaves behind: the bytes so far, and beside them which of them are there.
//!
//! `tramontane/DIGEST.part` has the length of the whole file from the start; `DIGEST.part.json` says how far each piece has
//! come. The record never claims more than was written, and in the end the digest decides.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::remote::ListedFile;
use crate::{BlobDigest, Error, RepoFolder, limits};

const VERSION: u32 = 1;
/// Behind the digest of a file that is being fetched.
pub(crate) const ENDING: &str = ".part";

/// A file that is being fetched.
pub(super) struct Part {
    pub(super) path: PathBuf,
    record_path: PathBuf,
}

/// How far a file has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    digest: BlobDigest,
    size_bytes: u64,
    piece_bytes: u64,
    /// What the server called the bytes that are here.
    pub(super) etag: Option<String>,
    /// Bytes that are here of each piece, from its start.
    pub(super) done: Vec<u64>,
}

impl Part {
    pub(super) fn of(folder: &RepoFolder, digest: &BlobDigest) -> Self {
        let path = folder.own().join(format!("{digest}{ENDING}"));
        Self { record_path: path.with_added_extension("json"), path }
    }

    /// Bytes that the disk has given it already.
    pub(super) fn allocated_bytes(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |data| allocated(&data))
    }

    /// Takes up what is there if it belongs to this file, else begins anew; the file has its full length afterwards.
    ///
    /// # Errors
    /// The folder cannot be written to, or the disk is too full.
    pub(super) fn open(&self, file: &ListedFile, piece_bytes: u64) -> Result<Record, Error> {
        let fault = |cause| Error::io(&self.path, cause);
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).map_err(|cause| Error::io(folder, cause))?;
        }
        let length = fs::metadata(&self.path).map_or(0, |data| data.len());
        let record = self.read_record().filter(|record| record.is_of(file) && length == file.size_bytes);
        if let Some(record) = record {
            return Ok(record);
        }
        self.remove();
        let part = OpenOptions::new().write(true).create(true).truncate(true).open(&self.path).map_err(fault)?;
        reserve(&part, file.size_bytes).and_then(|()| part.set_len(file.size_bytes)).map_err(|cause| {
            self.remove();
            fault(cause)
        })?;
        Ok(Record::new(file, piece_bytes))
    }

    /// Writes the record, under its name only when it is complete.
    pub(super) fn save(&self, record: &Record) -> Result<(), Error> {
        let partial = self.record_path.with_added_extension("partial");
        let text = serde_json::to_vec(record).map_err(io::Error::from);
        let written =
            text.and_then(|text| fs::write(&partial, text)).and_then(|()| fs::rename(&partial, &self.record_path));
        written.map_err(|cause| Error::io(&self.record_path, cause))
    }

    /// Leaves nothing behind.
    pub(super) fn remove(&self) {
        // What is not there need not go.
        let _ = fs::remove_file(&self.path);
        self.remove_record();
    }

    pub(super) fn remove_record(&self) {
        let _ = fs::remove_file(&self.record_path);
        let _ = fs::remove_file(self.record_path.with_added_extension("partial"));
    }

    fn read_record(&self) -> Option<Record> {
        let mut text = Vec::new();
        File::open(&self.record_path).ok()?.take(limits::RECORD_BYTES).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Pieces that a file has at least where they are not too small to be worth a request.
const SHARED_PIECES: u64 = 32;
const LEAST_PIECE_BYTES: u64 = 4 << 20;

impl Record {
    fn new(file: &ListedFile, piece_bytes: u64) -> Self {
        // Small enough that all connections have work until the end; and a file of any size has a bounded number of pieces.
        let shared = (file.size_bytes / SHARED_PIECES).max(LEAST_PIECE_BYTES);
        let piece_bytes = piece_bytes.min(shared).max(file.size_bytes / limits::PIECES).max(1);
        let count = usize::try_from(file.size_bytes.div_ceil(piece_bytes)).unwrap_or(usize::MAX);
        let (digest, size_bytes) = (file.digest, file.size_bytes);
        Self { version: VERSION, digest, size_bytes, piece_bytes, etag: None, done: vec![0; count] }
    }

    fn is_of(&self, file: &ListedFile) -> bool {
        let same = (self.version, self.digest, self.size_bytes) == (VERSION, file.digest, file.size_bytes);
        let count = self.piece_bytes > 0 && self.size_bytes.div_ceil(self.piece_bytes) == self.done.len() as u64;
        let within = |(index, done): (usize, &u64)| *done <= self.length(index);
        same && count && self.done.iter().enumerate().all(within)
    }

    /// Where a piece begins.
    pub(super) fn start(&self, index: usize) -> u64 {
        self.piece_bytes.saturating_mul(index as u64)
    }

    /// How long a piece is.
    pub(super) fn length(&self, index: usize) -> u64 {
        self.size_bytes.saturating_sub(self.start(index)).min(self.piece_bytes)
    }

    /// Bytes that are here of a piece.
    pub(super) fn done(&self, index: usize) -> u64 {
        self.done.get(index).copied().unwrap_or(0)
    }

    /// More bytes of a piece are here.
    pub(super) fn add(&mut self, index: usize, count: u64) {
        let length = self.length(index);
        if let Some(done) = self.done.get_mut(index) {
            *done = done.saturating_add(count).min(length);
        }
    }

    /// Pieces of which something is missing, in order.
    pub(super) fn missing(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.done.len()).filter(|index| self.done(*index) < self.length(*index))
    }

    /// Bytes that are here without a gap from the beginning of the file.
    pub(super) fn frontier(&self) -> u64 {
        let gap = self.missing().next();
        gap.map_or(self.size_bytes, |index| self.start(index).saturating_add(self.done(index)))
    }

    /// Forgets what lies behind the first gap: it will be written again.
    pub(super) fn forget_beyond_frontier(&mut self) {
        let gap = self.missing().next();
        if let Some(gap) = gap {
            self.done.iter_mut().skip(gap.saturating_add(1)).for_each(|done| *done = 0);
        }
    }

    /// The piece that a byte lies in.
    pub(super) fn piece_at(&self, offset: u64) -> usize {
        usize::try_from(offset / self.piece_bytes.max(1)).unwrap_or(usize::MAX)
    }

    pub(super) fn total_done(&self) -> u64 {
        self.done.iter().fold(0, |sum, done| sum.saturating_add(*done))
    }

    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Everything is missing again.
    pub(super) fn reset(&mut self) {
        self.etag = None;
        self.done.iter_mut().for_each(|done| *done = 0);
    }
}

/// Asks the disk for all of it now, so that a full one is found before hours of downloading. Where the file system
/// cannot promise, nothing is lost.
#[cfg(target_os = "linux")]
fn reserve(file: &File, size_bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;

    match fallocate(file, FallocateFlags::empty(), 0, size_bytes.max(1)) {
        Err(error @ (Errno::NOSPC | Errno::FBIG | Errno::DQUOT)) => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_: &File, _: u64) -> io::Result<()> {
    Ok(())
}

/// Bytes that the disk has given a file.
#[cfg(unix)]
pub(crate) fn allocated(data: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;

    data.blocks().saturating_mul(512)
}

/// Bytes that the disk has given a file, as far as the system says.
#[cfg(not(unix))]
pub(crate) fn allocated(data: &fs::Metadata) -> u64 {
    data.len()
}

/// Bytes that can still be written below a folder, or below the nearest one above it that is there.
#[cfg(unix)]
pub(crate) fn free_bytes(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|folder| folder.is_dir())?;
    let about = rustix::fs::statvfs(there).ok()?;
    about.f_bavail.checked_mul(about.f_frsize)
}

#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{RepoPath, Sha256Digest};

    fn record(size_bytes: u64, piece_bytes: u64) -> (ListedFile, Record) {
        let digest = BlobDigest::Sha256(Sha256Digest::of(b"x"));
        let file = ListedFile { path: RepoPath::parse("a.gguf").unwrap(), size_bytes, digest };
        let record = Record::new(&file, piece_bytes);
        (file, record)
    }

    #[test]
    fn pieces() {
        let (file, mut record) = record(25, 10);
        assert_eq!((record.done.len(), record.length(2), record.start(2), record.frontier()), (3, 5, 20, 0));
        record.add(0, 10);
        record.add(1, 4);
        record.add(2, 5);
        assert_eq!((record.frontier(), record.total_done(), record.missing().collect::<Vec<_>>()), (14, 19, vec![1]));
        assert!(record.is_of(&file));
        record.forget_beyond_frontier();
        assert_eq!(record.done, [10, 4, 0]);
        for wrong in [vec![10, 4], vec![11, 0, 0], vec![0, 0, 6]] {
            assert!(!Record { done: wrong, ..record.clone() }.is_of(&file));
        }
        assert!(!Record { piece_bytes: 0, ..record.clone() }.is_of(&file));
        assert!(!Record { size_bytes: 26, ..record }.is_of(&file));
    }

    #[test]
    fn the_number_of_pieces_is_bounded() {
        let (_, record) = record(limits::FILE_BYTES, 1);
        assert!(record.done.len() as u64 <= limits::PIECES + 1);
    }
}
