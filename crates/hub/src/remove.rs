//! Removing what was fetched, and nothing else.
//!
//! A manifest says which files are ours. A blob goes only when no other snapshot and no other manifest names it, and when we
//! brought it; the rest of the cache belongs to other programs. Folders are opened one below the other without following
//! links, and files are removed by name in the folder that is open: swapping a folder for a link in between changes nothing.
//!
//! Blobs go first, then the names that lead to them, then the manifest: interrupted, the model is still listed (as broken),
//! and removing it again goes on.

mod beneath;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use beneath::Folder;

use crate::places::tree::{Kind, Tree};
use crate::{Commit, Error, Found, Manifest, ManifestFile, limits};

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
    manifest: Manifest,
    links: Vec<ManifestFile>,
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
        let used = used_elsewhere(&tree, &manifest.commit, &links)
            .ok_or_else(|| kept("its folder has more files than are looked at".to_owned()))?;
        let mut removal = Self {
            name: model.name.clone(),
            folder: folder.to_owned(),
            frees_bytes: 0,
            blobs: Vec::new(),
            kept: shared.iter().map(|file| (file.path.to_string(), "another pulled model has it too")).collect(),
            manifest: manifest.clone(),
            links,
        };
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
        let root = Folder::open(&self.folder)?;
        if let Some(blobs) = root.below("blobs")? {
            self.blobs.iter().try_for_each(|blob| blobs.remove_file(blob))?;
        }
        let commit = self.manifest.commit.as_str();
        if let Some(snapshots) = root.below("snapshots")? {
            if let Some(snapshot) = snapshots.below(commit)? {
                let ours = self.links.iter().filter(|file| file.fetched);
                ours.map(|file| file.path.names()).try_for_each(|path| remove_below(&snapshot, path))?;
            }
            snapshots.remove_empty(commit);
            self.forget_branch(&root, snapshots.below(commit)?.is_some())?;
        }
        if let Some(own) = root.below("tramontane")? {
            let name = self.manifest.file_name();
            own.remove_file(&name)?;
        }
        // Folders that nobody has anything in any more. `rmdir` refuses the others.
        ["tramontane", "snapshots", "blobs", "refs"].iter().for_each(|name| root.remove_empty(name));
        drop(root);
        let _ = std::fs::remove_dir(&self.folder);
        Ok(())
    }

    /// A branch that leads to a state of which nothing is left would be asked for in vain.
    fn forget_branch(&self, root: &Folder, is_there: bool) -> Result<(), Error> {
        let file = self.manifest.revision.as_str();
        if is_there || file.contains('/') {
            return Ok(());
        }
        let Some(refs) = root.below("refs")? else { return Ok(()) };
        let text = crate::places::read_regular(&self.folder.join("refs").join(file), limits::REF_BYTES);
        if text.is_ok_and(|text| text.trim() == self.manifest.commit.as_str()) {
            refs.remove_file(file)?;
        }
        Ok(())
    }
}

/// `BF16/model.gguf`: the file in its folder, then the folders that are empty then.
fn remove_below(folder: &Folder, path: &[crate::FileName]) -> Result<(), Error> {
    match path {
        [] => Ok(()),
        [name] => folder.remove_file(name.as_str()),
        [name, rest @ ..] => {
            if let Some(below) = folder.below(name.as_str())? {
                remove_below(&below, rest)?;
            }
            folder.remove_empty(name.as_str());
            Ok(())
        }
    }
}

/// The blobs that snapshots name by other files than those that go; `None` where there are too many to look at.
fn used_elsewhere(tree: &Tree, commit: &Commit, links: &[ManifestFile]) -> Option<BTreeSet<String>> {
    let snapshots = tree.below("snapshots")?;
    let own = snapshots.root().join(commit.as_str());
    let going: BTreeSet<PathBuf> = links.iter().map(|file| file.path.below(&own)).collect();
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
