//! From a checked part to a file under its final name, in the cache's own layout.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::part::Part;
use super::transfer::{Report, Stage};
use crate::remote::ListedFile;
use crate::whole::write_whole;
use crate::{BlobDigest, Commit, Error, Folders, Manifest, RepoFolder, Revision};

/// How often a lock is tried that somebody else holds.
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// Waits until nobody else fetches the same bytes: another of us, or Hugging Face's own library, which locks the same file.
///
/// # Errors
/// The lock cannot be made, or the caller asked to stop.
pub(crate) fn lock(folder: &RepoFolder, digest: &BlobDigest, report: &mut Report<'_>) -> Result<File, Error> {
    loop {
        if let Some(lock) = lock_now(folder, digest)? {
            return Ok(lock);
        }
        if report(Stage::Waiting, 0, None).is_break() {
            return Err(Error::Stopped);
        }
        thread::sleep(LOCK_WAIT);
    }
}

/// The same without waiting: `None` where somebody else has it.
///
/// # Errors
/// The lock cannot be made.
pub(crate) fn lock_now(folder: &RepoFolder, digest: &BlobDigest) -> Result<Option<File>, Error> {
    let path = folder.lock(digest);
    let fault = |cause| Error::io(&path, cause);
    if let Some(locks) = path.parent() {
        fs::create_dir_all(locks).map_err(fault)?;
    }
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(fault)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        // A file system without locks: the digest still decides.
        Err(TryLockError::Error(cause)) if cause.kind() == io::ErrorKind::Unsupported => Ok(Some(file)),
        Err(TryLockError::Error(cause)) => Err(fault(cause)),
    }
}

/// Where the bytes of a file lie already, by name and length: the blob, or on systems without links the file itself.
pub(super) fn present(folder: &RepoFolder, commit: &Commit, file: &ListedFile) -> Option<PathBuf> {
    let places = [folder.blob(&file.digest), folder.file(commit, &file.path)];
    places.into_iter().find(|path| fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == file.size_bytes))
}

/// Gives a checked part its final name.
///
/// # Errors
/// The disk does not take it.
pub(super) fn keep(folder: &RepoFolder, part: &Part, digest: &BlobDigest) -> Result<(), Error> {
    let blob = folder.blob(digest);
    if let Some(blobs) = blob.parent() {
        fs::create_dir_all(blobs).map_err(|cause| Error::io(blobs, cause))?;
    }
    let kept = File::open(&part.path).and_then(|file| file.sync_all()).and_then(|()| fs::rename(&part.path, &blob));
    kept.map_err(|cause| Error::io(&blob, cause))?;
    mark(folder, digest)
}

/// Notes that we brought a file, until a manifest says so: whatever comes in between, it is ours to remove.
///
/// # Errors
/// The folder cannot be written to.
pub(crate) fn mark(folder: &RepoFolder, digest: &BlobDigest) -> Result<(), Error> {
    let (own, path) = (folder.own(), folder.mark(digest));
    fs::create_dir_all(&own).map_err(|cause| Error::io(&own, cause))?;
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => Err(Error::io(&path, cause)),
        _ => Ok(()),
    }
}

/// Writes the manifest, in which a file is fetched if we brought it now, or are noted to have brought it before.
///
/// # Errors
/// The folder cannot be written to.
pub(crate) fn write_manifest(folders: &Folders, manifest: &mut Manifest) -> Result<PathBuf, Error> {
    let folder = folders.repo(&manifest.repo);
    // Marks first: who takes one away has written a manifest before.
    for file in &mut manifest.files {
        file.fetched |= folder.mark(&file.blob).exists();
    }
    let others = Manifest::all_at(folders.hub_cache(), &manifest.repo);
    let fetched: BTreeSet<_> =
        others.iter().flat_map(|other| &other.files).filter(|file| file.fetched).map(|file| file.blob).collect();
    manifest.files.iter_mut().for_each(|file| file.fetched |= fetched.contains(&file.blob));
    let path = manifest.write(&folder)?;
    for file in &manifest.files {
        // Of no more use; one that stays says nothing wrong.
        let _ = fs::remove_file(folder.mark(&file.blob));
    }
    Ok(path)
}

/// The file under its own name: a link to its blob.
///
/// # Errors
/// Something else has that name.
pub(crate) fn link(folder: &RepoFolder, commit: &Commit, file: &ListedFile) -> Result<(), Error> {
    let name = folder.file(commit, &file.path);
    let fault = |cause| Error::io(&name, cause);
    if let Some(parent) = name.parent() {
        fs::create_dir_all(parent).map_err(fault)?;
    }
    let blob = folder.blob(&file.digest);
    // From `snapshots/COMMIT/a/b` up to the repository: two for the folders of the cache, and those of the path.
    let up = "../".repeat(file.path.names().len().saturating_add(1));
    let target = PathBuf::from(format!("{up}blobs/{}", file.digest));
    let made = match fs::symlink_metadata(&name) {
        Err(_) => make_link(&target, &blob, &name),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    };
    let before = match made {
        // It was there before, or somebody else who pulls has put it there just now.
        Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => fs::symlink_metadata(&name),
        made => return made.map_err(fault),
    };
    match before {
        Err(cause) => Err(fault(cause)),
        Ok(data) if data.is_file() && data.len() == file.size_bytes => Ok(()),
        Ok(_) if fs::canonicalize(&name).is_ok_and(|there| fs::canonicalize(&blob).is_ok_and(|blob| there == blob)) => {
            Ok(())
        }
        Ok(_) => Err(fault(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "something else has this name, which we did not put there: remove it and pull again",
        ))),
    }
}

#[cfg(unix)]
fn make_link(target: &Path, _: &Path, name: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, name)
}

/// Links of the other kind need no rights that people do not have.
#[cfg(not(unix))]
fn make_link(_: &Path, blob: &Path, name: &Path) -> io::Result<()> {
    fs::hard_link(blob, name)
}

/// Notes which commit a branch or tag was, for programs that ask by branch.
///
/// # Errors
/// The folder cannot be written to.
pub(super) fn refer(folder: &RepoFolder, revision: &Revision, commit: &Commit) -> Result<(), Error> {
    if revision.as_commit().is_some() {
        return Ok(());
    }
    let path = folder.reference(revision);
    let fault = |cause| Error::io(&path, cause);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(fault)?;
    }
    if fs::read_to_string(&path).is_ok_and(|text| text.trim() == commit.as_str()) {
        return Ok(());
    }
    write_whole(&path, commit.as_str()).map_err(fault)
}
