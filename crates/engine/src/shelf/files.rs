//! The files: `FOLDER/<model>/<key>`, magic word, contents, SHA-256 of magic word, key and contents.
//!
//! A file gets its name when it is whole; whatever is not exactly what its name says is removed and counts as a miss.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::index::{Index, Name, Stamp};
use super::key::Key;
use super::make_folder;
use crate::limits;

const MAGIC: &[u8; 8] = b"TRAMKV1\n";
const DIGEST: usize = 32;

/// The folder of one model.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    folder: PathBuf,
    block_bytes: usize,
}

impl Files {
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn open(root: &Path, model: Key, block_bytes: usize) -> io::Result<Self> {
        let name: String = model.to_string().chars().take(FOLDER_DIGITS).collect();
        let folder = root.join(name);
        make_folder(&folder)?;
        Ok(Self { root: root.to_owned(), folder, block_bytes })
    }

    /// Bytes of a file.
    pub(super) fn size(&self) -> u64 {
        (MAGIC.len() + self.block_bytes + DIGEST) as u64
    }

    /// Notes all blocks, of other models too: they count. What was begun long ago and has no name yet goes.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub(super) fn list(&self, index: &mut Index) -> io::Result<()> {
        for model in fs::read_dir(&self.root)? {
            let model = model?;
            // The folder may be another program's too: what has not our names is neither read nor touched.
            let is_ours = model.file_name().to_str().is_some_and(|name| is_hex(name, FOLDER_DIGITS));
            if !is_ours || !model.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(model.path())?.take(limits::SHELF_FILES) {
                let file = file?;
                match file.metadata() {
                    Ok(metadata) => self.note(index, &file.path(), &metadata),
                    // Another program made room.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        while let Ok(Some(name)) = index.victim(0, Stamp::new(u64::MAX)) {
            self.forget(&name);
        }
        Ok(())
    }

    fn note(&self, index: &mut Index, path: &Path, metadata: &fs::Metadata) {
        let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let stamp = Stamp { milliseconds: since.as_millis() as u64, rest: since.subsec_nanos() % 1_000_000 };
        let ours = path.parent() == Some(&self.folder);
        match Key::parse(name).filter(|_| metadata.is_file() && begins_as_ours(path)) {
            Some(key) if ours && metadata.len() == self.size() => index.add(Name::Ours(key), stamp, metadata.len()),
            Some(_) => index.add(Name::Foreign(path.to_owned()), stamp, metadata.len()),
            None if is_unfinished(name) && metadata.is_file() && age(since) > limits::SHELF_UNFINISHED => {
                // Another program may have been faster.
                let _ = fs::remove_file(path);
            }
            // Not of ours: neither counted nor touched.
            _ => {}
        }
    }

    /// The contents of a block.
    ///
    /// # Errors
    /// The file is not there, or is not what its name says.
    pub(super) fn read(&self, key: Key) -> io::Result<Vec<u8>> {
        let path = self.path(key);
        // Neither a link, nor a pipe that would keep us waiting.
        let metadata = fs::symlink_metadata(&path)?;
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "it is damaged");
        if !metadata.is_file() || metadata.len() != self.size() {
            return Err(damaged());
        }
        let mut bytes = Vec::with_capacity(MAGIC.len() + self.block_bytes + DIGEST);
        File::open(&path)?.take(self.size()).read_to_end(&mut bytes)?;
        let (contents, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(damaged)?;
        let contents = contents.strip_prefix(MAGIC).filter(|contents| contents.len() == self.block_bytes);
        let contents = contents.ok_or_else(damaged)?;
        if digest != &checksum(key, contents) {
            return Err(damaged());
        }
        bytes.truncate(MAGIC.len() + self.block_bytes);
        bytes.drain(..MAGIC.len());
        Ok(bytes)
    }

    /// # Errors
    /// The disk is full, or the folder has gone.
    pub(super) fn write(&self, key: Key, contents: &[u8], stamp: Stamp) -> io::Result<()> {
        let unfinished = self.folder.join(format!("{key}.{}{UNFINISHED}", std::process::id()));
        let written = self.write_to(&unfinished, key, contents, stamp);
        let named = written.and_then(|()| fs::rename(&unfinished, self.path(key)));
        if named.is_err() {
            // It may not even be there.
            let _ = fs::remove_file(&unfinished);
        }
        named
    }

    fn write_to(&self, path: &Path, key: Key, contents: &[u8], stamp: Stamp) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path)?;
        file.write_all(MAGIC)?;
        file.write_all(contents)?;
        file.write_all(&checksum(key, contents))?;
        file.set_times(FileTimes::new().set_modified(time(stamp)))
    }

    /// Marks a file as used.
    pub(super) fn touch(&self, key: Key, stamp: Stamp) {
        // Its place in the order is all that is lost where this fails.
        let _ = File::open(self.path(key)).and_then(|file| file.set_times(FileTimes::new().set_modified(time(stamp))));
    }

    /// Removes a file; it may have gone already.
    pub(super) fn forget(&self, name: &Name) {
        let _ = match name {
            Name::Ours(key) => fs::remove_file(self.path(*key)),
            Name::Foreign(path) => fs::remove_file(path),
        };
    }

    fn path(&self, key: Key) -> PathBuf {
        self.folder.join(key.to_string())
    }
}

/// Ends the names of files that are being written.
const UNFINISHED: &str = ".unfinished";

/// Digits in the name of a model's folder.
const FOLDER_DIGITS: usize = 32;

fn is_hex(name: &str, digits: usize) -> bool {
    name.len() == digits && name.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
}

/// `<key>.<process>.unfinished`
fn is_unfinished(name: &str) -> bool {
    let key = name.strip_suffix(UNFINISHED).and_then(|name| name.rsplit_once('.')).map(|(key, _)| key);
    key.is_some_and(|key| Key::parse(key).is_some())
}

/// Many programs name files by a SHA-256: only what has our magic word too is ours to remove.
fn begins_as_ours(path: &Path) -> bool {
    let mut magic = [0; MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *MAGIC
}

fn checksum(key: Key, contents: &[u8]) -> [u8; DIGEST] {
    let mut hash = Sha256::new_with_prefix(MAGIC);
    hash.update(key.0);
    hash.update(contents);
    hash.finalize().into()
}

fn time(stamp: Stamp) -> SystemTime {
    let since = Duration::from_millis(stamp.milliseconds) + Duration::from_nanos(u64::from(stamp.rest));
    UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH)
}

fn age(since: Duration) -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(since)
}
