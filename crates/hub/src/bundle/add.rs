//! From a bundle into the store: every file is hashed before it gets its name.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::Bundle;
use crate::hashing::{Job, Watch, hash_all};
use crate::pull::link;
use crate::remote::ListedFile;
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
    let before = fs::read_to_string(model.path(&folder)).ok();
    let before = before.and_then(|text| Manifest::parse(&text, &model.path(&folder)).ok());
    let mut written_bytes: u64 = 0;
    for file in &mut model.files {
        file.fetched = if folder.blob(&file.blob).exists() {
            check_present(&folder, file, watch)?;
            let ours = |other: &&ManifestFile| other.blob == file.blob && other.fetched;
            before.as_ref().is_some_and(|manifest| manifest.files.iter().any(|other| ours(&other)))
        } else {
            unpack(bundle, &folder, file, watch)?;
            written_bytes = written_bytes.saturating_add(file.size_bytes);
            true
        };
        let listed = ListedFile { path: file.path.clone(), size_bytes: file.size_bytes, digest: file.blob };
        link(&folder, &model.commit, &listed)?;
    }
    refer_if_new(&folder, &model.revision, &model.commit)?;
    model.source = "bundle".to_owned();
    model.fetched_at = now;
    model.write(&folder)?;
    Ok(Added { manifest: model, written_bytes })
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
    let partial = folder.own().join(format!("{}.bundle", file.sha256));
    for place in [&blob, &partial].into_iter().filter_map(|path| path.parent()) {
        fs::create_dir_all(place).map_err(|cause| Error::io(place, cause))?;
    }
    let mut git = match file.blob {
        BlobDigest::Git(_) => Some(Digesting::git(file.size_bytes)),
        BlobDigest::Sha256(_) => None,
    };
    let index = bundle.header.members.iter().position(|member| member.sha256 == file.sha256).unwrap_or(usize::MAX);
    let target = Target { partial, path: blob.clone() };
    target.fill(bundle, index, 0o644, watch, &mut |chunk| {
        if let Some(git) = &mut git {
            git.update(chunk);
        }
    })?;
    if git.is_some_and(|git| git.finish() != file.blob) {
        let _ = fs::remove_file(&target.partial);
        return Err(Error::bundle(&bundle.path, format_args!("{} is not what its hub calls it", file.path)));
    }
    target.name()
}

/// Writes the program of a bundle to `out`, ready to be run.
///
/// # Errors
/// There is none in it, or it is not what the header says; something of that name is there; `watch` said to stop.
pub fn extract_program(bundle: &mut Bundle, out: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let program = bundle.header.program.as_ref().map(|program| program.sha256);
    let index = bundle.header.members.iter().position(|member| Some(member.sha256) == program);
    let Some(index) = index else { return Err(Error::bundle(&bundle.path, "the program is not in it")) };
    if fs::symlink_metadata(out).is_ok() {
        return Err(Error::bundle(out, "something of this name is there: remove it, or give another name"));
    }
    let size = bundle.header.members.get(index).map_or(0, |member| member.size_bytes);
    space::check(out, size)?;
    let target = Target { partial: out.with_added_extension("partial"), path: out.to_owned() };
    target.fill(bundle, index, 0o755, watch, &mut |_| {})?;
    target.name()
}

/// A file that gets its name when its bytes are the right ones.
struct Target {
    partial: PathBuf,
    path: PathBuf,
}

impl Target {
    /// Copies a member; if it is not what the header says, nothing is left.
    fn fill(
        &self,
        bundle: &mut Bundle,
        index: usize,
        mode: u32,
        watch: &Watch<'_>,
        also: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Error> {
        // Left by a run that was cut. A new file under a name that nothing has: no link is followed.
        let _ = fs::remove_file(&self.partial);
        let mut file = create_new(&self.partial, mode).map_err(|cause| Error::io(&self.partial, cause))?;
        let filled = bundle.copy(index, watch, &mut |chunk| {
            also(chunk);
            file.write_all(chunk)
        });
        let filled = filled.and_then(|()| file.sync_all().map_err(|cause| Error::io(&self.partial, cause)));
        if filled.is_err() {
            let _ = fs::remove_file(&self.partial);
        }
        filled
    }

    fn name(&self) -> Result<(), Error> {
        fs::rename(&self.partial, &self.path).map_err(|cause| Error::io(&self.path, cause))
    }
}

#[cfg(unix)]
fn create_new(path: &Path, mode: u32) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path)
}

#[cfg(not(unix))]
fn create_new(path: &Path, _: u32) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).open(path)
}
