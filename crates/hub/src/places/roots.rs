//! Where each program keeps its models: their own variables first, then their own defaults.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Place;
use super::tree::read_regular;
use crate::{Folders, limits};

/// The folders that are looked into. Those that are not there are skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Caches of Hugging Face's libraries.
    pub hugging_face: Vec<PathBuf>,
    /// LM Studio's folders of models.
    pub lm_studio: Vec<PathBuf>,
    /// Ollama's folders of models.
    pub ollama: Vec<PathBuf>,
    /// Caches of llama.cpp.
    pub llama_cpp: Vec<PathBuf>,
    /// Folders that the user named.
    pub folders: Vec<PathBuf>,
}

impl Roots {
    /// What the environment says (`HF_HUB_CACHE`, `HF_HOME`, `OLLAMA_MODELS`, `LLAMA_CACHE`, the home folder), and the
    /// folders that the user named. `variable` reads the environment; a variable that is empty is not set.
    pub fn find(variable: &dyn Fn(&str) -> Option<OsString>, named: &[PathBuf]) -> Self {
        let hugging_face = Folders::from_environment(variable).ok().map(|folders| folders.hub_cache().to_owned());
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = variable("HOME").or_else(|| variable("USERPROFILE"));
        let cache = variable("XDG_CACHE_HOME").or_else(|| home.as_ref().map(|home| home.join(".cache")));
        let below = |base: &Option<PathBuf>, path: &str| base.as_ref().map(|base| base.join(path));
        let ollama = match variable("OLLAMA_MODELS") {
            Some(folder) => vec![folder],
            // The second is where Ollama's own installer puts the service's home.
            None => below(&home, ".ollama/models")
                .into_iter()
                .chain((!cfg!(windows)).then(|| PathBuf::from("/usr/share/ollama/.ollama/models")))
                .collect(),
        };
        let llama_cpp = variable("LLAMA_CACHE").or_else(|| match (cfg!(target_os = "macos"), cfg!(windows)) {
            (true, _) => below(&home, "Library/Caches/llama.cpp"),
            (_, true) => below(&variable("LOCALAPPDATA"), "llama.cpp"),
            _ => below(&cache, "llama.cpp"),
        });
        Self {
            hugging_face: hugging_face.into_iter().collect(),
            lm_studio: home.as_deref().map(lm_studio).unwrap_or_default(),
            ollama,
            llama_cpp: llama_cpp.into_iter().collect(),
            folders: named.iter().map(|folder| expand(folder, home.as_deref())).collect(),
        }
    }

    /// Every folder, with whose it is.
    pub fn all(&self) -> impl Iterator<Item = (Place, &Path)> {
        let rows: [(Place, &[PathBuf]); 5] = [
            (Place::HuggingFace, &self.hugging_face),
            (Place::LmStudio, &self.lm_studio),
            (Place::Ollama, &self.ollama),
            (Place::LlamaCpp, &self.llama_cpp),
            (Place::Folder, &self.folders),
        ];
        rows.into_iter().flat_map(|(place, folders)| folders.iter().map(move |folder| (place, folder.as_path())))
    }
}

/// `~/models`, as people write it in a file that no shell reads.
fn expand(path: &Path, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// Its own folder, which a file in the home folder may point to; in it `models`, or what its settings say. Versions
/// before 2025 used `~/.cache/lm-studio`.
fn lm_studio(home: &Path) -> Vec<PathBuf> {
    let moved = read_regular(&home.join(".lmstudio-home-pointer"), limits::SETTINGS_BYTES).ok();
    let moved = moved.map(|text| PathBuf::from(text.trim())).filter(|path| path.is_absolute());
    let homes = moved.into_iter().chain([home.join(".lmstudio"), home.join(".cache/lm-studio")]);
    let mut folders = Vec::new();
    for own in homes {
        folders.extend(downloads_folder(&own.join("settings.json")));
        folders.push(own.join("models"));
    }
    folders.dedup();
    folders
}

fn downloads_folder(settings: &Path) -> Option<PathBuf> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Settings {
        downloads_folder: Option<PathBuf>,
    }
    let text = read_regular(settings, limits::SETTINGS_BYTES).ok()?;
    let settings: Settings = serde_json::from_str(&text).ok()?;
    settings.downloads_folder.filter(|folder| folder.is_absolute())
}
