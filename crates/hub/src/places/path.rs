//! The model at a path that somebody gave, wherever it lies.

use std::fs;
use std::path::Path;

use super::group::{self, Model};
use super::tree::Tree;
use super::{Found, FoundFile, Place};

/// The model at `path`: one of those found, if the path is one of its files or its folder; else what lies there, under the
/// name of the file or folder. `None` where nothing there can be a model.
pub fn at_path(path: &Path, found: &[Found]) -> Option<Found> {
    let whole = fs::canonicalize(path).ok()?;
    let own = |model: &&Found| {
        let same = fs::canonicalize(&model.path).is_ok_and(|other| other == whole);
        same || model.files.iter().any(|file| file.path == whole)
    };
    // Several snapshots may share a blob: the path as it was given decides.
    let literal = std::path::absolute(path).ok()?;
    let known = found.iter().find(|model| model.path == literal).or_else(|| found.iter().find(own));
    known.cloned().or_else(|| unknown(&literal, &whole))
}

fn unknown(path: &Path, whole: &Path) -> Option<Found> {
    let folder = if whole.is_dir() { path } else { path.parent()? };
    let tree = Tree::open(folder)?;
    let models = group::models(tree.root(), &tree.list(tree.root()), |_| None);
    let model = match whole.is_dir() {
        true => lone(models)?,
        false => models.into_iter().find(|model| has(model, path, whole)).or_else(|| bare(path, whole))?,
    };
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    Some(Found {
        name: name.unwrap_or_else(|| path.display().to_string()),
        aliases: Vec::new(),
        place: Place::Folder,
        path: if whole.is_dir() { model.path.clone() } else { path.to_owned() },
        files: model.files,
        origin: None,
        revision: None,
        manifest: None,
        problem: model.problem,
    })
}

/// A folder of safetensors, or one with a single GGUF model in it.
fn lone(models: Vec<Model>) -> Option<Model> {
    let mut models = models;
    let index = models.iter().position(|model| model.stem.is_empty()).or((models.len() == 1).then_some(0))?;
    Some(models.swap_remove(index))
}

fn has(model: &Model, path: &Path, whole: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let listed = |file: &FoundFile| file.path == whole || Some(file.name.as_str()) == name;
    !model.stem.is_empty() && model.files.iter().any(listed)
}

/// A file that does not bear the ending `.gguf`, or a link that leads elsewhere: it was named, so it is meant.
fn bare(path: &Path, whole: &Path) -> Option<Model> {
    let name = path.file_name()?.to_str()?.to_owned();
    let size_bytes = fs::metadata(whole).ok().filter(fs::Metadata::is_file)?.len();
    let file = FoundFile { name: name.clone(), path: whole.to_owned(), size_bytes, expected: None };
    Some(Model { quantisation: None, stem: name, path: path.to_owned(), files: vec![file], problem: None })
}
