//! Names for files that are in the cache already: links from snapshots, branches.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{BlobDigest, Commit, Error, RepoFolder, RepoPath, Revision};

/// The file of a snapshot: a link to its blob.
///
/// # Errors
/// Something else has that name.
pub(crate) fn link(
    folder: &RepoFolder,
    commit: &Commit,
    path: &RepoPath,
    blob: &BlobDigest,
    size_bytes: u64,
) -> Result<(), Error> {
    let (name, bytes) = (folder.file(commit, path), folder.blob(blob));
    let fault = |cause| Error::io(&name, cause);
    if let Some(parent) = name.parent() {
        fs::create_dir_all(parent).map_err(fault)?;
    }
    let same = || fs::canonicalize(&name).is_ok_and(|there| fs::canonicalize(&bytes).is_ok_and(|blob| there == blob));
    match fs::symlink_metadata(&name) {
        Err(_) => {
            // From `snapshots/COMMIT/a/b` up to the repository: two for the folders of the cache, and those of the path.
            let up = "../".repeat(path.names().len().saturating_add(1));
            make_link(&PathBuf::from(format!("{up}blobs/{blob}")), &bytes, &name).map_err(fault)
        }
        Ok(data) if data.is_file() && data.len() == size_bytes => Ok(()),
        Ok(_) if same() => Ok(()),
        Ok(_) => {
            let problem = "something else has this name, which was not put there by us: remove it and try again";
            Err(fault(io::Error::new(io::ErrorKind::AlreadyExists, problem)))
        }
    }
}

/// What a branch is, where nobody has said so yet.
///
/// # Errors
/// The folder cannot be written to.
pub(crate) fn refer_if_new(folder: &RepoFolder, revision: &Revision, commit: &Commit) -> Result<(), Error> {
    let path = folder.reference(revision);
    if revision.as_commit().is_some() || fs::symlink_metadata(&path).is_ok() {
        return Ok(());
    }
    let fault = |cause| Error::io(&path, cause);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(fault)?;
    }
    fs::write(&path, commit.as_str()).map_err(fault)
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
