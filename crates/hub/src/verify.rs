//! Is a model what it was? Its files hashed again, held against everything that is written of them.
//!
//! Four records may say what a file has to be: our manifest, the blob's own name in the Hugging Face cache, Ollama's
//! manifest, and a model's signature (`signing`). A file has to agree with all that speak of it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::hashing::{Hashed, Job, Watch, hash_all};
use crate::places::tree::{Kind, Tree};
use crate::places::{Found, Place};
use crate::signing::{Digest, Resource, Shard, Signed, Trust};
use crate::{BlobDigest, Error, Sha256Digest};

/// What was found out about a model's files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// Each file of the model, and the model itself where something else speaks against it; then other files that the signature lists, where the model is a folder.
    pub files: Vec<FileVerdict>,
    /// What became of the signature.
    pub signature: Signature,
}

impl Verification {
    /// The model is whole, nothing contradicts a record, and a signature that was to be checked is good and covers every file.
    pub fn is_good(&self) -> bool {
        let sound = self.files.iter().all(|file| !matches!(file.verdict, Verdict::Differs(_)));
        sound && !matches!(self.signature, Signature::Bad { .. })
    }
}

/// A file and what became of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileVerdict {
    /// Its name in the model.
    pub name: String,
    /// Its length, as it was read.
    pub size_bytes: u64,
    /// What its bytes hash to; `None` where they cannot be read.
    pub sha256: Option<Sha256Digest>,
    /// The records that agree with it.
    pub records: Vec<Record>,
    /// The conclusion.
    pub verdict: Verdict,
}

/// Who says what a file has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// What was written down when the model was fetched.
    Manifest,
    /// The name that the Hugging Face cache gives the bytes.
    BlobName,
    /// Ollama's manifest.
    Ollama,
    /// The model's signature.
    Signature,
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Manifest => "manifest",
            Self::BlobName => "the hub's hash",
            Self::Ollama => "Ollama's manifest",
            Self::Signature => "signature",
        })
    }
}

/// The conclusion for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is what at least one record says, and no record disagrees.
    Same,
    /// No record speaks of it: its hash is all there is to say.
    Unrecorded,
    /// A record disagrees, or it cannot be read: why.
    Differs(String),
}

/// The conclusion for a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// There is none, and none was asked for.
    None,
    /// There is one, but nothing was given to check it with.
    Unchecked {
        /// Its file.
        file: PathBuf,
        /// What it needs.
        problem: String,
    },
    /// It is by whom the caller trusts.
    Good {
        /// Its file.
        file: PathBuf,
        /// What exactly holds.
        what: String,
    },
    /// It is not, or is missing, or does not cover the model.
    Bad {
        /// Its file.
        file: PathBuf,
        /// Why.
        problem: String,
    },
}

/// Hashes a model's files and compares. `trust` is what a signature has to be made with; without it a signature is read,
/// and the files are compared with it, but who made it is not known. `signature` is its file, where it has another place
/// than `model.sig` in the model's folder or `FILE.sig` beside a model that is one file.
///
/// # Errors
/// `watch` said to stop.
pub fn verify(
    model: &Found,
    trust: Option<&Trust>,
    signature: Option<&Path>,
    watch: &Watch<'_>,
) -> Result<Verification, Error> {
    let file = signature.map(Path::to_owned).or_else(|| signature_beside(&model.path));
    let (signature, signed) = match file {
        Some(file) => read_signature(file, trust),
        None if trust.is_some() => {
            let file = default_signature(&model.path);
            (Signature::Bad { file, problem: "there is no such file: the model is not signed".to_owned() }, None)
        }
        None => (Signature::None, None),
    };
    let mut subjects = subjects(model, signed.as_ref());
    let jobs: Vec<_> = subjects.iter().map(Subject::job).collect();
    let hashed = hash_all(&jobs, watch)?;
    let mut files: Vec<_> = subjects.drain(..).zip(hashed).map(|(subject, hashed)| subject.judge(hashed)).collect();
    if !files.iter().any(|file| matches!(file.verdict, Verdict::Differs(_))) {
        files.extend(not_whole(model));
    }
    let signature = covered(signature, signed.as_ref(), model, &files);
    Ok(Verification { files, signature })
}

/// Bytes that [`verify`] will read.
pub fn bytes_to_verify(model: &Found) -> u64 {
    model.size_bytes()
}

fn default_signature(model: &Path) -> PathBuf {
    if model.is_dir() { model.join("model.sig") } else { model.with_added_extension("sig") }
}

/// The signature of the model at this path, where there is one: `model.sig` in its folder, or `FILE.sig` beside a file.
pub fn signature_beside(model: &Path) -> Option<PathBuf> {
    let folder = model.parent().map(|folder| folder.join("model.sig"));
    let places = [Some(default_signature(model)), folder.filter(|_| !model.is_dir())];
    places.into_iter().flatten().find(|path| path.exists())
}

fn read_signature(file: PathBuf, trust: Option<&Trust>) -> (Signature, Option<Signed>) {
    let signed = match Signed::read(&file) {
        Ok(signed) => signed,
        Err(error) => return (Signature::Bad { problem: without_file(&error, &file), file }, None),
    };
    let conclusion = match trust.map(|trust| signed.check(trust)) {
        None => Signature::Unchecked {
            problem: format!("it was made with {}: give {} to check who made it", signed.method(), signed.needs()),
            file,
        },
        Some(Ok(what)) => Signature::Good { file, what },
        Some(Err(error)) => Signature::Bad { problem: without_file(&error, &file), file },
    };
    (conclusion, Some(signed))
}

fn without_file(error: &Error, file: &Path) -> String {
    let message = error.to_string();
    let rest = message.strip_prefix(&file.display().to_string()).unwrap_or(&message);
    rest.trim_start_matches([':', ' ']).to_owned()
}

/// A good signature is one that covers what would be loaded, with hashes that were computed.
fn covered(signature: Signature, signed: Option<&Signed>, model: &Found, files: &[FileVerdict]) -> Signature {
    let (Signature::Good { file, what }, Some(signed)) = (&signature, signed) else { return signature };
    let bad = |problem: String| Signature::Bad { file: file.clone(), problem };
    let own = model.files.iter().filter_map(|file| files.iter().find(|verdict| verdict.name == file.name));
    let open: Vec<_> = own.filter(|verdict| !verdict.records.contains(&Record::Signature)).collect();
    if let Some(verdict) = open.first() {
        let problem = match &verdict.verdict {
            Verdict::Differs(_) => format!("it is genuine, but {} is not what was signed", verdict.name),
            _ if signed.statement().resources.iter().any(|one| matches!(one.digest, Digest::Other(_))) => {
                "it is genuine, but hashes with an algorithm that is not computed here: only SHA-256 is".to_owned()
            }
            _ => format!("it is genuine, but says nothing of {}", verdict.name),
        };
        return bad(problem);
    }
    if let Some(other) = files.iter().find(|verdict| matches!(verdict.verdict, Verdict::Differs(_))) {
        return bad(format!("it is genuine, but {} is not what was signed", other.name));
    }
    Signature::Good { file: file.clone(), what: what.clone() }
}

/// A file to be hashed, and what records say of it.
struct Subject {
    name: String,
    path: PathBuf,
    /// Whole-file hashes that it has to have.
    expected: Vec<(Record, BlobDigest)>,
    size_bytes: Option<u64>,
    shards: Vec<(Shard, Sha256Digest)>,
    /// Why it cannot be what a record says, known before it is read.
    problem: Option<String>,
}

impl Subject {
    fn new(name: &str, path: &Path) -> Self {
        let (name, path) = (name.to_owned(), path.to_owned());
        Self { name, path, expected: Vec::new(), size_bytes: None, shards: Vec::new(), problem: None }
    }

    fn job(&self) -> Job {
        let git = self.expected.iter().any(|(_, digest)| matches!(digest, BlobDigest::Git(_)));
        let git = git.then(|| self.size_bytes.or_else(|| Some(std::fs::metadata(&self.path).ok()?.len()))).flatten();
        Job { path: self.path.clone(), git, shards: self.shards.iter().map(|(shard, _)| *shard).collect() }
    }

    fn judge(self, hashed: std::io::Result<Hashed>) -> FileVerdict {
        let hashed = match (&self.problem, hashed) {
            (None, Ok(hashed)) => hashed,
            (Some(problem), _) => return self.unread(problem.clone()),
            (None, Err(error)) => return self.unread(format!("it cannot be read: {error}")),
        };
        let mut records = Vec::new();
        let mut differs = None;
        let mut agree = |record: Record, same: bool, expected: &dyn fmt::Display, got: &dyn fmt::Display| match same {
            true if !records.contains(&record) => records.push(record),
            true => {}
            false => {
                let problem = format!("{record} says {expected}, the file has {got}");
                differs.get_or_insert(problem);
            }
        };
        if let Some(size) = self.size_bytes {
            let same = size == hashed.size_bytes;
            if !same {
                agree(
                    Record::Manifest,
                    false,
                    &format_args!("{size} bytes"),
                    &format_args!("{} bytes", hashed.size_bytes),
                );
            }
        }
        for (record, expected) in &self.expected {
            let got = match expected {
                BlobDigest::Sha256(_) => Some(BlobDigest::Sha256(hashed.sha256)),
                BlobDigest::Git(_) => hashed.git,
            };
            let shown = got.map_or_else(String::new, |got| got.to_string());
            agree(*record, got.as_ref() == Some(expected), expected, &shown);
        }
        for ((shard, expected), got) in self.shards.iter().zip(&hashed.shards) {
            let inside = shard.end <= hashed.size_bytes;
            let got = if inside { got.to_string() } else { format!("only {} bytes", hashed.size_bytes) };
            agree(Record::Signature, inside && got == expected.to_string(), expected, &got);
        }
        let end = self.shards.iter().map(|(shard, _)| shard.end).max();
        if let Some(end) = end.filter(|end| *end != hashed.size_bytes) {
            agree(Record::Signature, false, &format_args!("{end} bytes"), &format_args!("{} bytes", hashed.size_bytes));
        }
        let verdict = match (differs, records.is_empty()) {
            (Some(problem), _) => Verdict::Differs(problem),
            (None, true) => Verdict::Unrecorded,
            (None, false) => Verdict::Same,
        };
        FileVerdict { name: self.name, size_bytes: hashed.size_bytes, sha256: Some(hashed.sha256), records, verdict }
    }

    fn unread(&self, problem: String) -> FileVerdict {
        let name = self.name.clone();
        FileVerdict { name, size_bytes: 0, sha256: None, records: Vec::new(), verdict: Verdict::Differs(problem) }
    }
}

/// What is said of a model of which something is missing: files that are not there cannot be hashed.
fn not_whole(model: &Found) -> Option<FileVerdict> {
    let nothing = || model.files.is_empty().then(|| "there is no file of it".to_owned());
    let problem = model.problem.clone().or_else(nothing)?;
    Some(Subject::new(&model.name, &model.path).unread(problem))
}

fn subjects(model: &Found, signed: Option<&Signed>) -> Vec<Subject> {
    let mut subjects: Vec<_> = model.files.iter().map(|file| Subject::new(&file.name, &file.path)).collect();
    for (subject, file) in subjects.iter_mut().zip(&model.files) {
        let record = if model.place == Place::Ollama { Record::Ollama } else { Record::BlobName };
        subject.expected.extend(file.expected.map(|expected| (record, expected)));
    }
    if let Some(manifest) = &model.manifest {
        for listed in &manifest.files {
            let name = listed.path.file_name();
            match subjects.iter_mut().find(|subject| subject.name == name) {
                Some(subject) => {
                    subject.size_bytes = Some(listed.size_bytes);
                    subject.expected.push((Record::Manifest, BlobDigest::Sha256(listed.sha256)));
                }
                None => subjects.extend(missing(model, name)),
            }
        }
    }
    if let Some(signed) = signed {
        sign(&mut subjects, model, &signed.statement().resources);
    }
    subjects
}

/// A file that the manifest lists and the folder of the model lacks. What lies in other folders is not looked for.
fn missing(model: &Found, name: &str) -> Option<Subject> {
    let folder = if model.path.is_dir() { model.path.as_path() } else { model.path.parent()? };
    let path = folder.join(name);
    let mut subject = Subject::new(name, &path);
    if path.exists() {
        return None;
    }
    subject.problem = Some("it is missing".to_owned());
    Some(subject)
}

/// Adds what a signature says: of the model's own files, and, where the model is a folder, of all others in it.
fn sign(subjects: &mut Vec<Subject>, model: &Found, resources: &[Resource]) {
    let mut by_path: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
    for resource in resources {
        by_path.entry(resource.path.as_str()).or_default().push(resource);
    }
    let tree = model.path.is_dir().then(|| Tree::open(tree_of(&model.path))).flatten();
    for (path, resources) in by_path {
        let own = |subject: &Subject| subject.name == path || (path == "." && model.files.len() == 1);
        let index = subjects.iter().position(own);
        let subject = match (index, &tree) {
            (Some(index), _) => subjects.get_mut(index),
            (None, Some(tree)) => {
                subjects.push(other_file(tree, &model.path, path));
                subjects.last_mut()
            }
            // A file beside the model that is signed with it: nobody loads it.
            (None, None) => None,
        };
        if let Some(subject) = subject {
            resources.iter().for_each(|resource| expect(subject, resource));
        }
    }
}

/// Snapshots of the Hugging Face cache link to blobs beside them.
fn tree_of(folder: &Path) -> &Path {
    let repo = folder.ancestors().find(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("models--"))
    });
    repo.unwrap_or(folder)
}

fn other_file(tree: &Tree, folder: &Path, path: &str) -> Subject {
    let place = path.split('/').fold(folder.to_owned(), |place, part| place.join(part));
    let mut subject = Subject::new(path, &place);
    match tree.kind(&place) {
        Some(Kind::File { target, .. }) => subject.path = target,
        Some(Kind::Unusable(problem)) => subject.problem = Some(format!("it is {problem}")),
        _ => subject.problem = Some("it was signed, but is missing".to_owned()),
    }
    subject
}

fn expect(subject: &mut Subject, resource: &Resource) {
    match (&resource.digest, resource.shard) {
        (Digest::Sha256(bytes), None) => {
            let digest = BlobDigest::Sha256(Sha256Digest::from(*bytes));
            subject.expected.push((Record::Signature, digest));
        }
        (Digest::Sha256(bytes), Some(shard)) => subject.shards.push((shard, Sha256Digest::from(*bytes))),
        (Digest::Other(_), _) => {}
    }
    subject.shards.sort_by_key(|(shard, _)| (shard.start, shard.end));
}
