//! From a name to a model on the disk, every byte accounted for.
//!
//! [`Plan::of`] asks the hub what a repository holds and decides which files are wanted and why; [`Plan::fetch`] brings
//! them: `place.rs` knows the cache's layout, `part.rs` what a cut download leaves, `transfer.rs` one file over several
//! connections, `worker.rs` one connection. A file gets its final name only when its digest is the one that the hub
//! recorded for it at that commit.

mod choose;
pub(crate) mod part;
pub(crate) mod place;
mod transfer;
mod worker;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use part::free_bytes;
pub use transfer::Stage;

use crate::catalogue::{self, Row};
use crate::remote::{Client, Endpoint, ListedFile, Listing};
use crate::space::MARGIN_BYTES;
use crate::{
    Commit, Error, Folders, Found, FoundFile, Manifest, ManifestFile, ModelName, Place, Quant, RepoFolder, RepoId,
    RepoPath, Revision, ShortName, limits,
};
use choose::{Choice, KV_BYTES_PER_TOKEN, Room};
use part::Part;
use transfer::Wanted;

/// How to pull.
#[derive(Clone, Debug)]
pub struct PullOptions {
    /// Another state of the repository than the table's or `main`.
    pub revision: Option<Revision>,
    /// Memory that can be had, for the choice of a quantisation; `None` where the system does not say.
    pub free_memory_bytes: Option<u64>,
    /// Connections at once, 1 to 16.
    pub connections: usize,
    /// Most bytes that one connection fetches before it takes the next piece; of small files it takes less.
    pub piece_bytes: u64,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self { revision: None, free_memory_bytes: None, connections: 4, piece_bytes: 32 << 20 }
    }
}

/// How far it is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress<'a> {
    /// What is being done.
    pub stage: Stage,
    /// With which file.
    pub file: &'a RepoPath,
    /// Bytes of all files that are here; while checking, that have been checked.
    pub done_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// What went wrong and is tried again.
    pub trouble: Option<&'a str>,
}

/// What will be fetched, from where, and why that.
pub struct Plan {
    client: Arc<Client>,
    options: PullOptions,
    name: ModelName,
    repo: RepoId,
    revision: Revision,
    commit: Commit,
    license: Option<String>,
    choice: Choice,
}

/// A model that is here now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Pulled {
    /// What was written down of it.
    pub manifest: Manifest,
    /// Where that was written.
    pub manifest_path: PathBuf,
    /// What to open: a `.gguf` file, the first part of one, or a folder.
    pub path: PathBuf,
    /// Bytes that came over the network, as files.
    pub fetched_bytes: u64,
}

impl Plan {
    /// Asks the hub what the name means, and decides.
    ///
    /// # Errors
    /// Nothing has that name, the hub does not answer or refuses, or no model of the repository fits this machine.
    pub fn of(name: &ModelName, endpoint: Endpoint, options: PullOptions) -> Result<Self, Error> {
        let (row, repo, quant) = match name {
            ModelName::Short(short) => {
                let (row, quant) = catalogue::find(short)?;
                (Some(row), row.repo.clone(), quant)
            }
            ModelName::Repo { repo, quant } => (None, repo.clone(), quant.clone()),
        };
        let connections = options.connections.clamp(1, limits::CONNECTIONS);
        let options = PullOptions { connections, ..options };
        let pinned = || row.map_or_else(Revision::main, |row| row.revision.clone());
        let revision = options.revision.clone().unwrap_or_else(pinned);
        let client = Arc::new(Client::new(endpoint, connections));
        let listing = client.list(&repo, &revision)?;
        if let Some(asked) = revision.as_commit().filter(|asked| *asked != listing.commit) {
            let problem =
                format!("the hub was asked for commit {} and lists {}", asked.short(), listing.commit.short());
            return Err(Error::Choice { repo: repo.to_string(), problem });
        }
        let kv_bytes_per_token = row.map_or(KV_BYTES_PER_TOKEN, |row| row.kv_bytes_per_token);
        let room = Room { free_bytes: options.free_memory_bytes, kv_bytes_per_token };
        let choice = choose::choose(&repo, &listing, quant.as_ref(), room)?;
        if let Some(row) = row.filter(|_| options.revision.is_none()) {
            agree(row, &choice)?;
        }
        let Listing { commit, license, .. } = listing;
        let license = row.map(|row| row.license.clone()).or(license);
        let name = canonical(name, row, quant.as_ref());
        Ok(Self { client, options, name, repo, revision, commit, license, choice })
    }

    /// What it will be called: `ministral-3:8b` for `ministral-3`.
    pub fn name(&self) -> &ModelName {
        &self.name
    }

    /// Where it comes from.
    pub fn repo(&self) -> &RepoId {
        &self.repo
    }

    /// Which state of that.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Which of its models; `None` for safetensors.
    pub fn quant(&self) -> Option<&Quant> {
        self.choice.quant.as_ref()
    }

    /// Why this one, for people.
    pub fn why(&self) -> &str {
        &self.choice.why
    }

    /// Its licence, as the table or the repository says.
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// Its files and their sizes in bytes.
    pub fn files(&self) -> impl Iterator<Item = (&RepoPath, u64)> {
        self.choice.files.iter().map(|file| (&file.path, file.size_bytes))
    }

    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        choose::size(&self.choice.files)
    }

    /// A model of another place on this machine that has exactly the planned bytes, so that a second copy need not come.
    ///
    /// Where a place does not say what its files hash to, those of the same name and length are hashed.
    ///
    /// # Errors
    /// The caller asked to stop.
    pub fn elsewhere<'a>(
        &self,
        found: &'a [Found],
        watch: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Option<&'a Found>, Error> {
        let own = self.repo.to_string();
        let is_own = |model: &Found| model.place == Place::HuggingFace && model.origin.as_deref() == Some(&own);
        let others = found.iter().filter(|model| model.problem.is_none() && !is_own(model));
        for model in others.filter(|model| model.files.len() == self.choice.files.len()) {
            if self.choice.files.iter().all(|file| twin(file, model).is_some()) && self.has_same_bytes(model, watch)? {
                return Ok(Some(model));
            }
        }
        Ok(None)
    }

    fn has_same_bytes(
        &self,
        model: &Found,
        watch: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<bool, Error> {
        let total_bytes = self.size_bytes();
        let mut passed = 0_u64;
        for file in &self.choice.files {
            let Some(twin) = twin(file, model) else { return Ok(false) };
            let mut report = |stage, done: u64, trouble: Option<&str>| {
                let done_bytes = passed.saturating_add(done);
                watch(&Progress { stage, file: &file.path, done_bytes, total_bytes, trouble })
            };
            let same = match transfer::check(file, &twin.path, &mut report) {
                Ok((digest, _)) => digest == file.digest,
                Err(Error::Stopped) => return Err(Error::Stopped),
                // What cannot be read is of no use to us either.
                Err(_) => false,
            };
            if !same {
                return Ok(false);
            }
            passed = passed.saturating_add(file.size_bytes);
        }
        Ok(true)
    }

    /// Brings what is not here yet, checks everything, and writes the manifest.
    ///
    /// `watch` hears of progress about ten times a second and may break off: what is here is kept for the next time.
    ///
    /// # Errors
    /// The disk is too full, the hub does not send the file, or sends another: nothing of that is kept under a final name.
    pub fn fetch(
        &self,
        folders: &Folders,
        watch: &mut dyn FnMut(&Progress<'_>) -> ControlFlow<()>,
    ) -> Result<Pulled, Error> {
        let folder = folders.repo(&self.repo);
        self.check_disk(&folder)?;
        let before = Manifest::all_at(folders.hub_cache(), &self.repo);
        let total_bytes = self.size_bytes();
        let mut files = Vec::with_capacity(self.choice.files.len());
        let (mut passed, mut fetched_bytes) = (0_u64, 0_u64);
        for file in &self.choice.files {
            let mut report = |stage, done: u64, trouble: Option<&str>| {
                let done_bytes = passed.saturating_add(done);
                watch(&Progress { stage, file: &file.path, done_bytes, total_bytes, trouble })
            };
            let brought = self.bring(&folder, file, &mut report)?;
            fetched_bytes = fetched_bytes.saturating_add(if brought.fetched { file.size_bytes } else { 0 });
            files.push(brought);
            passed = passed.saturating_add(file.size_bytes);
        }
        for file in &self.choice.files {
            place::link(&folder, &self.commit, file)?;
        }
        place::refer(&folder, &self.revision, &self.commit)?;
        let mut manifest = self.manifest(files);
        // A short name that the same files already have stays.
        let named = before.into_iter().find(|old| old.path(&folder) == manifest.path(&folder));
        let short = named.map(|old| old.name).filter(|name| matches!(name, ModelName::Short(_)));
        manifest.name = short.filter(|_| matches!(self.name, ModelName::Repo { .. })).unwrap_or(manifest.name);
        let manifest_path = place::write_manifest(folders, &mut manifest)?;
        let path = opened(&manifest, &folder);
        Ok(Pulled { manifest, manifest_path, path, fetched_bytes })
    }

    /// One file: found here and right, or fetched.
    fn bring(
        &self,
        folder: &RepoFolder,
        file: &ListedFile,
        report: &mut transfer::Report<'_>,
    ) -> Result<ManifestFile, Error> {
        let entry = |sha256, fetched| {
            let (path, size_bytes, blob) = (file.path.clone(), file.size_bytes, file.digest);
            ManifestFile { path, size_bytes, blob, sha256, fetched }
        };
        if let Some(path) = place::present(folder, &self.commit, file) {
            return self.check(file, &path, report).map(|sha256| entry(sha256, false));
        }
        let lock = place::lock(folder, &file.digest, report)?;
        // Whoever held the lock may have fetched it.
        if let Some(path) = place::present(folder, &self.commit, file) {
            return self.check(file, &path, report).map(|sha256| entry(sha256, false));
        }
        let wanted = Wanted {
            repo: self.repo.clone(),
            revision: self.revision.clone(),
            commit: self.commit.clone(),
            file: file.clone(),
            address: self.client.resolve(&self.repo, &self.commit, &file.path)?,
        };
        let part = Part::of(folder, &file.digest);
        let options = (self.options.connections, self.options.piece_bytes);
        let fetched = transfer::fetch(&self.client, wanted, part, lock, options, report)?;
        place::keep(folder, &fetched.part, &file.digest)?;
        drop(fetched.lock);
        Ok(entry(fetched.sha256, true))
    }

    /// What lies here under the right name has to be the right thing too.
    fn check(
        &self,
        file: &ListedFile,
        path: &std::path::Path,
        report: &mut transfer::Report<'_>,
    ) -> Result<crate::Sha256Digest, Error> {
        let (found, sha256) = transfer::check(file, path, report)?;
        if found == file.digest {
            return Ok(sha256);
        }
        let remedy = "remove it and pull again".to_owned();
        Err(Error::Damaged { file: path.display().to_string(), expected: file.digest, found, remedy })
    }

    fn check_disk(&self, folder: &RepoFolder) -> Result<(), Error> {
        let missing = self.choice.files.iter().filter(|file| place::present(folder, &self.commit, file).is_none());
        let needed = missing.fold(0_u64, |sum, file| {
            let here = Part::of(folder, &file.digest).allocated_bytes();
            sum.saturating_add(file.size_bytes.saturating_sub(here))
        });
        match part::free_bytes(folder.root()) {
            // What is left for others is needed too: the message has to add up.
            Some(free) if needed > 0 && needed.saturating_add(MARGIN_BYTES) > free => Err(Error::NoSpace {
                folder: folder.root().display().to_string(),
                needed: readable(needed.saturating_add(MARGIN_BYTES)),
                free: readable(free),
            }),
            _ => Ok(()),
        }
    }

    fn manifest(&self, files: Vec<ManifestFile>) -> Manifest {
        Manifest {
            version: Manifest::VERSION,
            name: self.name.clone(),
            repo: self.repo.clone(),
            commit: self.commit.clone(),
            revision: self.revision.clone(),
            quant: self.choice.quant.clone(),
            source: self.client.endpoint().address(),
            license: self.license.clone(),
            fetched_at: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
            files,
        }
    }
}

/// The file of a model that may be the planned one: as long, and of the same digest or, where none is known, name.
fn twin<'a>(file: &ListedFile, model: &'a Found) -> Option<&'a FoundFile> {
    let may_be = |other: &&FoundFile| {
        let named = other.name == file.path.file_name();
        other.size_bytes == file.size_bytes && other.expected.map_or(named, |expected| expected == file.digest)
    };
    model.files.iter().find(may_be)
}

/// A model of this name that was pulled before and is still here, for machines that may not ask the hub. The files are
/// there in full length; their bytes are not read.
pub fn already_here(name: &ModelName, folders: &Folders) -> Option<Pulled> {
    let (repo, quant) = match name {
        ModelName::Short(short) => catalogue::find(short).ok().map(|(row, quant)| (row.repo.clone(), quant))?,
        ModelName::Repo { repo, quant } => (repo.clone(), quant.clone()),
    };
    let folder = folders.repo(&repo);
    let mut manifests = Manifest::all_at(folders.hub_cache(), &repo);
    manifests.retain(|manifest| quant.is_none() || manifest.quant == quant);
    // The same word first, then the newest.
    manifests.sort_by_key(|manifest| (manifest.name == *name, manifest.fetched_at));
    let whole = |manifest: &Manifest| {
        manifest.files.iter().all(|file| {
            let path = folder.file(&manifest.commit, &file.path);
            std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == file.size_bytes)
        })
    };
    let manifest = manifests.into_iter().rev().find(whole)?;
    let (manifest_path, path) = (manifest.path(&folder), opened(&manifest, &folder));
    Some(Pulled { manifest, manifest_path, path, fetched_bytes: 0 })
}

/// The name of the table's row, with the quantisation behind it where one was asked for.
fn canonical(name: &ModelName, row: Option<&Row>, quant: Option<&Quant>) -> ModelName {
    let Some(row) = row else { return name.clone() };
    let with_quant = quant.and_then(|quant| ShortName::parse(&format!("{}-{quant}", row.name)).ok());
    ModelName::Short(with_quant.unwrap_or_else(|| row.name.clone()))
}

/// What `Checkpoint::open` takes: the first GGUF file, or the folder.
fn opened(manifest: &Manifest, folder: &RepoFolder) -> PathBuf {
    let first = manifest.files.first().filter(|_| manifest.quant.is_some());
    first.map_or_else(|| folder.snapshot(&manifest.commit), |file| folder.file(&manifest.commit, &file.path))
}

/// What the table of short names says of a file has to be what the hub has.
fn agree(row: &Row, choice: &Choice) -> Result<(), Error> {
    for file in &choice.files {
        let Some(known) = row.files.iter().find(|known| known.path == file.path) else { continue };
        let same_size = known.size_bytes.is_none_or(|size| size == file.size_bytes);
        let same_bytes = known.sha256.is_none_or(|sha256| file.digest == crate::BlobDigest::Sha256(sha256));
        if !(same_size && same_bytes) {
            let quant = choice.quant.as_ref().map(|quant| format!(":{quant}")).unwrap_or_default();
            let problem = format!(
                "{} has changed since this program's table of names was written, so it is not what `{}` promises; \
                 `tramontane pull {}{quant}` takes it as it is now",
                file.path, row.name, row.repo,
            );
            return Err(Error::Choice { repo: row.repo.to_string(), problem });
        }
    }
    Ok(())
}

/// `5198911904` → `4.8 GiB`.
fn readable(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4) as usize;
    match UNITS.get(power.wrapping_sub(1)) {
        Some(unit) => format!("{:.1} {unit}", bytes as f64 / 1024_f64.powi(power as i32)),
        None => format!("{bytes} bytes"),
    }
}
