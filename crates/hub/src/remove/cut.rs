//! What pulls left that were cut: parts of files, and files that no model came of.
//!
//! Of a repository all of it goes at once: a part bears the digest of its file, which tells nothing of the model.

use std::collections::BTreeSet;
use std::fs;

use super::{Removal, used_elsewhere};
use crate::bundle::UNPACKING;
use crate::folders::MARK;
use crate::places::tree::{Item, Kind, Tree};
use crate::pull::part::{self, allocated};
use crate::whole::PARTIAL;
use crate::{BlobDigest, Error, Folders, Manifest, ModelName, catalogue};

/// A file in `tramontane/` that is no manifest.
enum Left {
    /// Bytes, or the record of them.
    Part,
    /// The note that a file of this digest is ours.
    Mark,
}

impl Removal {
    /// What cut pulls of the repository that is meant left in this store; `None` where there is nothing.
    ///
    /// # Errors
    /// Its folder cannot be read in full.
    pub fn of_cut(name: &ModelName, folders: &Folders) -> Result<Option<Self>, Error> {
        let repo = match name {
            ModelName::Short(short) => catalogue::find(short).ok().map(|(row, _)| &row.repo),
            ModelName::Repo { repo, .. } => Some(repo),
        };
        let tree = |repo: &crate::RepoId| Tree::open(folders.hub_cache())?.below(&repo.cache_folder());
        let Some((repo, tree)) = repo.and_then(|repo| Some((repo, tree(repo)?))) else { return Ok(None) };
        let mut removal = Self {
            name: format!("what cut downloads of {repo} left"),
            folder: tree.root().to_owned(),
            frees_bytes: 0,
            blobs: Vec::new(),
            kept: Vec::new(),
            manifest: None,
            links: Vec::new(),
            left: Vec::new(),
            held: None,
        };
        let digests = removal.choose_left(&tree)?;
        let has_any = !(removal.left.is_empty() && removal.blobs.is_empty());
        removal.held = Some((folders.repo(repo), digests));
        Ok(has_any.then_some(removal))
    }

    /// The digests of what goes.
    fn choose_left(&mut self, tree: &Tree) -> Result<Vec<BlobDigest>, Error> {
        let items = tree.below("tramontane").map(|own| own.list(own.root())).unwrap_or_default();
        let listed: BTreeSet<_> =
            Manifest::all_in(tree).iter().flat_map(|manifest| &manifest.files).map(|file| file.blob).collect();
        let used = used_elsewhere(tree, &BTreeSet::new()).ok_or_else(|| self.too_many())?;
        let mut digests = BTreeSet::new();
        for item in &items {
            match left(item, &items) {
                Some((digest, Left::Part)) => {
                    digests.insert(digest);
                    self.frees_bytes = self.frees_bytes.saturating_add(allocated_at(item));
                }
                // Of a model that is whole, or of what others use by now: the file stays, and so does the note.
                Some((digest, Left::Mark)) if listed.contains(&digest) || used.contains(&digest.to_string()) => {
                    continue;
                }
                Some((digest, Left::Mark)) => {
                    digests.insert(digest);
                    let blob = tree.root().join("blobs").join(digest.to_string());
                    self.frees_bytes = self.frees_bytes.saturating_add(fs::metadata(blob).map_or(0, |data| data.len()));
                    self.blobs.push(digest.to_string());
                }
                None => continue,
            }
            self.left.push(item.name.clone());
        }
        Ok(digests.into_iter().collect())
    }
}

/// What a file in `tramontane/` is, by its name.
fn left(item: &Item, items: &[Item]) -> Option<(BlobDigest, Left)> {
    let (digest, rest) = item.name.split_once('.').filter(|_| matches!(item.kind, Kind::File { .. }))?;
    let digest = BlobDigest::parse(digest).ok()?;
    // A manifest begins with a commit, which looks like git's digest: a record has its part beside it.
    let has_part = || items.iter().any(|other| other.name == format!("{digest}{}", part::ENDING));
    let rest = format!(".{rest}");
    let is_record = || [".part.json", ".part.json.partial"].contains(&rest.as_str()) && has_part();
    if rest == MARK {
        return Some((digest, Left::Mark));
    }
    let unpacking = rest.starts_with(UNPACKING) && rest.ends_with(PARTIAL);
    (rest == part::ENDING || unpacking || is_record()).then_some((digest, Left::Part))
}

/// What the disk has given it: a part has the length of the whole from the start.
fn allocated_at(item: &Item) -> u64 {
    fs::symlink_metadata(&item.path).map_or(0, |data| allocated(&data))
}
