//! Removing what was fetched, and nothing else; `cut.rs` finds what was left of pulls that were cut.
//!
//! A manifest says which files are ours. A blob goes only when no other snapshot and no other manifest names it, and when we
//! brought it; the rest of the cache belongs to other programs. Folders are opened one below the other without following
//! links, and files are removed by name in the folder that is open: swapping a folder for a link in between changes nothing.
//!
//! Blobs go first, then the names that lead to them, then the manifest: interrupted, the model is still listed (as broken),
//! and removing it again goes on.

mod beneath;
mod cut;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use beneath::Folder;

use crate::folders::MARK;
use crate::places::tree::{Kind, Tree};
use crate::pull::place::lock_now;
use crate::{BlobDigest, Error, FileName, Found, Manifest, ManifestFile, RepoFolder, limits};

/// What removing a model would do. Nothing has been done yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Removal {
    /// The model.
    pub name: String,
    /// The repository's folder in the cache.
    pub folder: PathBuf,
    /// Bytes that it frees.
    pub frees_bytes: u64,
    /// Blobs that go, by name.
    pub blobs: Vec<String>,
    /// Files that stay, with the reason.
    pub kept: Vec<(String, &'static str)>,
    /// `None` where no model came of what goes.
    manifest: Option<Manifest>,
    links: Vec<ManifestFile>,
    /// Other files that go of those beside the manifest.
    left: Vec<String>,
    /// Files that nobody may be fetching meanwhile.
    held: Option<(RepoFolder, Vec<BlobDigest>)>,
}

impl Removal {
    /// What removing this model means.
    ///
    /// # Errors
    /// It was not fetched by this program, or its folder cannot be read in full.
    pub fn of(model: &Found) -> Result<Self, Error> {
        let kept = |problem: String| Error::Kept { name: model.name.clone(), problem };
        let Some(manifest) = &model.manifest else {
            let problem = format!("{} has it ({}): remove it there", model.place, model.path.display());
            return Err(kept(problem));
        };
        let name = manifest.repo.cache_folder();
        let folder = model.path.ancestors().find(|path| path.file_name().is_some_and(|own| own == name.as_str()));
        let tree = folder.and_then(Tree::open);
        let Some((folder, tree)) = folder.zip(tree) else {
            return Err(kept(format!("{} is not in a folder {name}", model.path.display())));
        };
        let others: Vec<_> = Manifest::all_in(&tree).into_iter().filter(|other| other != manifest).collect();
        let shared = |file: &ManifestFile| {
            others
                .iter()
                .any(|other| other.commit == manifest.commit && other.files.iter().any(|one| one.path == file.path))
        };
        let (shared, links): (Vec<_>, Vec<_>) = manifest.files.iter().cloned().partition(shared);
        let mut removal = Self {
            name: model.name.clone(),
            folder: folder.to_owned(),
            frees_bytes: 0,
            blobs: Vec::new(),
            kept: shared.iter().map(|file| (file.path.to_string(), "another pulled model has it too")).collect(),
            manifest: Some(manifest.clone()),
            links,
            left: Vec::new(),
            held: None,
        };
        let snapshot = tree.root().join("snapshots").join(manifest.commit.as_str());
        let going = removal.links.iter().map(|file| file.path.below(&snapshot)).collect();
        let used = used_elsewhere(&tree, &going).ok_or_else(|| removal.too_many())?;
        removal.choose_blobs(&used, &others);
        Ok(removal)
    }

    fn choose_blobs(&mut self, used: &BTreeSet<String>, others: &[Manifest]) {
        let mut taken = BTreeSet::new();
        for file in &self.links {
            let blob = file.blob.to_string();
            let listed = others.iter().any(|other| other.files.iter().any(|one| one.blob == file.blob));
            let reason = if !file.fetched {
                Some("another program had fetched it before")
            } else if used.contains(&blob) || listed {
                Some("another snapshot uses it")
            } else {
                None
            };
            match reason {
                Some(reason) => self.kept.push((file.path.to_string(), reason)),
                None if taken.insert(blob.clone()) => {
                    self.frees_bytes = self.frees_bytes.saturating_add(file.size_bytes);
                    // A pull that was cut and taken up again may have left its note.
                    self.left.push(format!("{blob}{MARK}"));
                    self.blobs.push(blob);
                }
                None => {}
            }
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// Something cannot be removed: what is gone is gone, and doing it again goes on.
    pub fn apply(&self) -> Result<(), Error> {
        let _locks = self.hold()?;
        let root = Folder::open(&self.folder)?;
        if let Some(blobs) = root.below("blobs")? {
            self.blobs.iter().try_for_each(|blob| blobs.remove_file(blob))?;
        }
        self.manifest.iter().try_for_each(|manifest| self.remove_names(&root, manifest))?;
        if let Some(own) = root.below("tramontane")? {
            self.left.iter().try_for_each(|name| own.remove_file(name))?;
            self.manifest.iter().try_for_each(|manifest| own.remove_file(&manifest.file_name()))?;
        }
        // Folders that nobody has anything in any more. `rmdir` refuses the others.
        ["tramontane", "snapshots", "blobs", "refs"].iter().for_each(|name| root.remove_empty(name));
        drop(root);
        let _ = std::fs::remove_dir(&self.folder);
        Ok(())
    }

    /// Until the end of what they are needed for, nobody fetches these files.
    fn hold(&self) -> Result<Vec<File>, Error> {
        let Some((folder, digests)) = &self.held else { return Ok(Vec::new()) };
        let problem = || "something of it is being fetched now: stop that first".to_owned();
        let lock = |digest| {
            lock_now(folder, digest)?.ok_or_else(|| Error::Kept { name: self.name.clone(), problem: problem() })
        };
        digests.iter().map(lock).collect()
    }

    /// The names of a model's files, and of the branch that they were.
    fn remove_names(&self, root: &Folder, manifest: &Manifest) -> Result<(), Error> {
        let commit = manifest.commit.as_str();
        let Some(snapshots) = root.below("snapshots")? else { return Ok(()) };
        if let Some(snapshot) = snapshots.below(commit)? {
            for file in self.links.iter().filter(|file| file.fetched) {
                let path: Vec<_> = file.path.names().iter().map(FileName::as_str).collect();
                remove_below(&snapshot, &path)?;
            }
        }
        snapshots.remove_empty(commit);
        match snapshots.below(commit)? {
            Some(_) => Ok(()),
            None => self.forget_branch(root, manifest),
        }
    }

    /// A branch that leads to a state of which nothing is left would be asked for in vain.
    fn forget_branch(&self, root: &Folder, manifest: &Manifest) -> Result<(), Error> {
        let path: Vec<_> = manifest.revision.as_str().split('/').collect();
        let place = path.iter().fold(self.folder.join("refs"), |place, part| place.join(part));
        let text = crate::places::read_regular(&place, limits::REF_BYTES);
        match root.below("refs")? {
            Some(refs) if text.is_ok_and(|text| text.trim() == manifest.commit.as_str()) => remove_below(&refs, &path),
            _ => Ok(()),
        }
    }

    fn too_many(&self) -> Error {
        let problem = "its folder has more files than are looked at".to_owned();
        Error::Kept { name: self.name.clone(), problem }
    }
}

/// `BF16/model.gguf`: the file in its folder, then the folders that are empty then.
fn remove_below(folder: &Folder, path: &[&str]) -> Result<(), Error> {
    match path {
        [] => Ok(()),
        [name] => folder.remove_file(name),
        [name, rest @ ..] => {
            if let Some(below) = folder.below(name)? {
                remove_below(&below, rest)?;
            }
            folder.remove_empty(name);
            Ok(())
        }
    }
}

/// The blobs that snapshots name by other files than those that go; `None` where there are too many to look at.
fn used_elsewhere(tree: &Tree, going: &BTreeSet<PathBuf>) -> Option<BTreeSet<String>> {
    let Some(snapshots) = tree.below("snapshots") else { return Some(BTreeSet::new()) };
    let mut used = BTreeSet::new();
    let mut left = limits::FOLDER_ENTRIES;
    let mut folders = vec![(snapshots.root().to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for item in tree.list(&folder) {
            left = left.checked_sub(1)?;
            match item.kind {
                Kind::Folder if depth > limits::PATH_COMPONENTS => return None,
                Kind::Folder => folders.push((item.path, depth.saturating_add(1))),
                Kind::File { target, .. } if !going.contains(&item.path) => used.extend(blob_name(&target)),
                _ => {}
            }
        }
    }
    Some(used)
}

fn blob_name(target: &Path) -> Option<String> {
    target.file_name()?.to_str().map(str::to_owned)
}
