//! The in-toto statement of a model signature: which files, with which hashes.

use ring::digest;
use serde::Deserialize;

use crate::limits;
use crate::places::single;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://model_signing/signature/v1.0";

/// What a signature says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statement {
    /// The model's name when it was signed: its folder's or file's.
    pub name: String,
    /// Its files or parts of files, in the order of their names.
    pub resources: Vec<Resource>,
    /// Files that the signer left out.
    pub ignored: Vec<String>,
}

/// A file, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resource {
    /// Path below the model's folder, its parts checked; `.` where the model is a single file.
    pub path: String,
    /// Which part, where files were signed in parts.
    pub shard: Option<Shard>,
    /// What it hashes to.
    pub digest: Digest,
}

/// A part of a file, from its start up to but not including its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// First byte.
    pub start: u64,
    /// Byte after the last.
    pub end: u64,
}

/// A hash and how it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Digest {
    /// SHA-256.
    Sha256([u8; 32]),
    /// By an algorithm that is not computed here, such as `blake3`.
    Other(String),
}

#[derive(Deserialize)]
struct Raw {
    subject: Vec<Subject>,
    predicate: Predicate,
}

#[derive(Deserialize)]
struct Subject {
    name: String,
    digest: SubjectDigest,
}

#[derive(Deserialize)]
struct SubjectDigest {
    sha256: String,
}

#[derive(Deserialize)]
struct Predicate {
    serialization: Serialization,
    resources: Vec<RawResource>,
}

#[derive(Deserialize)]
struct Serialization {
    method: String,
    hash_type: String,
    #[serde(default)]
    ignore_paths: Vec<String>,
}

#[derive(Deserialize)]
struct RawResource {
    name: String,
    algorithm: String,
    digest: String,
}

impl Statement {
    /// Reads a statement, and checks that its list hashes to its subject.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, String> {
        let kind: Kind = serde_json::from_slice(payload).map_err(|problem| format!("its statement: {problem}"))?;
        if kind.kind != STATEMENT {
            return Err(format!("a statement of type {:.100?}, where {STATEMENT} is needed", kind.kind));
        }
        if kind.predicate_type != PREDICATE {
            return Err(format!("what is stated is {:.100?}, where {PREDICATE} is needed", kind.predicate_type));
        }
        let raw: Raw = serde_json::from_slice(payload).map_err(|problem| format!("its statement: {problem}"))?;
        let [subject] = raw.subject.as_slice() else {
            return Err(format!("{} subjects, where one is needed", raw.subject.len()));
        };
        if raw.predicate.resources.len() > limits::RESOURCES {
            return Err(format!("{} files, more than are accepted", raw.predicate.resources.len()));
        }
        let in_parts = match raw.predicate.serialization.method.as_str() {
            "files" => false,
            "shards" => true,
            other => return Err(format!("files are listed by method {other:.100?}, which is not known")),
        };
        let mut root = digest::Context::new(&digest::SHA256);
        let mut resources = Vec::with_capacity(raw.predicate.resources.len());
        for one in &raw.predicate.resources {
            let bytes = hex(&one.digest).ok_or_else(|| format!("the digest of {:.200?} is none", one.name))?;
            root.update(&bytes);
            resources.push(resource(one, bytes, in_parts, &raw.predicate.serialization.hash_type)?);
        }
        if hex(&subject.digest.sha256).as_deref() != Some(root.finish().as_ref()) {
            return Err("its list of files does not hash to what it calls the model's digest".to_owned());
        }
        let name = subject.name.clone();
        Ok(Self { name, resources, ignored: raw.predicate.serialization.ignore_paths })
    }
}

/// The two fields that say how to read the others.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kind {
    #[serde(rename = "_type")]
    kind: String,
    predicate_type: String,
}

fn resource(raw: &RawResource, bytes: Vec<u8>, in_parts: bool, hash_type: &str) -> Result<Resource, String> {
    let (path, shard) = match in_parts {
        false => (raw.name.as_str(), None),
        true => split_shard(&raw.name).ok_or_else(|| format!("{:.200?} is not a part of a file", raw.name))?,
    };
    let sound = path == "." || (!path.is_empty() && path.split('/').all(|part| single(part).is_some()));
    if !sound || path.len() > limits::PATH_BYTES {
        return Err(format!("{path:.200?} is not the path of a file below the model's folder"));
    }
    // Files in parts have the algorithm's name with the part's size in it; what counts is what was computed.
    let algorithm = if in_parts { hash_type } else { raw.algorithm.as_str() };
    let digest = match (algorithm, <[u8; 32]>::try_from(bytes)) {
        ("sha256", Ok(bytes)) => Digest::Sha256(bytes),
        ("sha256", Err(_)) => return Err(format!("the digest of {path:.200?} is none of SHA-256")),
        (other, _) => Digest::Other(other.chars().take(40).collect()),
    };
    Ok(Resource { path: path.to_owned(), shard, digest })
}

/// `PATH:START:END`.
fn split_shard(name: &str) -> Option<(&str, Option<Shard>)> {
    let (rest, end) = name.rsplit_once(':')?;
    let (path, start) = rest.rsplit_once(':')?;
    let (start, end) = (start.parse().ok()?, end.parse().ok()?);
    (start < end).then_some((path, Some(Shard { start, end })))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 256 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
