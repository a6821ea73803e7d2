//! Where models lie: the Hugging Face cache, laid out as Hugging Face's own library lays it out.
//!
//! `$HF_HUB_CACHE/models--user--repo/` holds `blobs/DIGEST` (the bytes, once), `snapshots/COMMIT/PATH` (links to them under
//! their names) and `refs/REVISION` (which commit a branch was). Other programs neither look into nor object to the
//! folder `tramontane/` beside these three: manifests lie there, and what a cut download left behind.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::{BlobDigest, Commit, Error, RepoId, RepoPath, Revision};

/// The places that the environment names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    hub_cache: PathBuf,
    token_file: PathBuf,
    home: Option<PathBuf>,
}

impl Folders {
    /// As Hugging Face's own library reads the environment: `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`, on every system.
    ///
    /// `variable` gives the value of an environment variable; an empty one is not set.
    ///
    /// # Errors
    /// There is no home folder, and nothing that says where to go instead.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Error> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = given("HOME").or_else(|| given("USERPROFILE"));
        let set = |name: &str| given(name).map(|path| expand(path, home.as_deref()));
        let cache = set("XDG_CACHE_HOME").or_else(|| home.as_ref().map(|home| home.join(".cache")));
        let hf_home = set("HF_HOME").or_else(|| cache.map(|cache| cache.join("huggingface")));
        let hub_cache = set("HF_HUB_CACHE").or_else(|| set("HUGGINGFACE_HUB_CACHE"));
        let hub_cache = hub_cache.or_else(|| hf_home.as_ref().map(|folder| folder.join("hub")));
        let token_file = set("HF_TOKEN_PATH").or_else(|| hf_home.map(|folder| folder.join("token")));
        match (hub_cache, token_file) {
            (Some(hub_cache), Some(token_file)) => Ok(Self { hub_cache, token_file, home }),
            (Some(hub_cache), None) => Ok(Self { token_file: hub_cache.join("token"), hub_cache, home }),
            (None, _) => Err(Error::Environment("there is no home folder: set HF_HOME to say where models lie".into())),
        }
    }

    /// A store of its own in this folder, as tests and tools want it.
    pub fn at(hub_cache: impl Into<PathBuf>) -> Self {
        let hub_cache = hub_cache.into();
        Self { token_file: hub_cache.join("token"), hub_cache, home: None }
    }

    /// `…/huggingface/hub`: one folder for each repository. It need not be there yet.
    pub fn hub_cache(&self) -> &Path {
        &self.hub_cache
    }

    /// The file that `hf auth login` writes the token to.
    pub fn token_file(&self) -> &Path {
        &self.token_file
    }

    /// The user's home, where other programs keep their stores.
    pub fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The folder of a repository.
    pub fn repo(&self, repo: &RepoId) -> RepoFolder {
        let folder = repo.cache_folder();
        let locks = self.hub_cache.join(".locks").join(&folder);
        RepoFolder { root: self.hub_cache.join(folder), locks }
    }
}

/// `~/models` → the user's home and `models`.
fn expand(path: PathBuf, home: Option<&Path>) -> PathBuf {
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path,
    }
}

/// Behind the digest of a file that we brought.
pub(crate) const MARK: &str = ".ours";

/// One repository in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepoFolder {
    root: PathBuf,
    locks: PathBuf,
}

impl RepoFolder {
    /// `models--user--repo`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the bytes of a file lie, under the name that the hub gives them.
    pub fn blob(&self, digest: &BlobDigest) -> PathBuf {
        self.root.join("blobs").join(digest.to_string())
    }

    /// The files of one commit under their own names.
    pub fn snapshot(&self, commit: &Commit) -> PathBuf {
        self.root.join("snapshots").join(commit.as_str())
    }

    /// A file of one commit under its own name.
    pub fn file(&self, commit: &Commit, path: &RepoPath) -> PathBuf {
        path.below(&self.snapshot(commit))
    }

    /// The file that says which commit a branch or tag was when it was last asked for.
    pub fn reference(&self, revision: &Revision) -> PathBuf {
        revision.as_str().split('/').fold(self.root.join("refs"), |path, part| path.join(part))
    }

    /// What this program keeps beside the files: manifests, and the parts of cut downloads.
    pub fn own(&self) -> PathBuf {
        self.root.join("tramontane")
    }

    /// The note that we brought a file, as long as no manifest says so.
    pub(crate) fn mark(&self, digest: &BlobDigest) -> PathBuf {
        self.own().join(format!("{digest}{MARK}"))
    }

    /// What another program holds while it fetches the same bytes, and we while we do (`flock`).
    pub fn lock(&self, digest: &BlobDigest) -> PathBuf {
        self.locks.join(format!("{digest}.lock"))
    }
}
