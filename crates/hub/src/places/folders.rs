//! Any folder with models in it: GGUF files under their own names, folders of safetensors under theirs.

use std::path::Path;

use super::tree::{Kind, Tree};
use super::{Found, Place, group};
use crate::limits;

pub(super) fn read(tree: &Tree, found: &mut Vec<Found>) {
    let mut left = limits::WALKED_FOLDERS;
    walk(tree, tree.root(), 0, &mut left, found);
}

fn walk(tree: &Tree, folder: &Path, depth: usize, left: &mut usize, found: &mut Vec<Found>) {
    let Some(rest) = left.checked_sub(1) else { return };
    *left = rest;
    let items = tree.list(folder);
    found.extend(group::models(folder, &items, |_| None).into_iter().map(|model| {
        let own = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if model.stem.is_empty() { own } else { model.stem.clone() };
        let below = folder.strip_prefix(tree.root()).unwrap_or(folder);
        let below = if model.stem.is_empty() { below.to_owned() } else { below.join(&model.stem) };
        let long = below.to_string_lossy().replace('\\', "/");
        let aliases = if long == name || long.is_empty() { Vec::new() } else { vec![long] };
        Found {
            name,
            aliases,
            place: Place::Folder,
            path: model.path,
            files: model.files,
            origin: None,
            revision: None,
            manifest: None,
            problem: model.problem,
        }
    }));
    if depth < limits::FOLDER_DEPTH {
        let folders = items.iter().filter(|item| matches!(item.kind, Kind::Folder) && !item.name.starts_with('.'));
        folders.for_each(|item| walk(tree, &item.path, depth.saturating_add(1), left, found));
    }
}
