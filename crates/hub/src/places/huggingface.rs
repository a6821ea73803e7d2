//! The cache of Hugging Face's libraries: `models--USER--REPO/{refs,snapshots,blobs}`.
//!
//! A snapshot is a folder of links into `blobs`; a blob bears the hash of its bytes as its name: SHA-256 for files in LFS,
//! git's SHA-1 for the others. What `pull` fetched lies here too, with a manifest (`crate::manifest`) beside the three.
//! Layout: <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>.

use std::path::Path;

use super::group::{self, Model};
use super::tree::{Kind, Tree};
use super::{Found, Place};
use crate::{BlobDigest, Commit, Manifest, RepoId, limits};

pub(super) fn read(tree: &Tree, found: &mut Vec<Found>) {
    for name in tree.folders() {
        let Some(repo) = RepoId::from_cache_folder(&name) else { continue };
        // A tree of its own: no link of one repository reaches the blobs of another.
        if let Some(tree) = tree.below(&name) {
            read_repo(&tree, &repo, found);
        }
    }
}

fn read_repo(tree: &Tree, repo: &RepoId, found: &mut Vec<Found>) {
    let Some(snapshots) = tree.below("snapshots") else { return };
    let commits: Vec<_> = snapshots.folders().iter().filter_map(|name| Commit::parse(name).ok()).collect();
    let main = tree.read_text(&tree.root().join("refs").join("main"), limits::REF_BYTES);
    let main = main.as_deref().map(str::trim).filter(|main| commits.iter().any(|commit| commit.as_str() == *main));
    // Without a branch (a fetch by commit), a lone snapshot is what the name means.
    let current = main.map(str::to_owned).or(match commits.as_slice() {
        [one] => Some(one.as_str().to_owned()),
        _ => None,
    });
    let manifests = Manifest::all_in(tree);
    for commit in &commits {
        let models = snapshot(tree, &snapshots.root().join(commit.as_str()), 0);
        let at =
            if current.as_deref() == Some(commit.as_str()) { String::new() } else { format!("@{}", commit.short()) };
        found.extend(named(&format!("{repo}{at}"), models).map(|(name, aliases, model)| {
            let mut model = Found {
                name,
                aliases,
                place: Place::HuggingFace,
                path: model.path,
                files: model.files,
                origin: Some(repo.to_string()),
                revision: Some(commit.clone()),
                manifest: None,
                problem: model.problem,
            };
            if let Some(manifest) = manifests.iter().find(|manifest| manifest.is_of(&model)) {
                add(manifest, &mut model);
            }
            model
        }));
    }
}

/// What was written down when the model was fetched: the word that it was fetched by, and SHA-256 of its small files too.
fn add(manifest: &Manifest, model: &mut Found) {
    let name = manifest.name.to_string();
    // A manifest may lie: no model bears the name of another one.
    if manifest.is_rightly_named() && name != model.name && !model.aliases.contains(&name) {
        model.aliases.push(name);
    }
    model.manifest = Some(manifest.clone());
}

/// Models of a snapshot, folders in it included: some repositories have one for each quantisation.
fn snapshot(tree: &Tree, folder: &Path, depth: usize) -> Vec<Model> {
    let items = tree.list(folder);
    let mut models = group::models(folder, &items, blob_hash);
    if depth < limits::SNAPSHOT_DEPTH {
        let folders = items.iter().filter(|item| matches!(item.kind, Kind::Folder));
        models.extend(folders.flat_map(|item| snapshot(tree, &item.path, depth.saturating_add(1))));
    }
    models
}

/// Names for the models of one repository: the repository for safetensors, `repo:Q4_K_M` for a GGUF file, or `repo:STEM`
/// where several files share a label or have none. A lone model is meant by the repository's name too.
pub(super) fn named(repo: &str, models: Vec<Model>) -> impl Iterator<Item = (String, Vec<String>, Model)> {
    let labels: Vec<_> = models.iter().map(|model| model.quantisation.clone()).collect();
    let alone = models.len() == 1;
    let repo = repo.to_owned();
    models.into_iter().map(move |model| {
        let unique = labels.iter().filter(|label| **label == model.quantisation).count() == 1;
        let by_stem = format!("{repo}:{}", model.stem);
        let name = match &model.quantisation {
            _ if model.stem.is_empty() => repo.clone(),
            Some(label) if unique => format!("{repo}:{label}"),
            _ => by_stem.clone(),
        };
        let aliases = [alone.then(|| repo.clone()), (!model.stem.is_empty()).then_some(by_stem)];
        (name.clone(), aliases.into_iter().flatten().filter(|alias| *alias != name).collect(), model)
    })
}

/// What a blob's name says of its bytes.
fn blob_hash(blob: &Path) -> Option<BlobDigest> {
    if blob.parent()?.file_name()? != "blobs" {
        return None;
    }
    BlobDigest::parse(blob.file_name()?.to_str()?).ok()
}
