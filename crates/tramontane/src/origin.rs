//! Where a model's files come from, as far as somebody wrote it down: the part of its passport that is not in its headers.

use std::path::PathBuf;

use hub::{BlobDigest, Found};
use serde_json::{Value, json};

use crate::machine;
use crate::model_source::ModelSource;
use crate::settings::Settings;
use crate::store;

/// What is known of the files of a model.
pub(crate) struct Origin {
    found: Option<Found>,
    license: Option<String>,
}

impl Origin {
    /// Of the model inside the program nothing: it comes with it.
    pub(crate) fn of(source: &ModelSource, settings: &Settings) -> Self {
        let found = match source {
            ModelSource::Files(path) => hub::at_path(path, &store::survey(settings)),
            ModelSource::Embedded => None,
        };
        let license = found.as_ref().and_then(|found| hub::facts_of(found).license);
        Self { found, license }
    }

    /// As the manifest or the README.md beside the files gives it.
    pub(crate) fn license(&self) -> Option<&String> {
        self.license.as_ref()
    }

    /// `null` for the model inside the program.
    pub(crate) fn json(&self) -> Value {
        let Some(found) = &self.found else { return Value::Null };
        let files = found.files.iter().map(|file| {
            let (sha256, git) = hashes(found, &file.name, file.expected);
            json!({ "name": file.name, "path": file.path, "size_bytes": file.size_bytes, "sha256": sha256, "git": git })
        });
        json!({
            "name": found.name,
            "place": found.place.to_string(),
            "repo": found.origin,
            "revision": found.revision,
            "files": files.collect::<Vec<_>>(),
            "manifest": found.manifest,
            "signature": signature(found),
        })
    }

    /// For people: what, and how it is.
    pub(crate) fn rows(&self) -> Vec<(&'static str, String)> {
        let Some(found) = &self.found else { return vec![("place", "inside the program".to_owned())] };
        let mut rows = vec![("place", found.place.to_string())];
        let revision = found.revision.as_ref().map_or_else(String::new, |commit| format!(" at {commit}"));
        rows.extend(found.origin.as_ref().map(|repo| ("origin", format!("{repo}{revision}"))));
        if let Some(manifest) = &found.manifest {
            let day = machine::day(manifest.fetched_at);
            rows.push(("fetched", format!("as {} from {}, {day}", manifest.name, manifest.source)));
        }
        for file in &found.files {
            let (sha256, git) = hashes(found, &file.name, file.expected);
            let recorded = sha256.map(|hash| format!("sha256 {hash}")).or(git.map(|hash| format!("git {hash}")));
            rows.extend(recorded.map(|hash| ("recorded", format!("{hash}  {}", file.name))));
        }
        rows.extend(signature(found).map(|path| ("signature", format!("{} (see `verify`)", path.display()))));
        rows
    }
}

/// What the manifest or the place says that a file hashes to.
fn hashes(found: &Found, name: &str, expected: Option<BlobDigest>) -> (Option<String>, Option<String>) {
    let listed = found.manifest.iter().flat_map(|manifest| &manifest.files).find(|file| file.path.file_name() == name);
    let listed = listed.map(|file| file.sha256.to_string());
    match expected {
        Some(BlobDigest::Sha256(digest)) => (listed.or(Some(digest.to_string())), None),
        Some(BlobDigest::Git(digest)) => (listed, Some(digest.to_string())),
        None => (listed, None),
    }
}

fn signature(found: &Found) -> Option<PathBuf> {
    hub::signature_beside(&found.path)
}
