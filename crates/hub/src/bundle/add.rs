//! From a bundle into the store: every file is hashed before it gets its name.

use std::fs;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::Path;

use super::Bundle;
use crate::hashing::{Job, Watch, hash_all};
use crate::pull::place::{self, link};
use crate::remote::ListedFile;
use crate::whole::Whole;
use crate::{BlobDigest, Commit, Digesting, Error, Folders, Manifest, ManifestFile, RepoFolder, Revision, space};

/// A model that was added.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Added {
    /// Its manifest, as it was written.
    pub manifest: Manifest,
    /// Bytes that were written; the rest was there.
    pub written_bytes: u64,
}

/// Puts models of a bundle into the store. `choose` says which. `now` is the time, in seconds since 1970.
///
/// # Errors
/// A member is not what the header says, or a file that is here already is not what its name says; too little room; or
/// `watch` said to stop. What was added before that is whole and stays.
pub fn add(
    bundle: &mut Bundle,
    folders: &Folders,
    choose: &dyn Fn(&Manifest) -> bool,
    now: u64,
    watch: &Watch<'_>,
) -> Result<Vec<Added>, Error> {
    let models: Vec<_> = bundle.header.models.iter().filter(|model| choose(model)).cloned().collect();
    let absent = |model: &Manifest| {
        let folder = folders.repo(&model.repo);
        let absent = model.files.iter().filter(|file| !folder.blob(&file.blob).exists());
        absent.fold(0_u64, |sum, file| sum.saturating_add(file.size_bytes))
    };
    let needed = models.iter().fold(0_u64, |sum, model| sum.saturating_add(absent(model)));
    space::check(folders.hub_cache(), needed)?;
    models.into_iter().map(|model| add_model(bundle, folders, model, now, watch)).collect()
}

fn add_model(
    bundle: &mut Bundle,
    folders: &Folders,
    mut model: Manifest,
    now: u64,
    watch: &Watch<'_>,
) -> Result<Added, Error> {
    let folder = folders.repo(&model.repo);
    let mut written_bytes: u64 = 0;
    for file in &mut model.files {
        file.fetched = bring(bundle, &folder, file, watch)?;
        written_bytes = written_bytes.saturating_add(if file.fetched { file.size_bytes } else { 0 });
    }
    for file in &model.files {
        let listed = ListedFile { path: file.path.clone(), size_bytes: file.size_bytes, digest: file.blob };
        link(&folder, &model.commit, &listed)?;
    }
    refer_if_new(&folder, &model.revision, &model.commit)?;
    model.source = "bundle".to_owned();
    model.fetched_at = now;
    place::write_manifest(folders, &mut model)?;
    Ok(Added { manifest: model, written_bytes })
}

/// One file: found here and right, or written. Whether it was written.
fn bring(bundle: &mut Bundle, folder: &RepoFolder, file: &ManifestFile, watch: &Watch<'_>) -> Result<bool, Error> {
    let is_here = || folder.blob(&file.blob).exists();
    if !is_here() {
        let mut go_on =
            |_, _, _: Option<&str>| if watch(0) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let _lock = place::lock(folder, &file.blob, &mut go_on)?;
        // Whoever held the lock may have brought it.
        if !is_here() {
            return unpack(bundle, folder, file, watch).map(|()| true);
        }
    }
    check_present(folder, file, watch).map(|()| false)
}

/// What a branch is, where nobody has said so yet.
fn refer_if_new(folder: &RepoFolder, revision: &Revision, commit: &Commit) -> Result<(), Error> {
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

/// What bears the name already has to be it.
fn check_present(folder: &RepoFolder, file: &ManifestFile, watch: &Watch<'_>) -> Result<(), Error> {
    let path = folder.blob(&file.blob);
    let hashed = hash_all(&[Job { path: path.clone(), git: None, shards: Vec::new() }], watch)?;
    match hashed.into_iter().next() {
        Some(Ok(hashed)) if hashed.sha256 == file.sha256 => Ok(()),
        Some(Err(cause)) => Err(Error::io(&path, cause)),
        _ => Err(Error::bundle(&path, "it is here already, but not what its name says: remove it and add again")),
    }
}

fn unpack(bundle: &mut Bundle, folder: &RepoFolder, file: &ManifestFile, watch: &Watch<'_>) -> Result<(), Error> {
    let blob = folder.blob(&file.blob);
    let partial = folder.own().join(format!("{}{UNPACKING}", file.blob));
    for place in [&blob, &partial].into_iter().filter_map(|path| path.parent()) {
        fs::create_dir_all(place).map_err(|cause| Error::io(place, cause))?;
    }
    let mut git = match file.blob {
        BlobDigest::Git(_) => Some(Digesting::git(file.size_bytes)),
        BlobDigest::Sha256(_) => None,
    };
    let index = bundle.header.members.iter().position(|member| member.sha256 == file.sha256).unwrap_or(usize::MAX);
    let fault = |cause| Error::io(&blob, cause);
    let mut whole = Whole::create_at(&partial, &blob, 0o666).map_err(fault)?;
    bundle.copy(index, watch, &mut |chunk| {
        git.iter_mut().for_each(|git| git.update(chunk));
        whole.write_all(chunk)
    })?;
    if let Some(git) = git {
        bundle.check_git(file, Some(git.finish()))?;
    }
    whole.keep().map_err(fault)?;
    place::mark(folder, &file.blob)
}

/// Behind the digest of a file that is being written, before the number of who writes it.
pub(crate) const UNPACKING: &str = ".bundle";

/// Writes the program of a bundle to `out`, ready to be run.
///
/// # Errors
/// There is none in it, or it is not what the header says; something of that name is there; `watch` said to stop.
pub fn extract_program(bundle: &mut Bundle, out: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let index = check_program(bundle, out)?;
    let size = bundle.header.members.get(index).map_or(0, |member| member.size_bytes);
    space::check(out, size)?;
    let fault = |cause| Error::io(out, cause);
    let mut whole = Whole::create_at(out, out, 0o755).map_err(fault)?;
    bundle.copy(index, watch, &mut |chunk| whole.write_all(chunk))?;
    whole.keep().map_err(fault)
}

/// Whether [`extract_program`] can begin: for those who do something else first. Which member the program is.
///
/// # Errors
/// There is none in it; something of that name is there.
pub fn check_program(bundle: &Bundle, out: &Path) -> Result<usize, Error> {
    let program = bundle.header.program.as_ref().map(|program| program.sha256);
    let index = bundle.header.members.iter().position(|member| Some(member.sha256) == program);
    let Some(index) = index else { return Err(Error::bundle(&bundle.path, "the program is not in it")) };
    if fs::symlink_metadata(out).is_ok() {
        return Err(Error::bundle(out, "something of this name is there: remove it, or give another name"));
    }
    Ok(index)
}
