//! What was fetched, from where, with which hashes: written beside a model when `pull` or `bundle add` brings it.
//!
//! `models--USER--REPO/tramontane/COMMIT.QUANT.json`, beside `blobs` and `snapshots`. It is what makes a model ours: `rm`
//! removes what a manifest lists as fetched, and nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::places::Found;
use crate::places::tree::{Kind, Tree};
use crate::whole::write_whole;
use crate::{
    BlobDigest, Commit, Error, ModelName, Quant, RepoFolder, RepoId, RepoPath, Revision, Sha256Digest, catalogue,
    limits,
};

/// The version of the file that is written, and the only one that is read.
const VERSION: u32 = 1;
const ENDING: &str = ".json";

/// A model that this program brought, and all that is known of where it came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Of this format: 1.
    pub version: u32,
    /// The word that it was fetched by.
    pub name: ModelName,
    /// Its repository.
    pub repo: RepoId,
    /// Which state of it.
    pub commit: Commit,
    /// The branch or tag that was asked for.
    pub revision: Revision,
    /// Which of the repository's files; `None` for all of its safetensors.
    pub quant: Option<Quant>,
    /// The hub's address: `https://huggingface.co`; `bundle` for what a bundle brought.
    pub source: String,
    /// Licence, as the table of names or the hub gave it.
    pub license: Option<String>,
    /// When it was complete, in seconds since 1970.
    pub fetched_at: u64,
    /// Its files.
    pub files: Vec<ManifestFile>,
}

/// A file of a fetched model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// Its place in the repository.
    pub path: RepoPath,
    /// Its length.
    pub size_bytes: u64,
    /// What the hub records of it, which is also the name of its blob.
    pub blob: BlobDigest,
    /// What its bytes were when they were verified.
    pub sha256: Sha256Digest,
    /// Whether we brought the bytes; `false` where another program had fetched them before.
    pub fetched: bool,
}

impl Manifest {
    /// The version that [`Manifest::write`] writes.
    pub const VERSION: u32 = VERSION;

    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size_bytes))
    }

    /// Whether its name is one of its repository, and not what this program calls another one.
    pub(crate) fn is_rightly_named(&self) -> bool {
        match &self.name {
            ModelName::Short(short) => catalogue::find(short).is_ok_and(|(row, _)| row.repo == self.repo),
            ModelName::Repo { repo, .. } => *repo == self.repo,
        }
    }

    /// The name that needs no table: repository and quantisation.
    pub(crate) fn plain_name(&self) -> ModelName {
        ModelName::Repo { repo: self.repo.clone(), quant: self.quant.clone() }
    }

    /// Where it belongs.
    pub fn path(&self, folder: &RepoFolder) -> PathBuf {
        folder.own().join(self.file_name())
    }

    /// Its name there.
    pub(crate) fn file_name(&self) -> String {
        let quant = self.quant.as_ref().map_or("safetensors", Quant::as_str);
        format!("{}.{quant}{ENDING}", self.commit)
    }

    /// Writes it to [`Manifest::path`], under that name only when it is complete.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, folder: &RepoFolder) -> Result<PathBuf, Error> {
        let (own, path) = (folder.own(), self.path(folder));
        fs::create_dir_all(&own).map_err(|cause| Error::io(&own, cause))?;
        let mut text = serde_json::to_string_pretty(self).map_err(|problem| Error::manifest(&path, problem))?;
        text.push('\n');
        write_whole(&path, &text).map_err(|cause| Error::io(&path, cause))?;
        Ok(path)
    }

    /// # Errors
    /// The text is no manifest of this version, or lists too many files.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let fault = |problem: String| Error::manifest(file, problem);
        let Version { version } = serde_json::from_str(text).map_err(|problem| fault(problem.to_string()))?;
        if version != VERSION {
            return Err(fault(format!("version {version}, where {VERSION} is read: update this program")));
        }
        let manifest: Self = serde_json::from_str(text).map_err(|problem| fault(problem.to_string()))?;
        if manifest.files.is_empty() || manifest.files.len() > limits::MODEL_FILES {
            return Err(fault(format!("{} files", manifest.files.len())));
        }
        Ok(manifest)
    }

    /// All manifests of one repository in the cache; broken ones are passed over.
    pub(crate) fn all_in(repo: &Tree) -> Vec<Self> {
        let Some(own) = repo.below("tramontane") else { return Vec::new() };
        let items = own.list(own.root()).into_iter();
        let files = items.filter(|item| item.name.ends_with(ENDING) && matches!(item.kind, Kind::File { .. }));
        files
            .filter_map(|item| {
                let text = own.read_text(&item.path, limits::MANIFEST_BYTES)?;
                Self::parse(&text, &item.path).ok()
            })
            .collect()
    }

    /// All manifests of a repository in this cache.
    pub(crate) fn all_at(hub_cache: &Path, repo: &RepoId) -> Vec<Self> {
        let tree = Tree::open(hub_cache).and_then(|cache| cache.below(&repo.cache_folder()));
        tree.map(|tree| Self::all_in(&tree)).unwrap_or_default()
    }

    /// Whether it lists what was found: the same state of the repository, and the file that is opened.
    pub(crate) fn is_of(&self, model: &Found) -> bool {
        let here = |path: &RepoPath| {
            let snapshot = Path::new("snapshots").join(self.commit.as_str());
            let file = path.below(&snapshot);
            model.path.ends_with(&file) || file.parent().is_some_and(|folder| model.path.ends_with(folder))
        };
        let weights = |path: &RepoPath| path.file_name().ends_with(".gguf") != model.path.is_dir();
        model.revision.as_ref() == Some(&self.commit)
            && self.files.iter().any(|file| weights(&file.path) && here(&file.path))
    }
}
