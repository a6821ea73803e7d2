//! LM Studio's models: `PUBLISHER/REPO/FILE.gguf`, a plain folder two levels deep.

use super::tree::Tree;
use super::{Found, Place, group, huggingface};

pub(super) fn read(tree: &Tree, found: &mut Vec<Found>) {
    for publisher in tree.folders() {
        let Some(repos) = tree.below(&publisher) else { continue };
        for repo in repos.folders() {
            let folder = repos.root().join(&repo);
            let models = group::models(&folder, &tree.list(&folder), |_| None);
            let repo = format!("{publisher}/{repo}");
            found.extend(huggingface::named(&repo, models).map(|(name, aliases, model)| Found {
                name,
                aliases,
                place: Place::LmStudio,
                path: model.path,
                files: model.files,
                origin: Some(repo.clone()),
                revision: None,
                manifest: None,
                problem: model.problem,
            }));
        }
    }
}
