//! The cache of llama.cpp's programs: `USER_REPO_FILE.gguf`, and `manifest=USER=REPO=TAG.json` that tells user from repository.
//!
//! Since 2026 those programs share the Hugging Face cache; this is what older ones left.

use super::tree::Tree;
use super::{Found, Place, group};

pub(super) fn read(tree: &Tree, found: &mut Vec<Found>) {
    let items = tree.list(tree.root());
    let repos: Vec<_> = items.iter().filter_map(|item| repo_of(&item.name)).collect();
    for model in group::models(tree.root(), &items, |_| None) {
        let origin = repos.iter().find_map(|(user, repo)| {
            let file = model.stem.strip_prefix(&format!("{user}_{repo}_"))?;
            Some((format!("{user}/{repo}"), file))
        });
        let (name, aliases) = match (&origin, &model.quantisation) {
            (Some((repo, _)), Some(label)) => (format!("{repo}:{label}"), vec![model.stem.clone()]),
            (Some((repo, file)), None) => (format!("{repo}:{file}"), vec![model.stem.clone()]),
            (None, _) => (model.stem.clone(), Vec::new()),
        };
        found.push(Found {
            name,
            aliases,
            place: Place::LlamaCpp,
            path: model.path,
            files: model.files,
            origin: origin.map(|(repo, _)| repo),
            revision: None,
            manifest: None,
            problem: model.problem,
        });
    }
}

/// `manifest=ggml-org=gemma-3-4b-it-GGUF=latest.json` → user and repository.
fn repo_of(name: &str) -> Option<(String, String)> {
    let mut parts = name.strip_prefix("manifest=")?.strip_suffix(".json")?.splitn(3, '=');
    let (user, repo, _tag) = (parts.next()?, parts.next()?, parts.next()?);
    (!user.is_empty() && !repo.is_empty()).then(|| (user.to_owned(), repo.to_owned()))
}
