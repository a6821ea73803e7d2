//! Making a bundle from models that lie here, whoever fetched them.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::header::{Header, Member, Program};
use super::{FIXED_BYTES, MAGIC};
use crate::hashing::{Hashed, Job, Watch, for_each_chunk, hash_all, open_regular, sha256};
use crate::places::Found;
use crate::verify::signature_beside;
use crate::whole::Whole;
use crate::{
    BlobDigest, Commit, Digesting, Error, Manifest, ManifestFile, ModelName, Quant, RepoId, RepoPath, Revision,
    Sha256Digest, facts_of, quantisation_of, space,
};

/// Whose name models get that are from no repository.
const LOCAL: &str = "local";

/// What goes into a bundle.
#[derive(Clone, Debug)]
pub struct Contents<'a> {
    /// The models.
    pub models: &'a [Found],
    /// The program's file, its version and what it runs on.
    pub program: Option<(&'a Path, &'a str, &'a str)>,
    /// What is making it: `tramontane 0.1.0`.
    pub made_by: &'a str,
    /// The time, in seconds since 1970: models that were not fetched by this program are dated so.
    pub now: u64,
}

/// Where the bytes of a member are.
struct Source {
    path: PathBuf,
    member: Member,
}

/// Writes a bundle. `watch` is told of every byte that is read: files whose hash nobody wrote down are read twice.
///
/// # Errors
/// A model cannot be used or has a file whose name cannot be carried; a file is not what its hash says; there is a file of that
/// name, or too little room; `watch` said to stop. Then there is no bundle.
pub fn create(contents: &Contents<'_>, out: &Path, watch: &Watch<'_>) -> Result<Header, Error> {
    if fs::symlink_metadata(out).is_ok() {
        return Err(Error::bundle(out, "something of this name is there: remove it, or give another name"));
    }
    let mut sources = Vec::new();
    let mut add = |path: &Path, member: Member| {
        if !sources.iter().any(|source: &Source| source.member.sha256 == member.sha256) {
            sources.push(Source { path: path.to_owned(), member });
        }
    };
    let program = match contents.program {
        Some((path, version, target)) => {
            let hashed = hashes(&[(path, None)], watch)?;
            hashed.iter().for_each(|hashed| add(path, member(hashed)));
            hashed.first().map(|hashed| Program {
                target: target.to_owned(),
                version: version.to_owned(),
                sha256: hashed.sha256,
            })
        }
        None => None,
    };
    let mut models = Vec::new();
    for model in contents.models {
        let (manifest, files) = manifest_of(model, contents.now, watch)?;
        for (file, path) in manifest.files.iter().zip(&files) {
            add(path, Member { sha256: file.sha256, size_bytes: file.size_bytes });
        }
        models.push(manifest);
    }
    let members = sources.iter().map(|source| source.member).collect();
    let header = Header { version: Header::VERSION, made_by: contents.made_by.to_owned(), program, models, members };
    write(&header, &sources, out, watch)?;
    Ok(header)
}

/// Its manifest: the one that was written when it was fetched, or one that is made up from where it lies.
fn manifest_of(model: &Found, now: u64, watch: &Watch<'_>) -> Result<(Manifest, Vec<PathBuf>), Error> {
    let fault = |problem: String| Error::Unclear(format!("{} cannot be bundled: {problem}", model.name));
    if let Some(problem) = &model.problem {
        return Err(fault(problem.clone()));
    }
    let mut files: Vec<_> =
        model.files.iter().map(|file| (file.name.clone(), file.path.clone(), file.expected)).collect();
    if let Some(path) = signature_beside(&model.path) {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.push((name, path, None));
    }
    let quant = model.files.first().and_then(|file| quantisation_of(&file.name));
    let stem = slug(&model.name);
    // Ollama calls files by their hashes: other programs want an ending.
    let name_of = |name: &str| if name.starts_with("sha256-") { format!("{stem}.gguf") } else { name.to_owned() };
    let hashed =
        hashes(&files.iter().map(|(_, path, expected)| (path.as_path(), *expected)).collect::<Vec<_>>(), watch)?;
    let paths: Vec<_> = files.iter().map(|(_, path, _)| path.clone()).collect();
    let folder = folder_in_repo(model);
    let mut listed = Vec::new();
    for ((name, _, expected), hashed) in files.iter().zip(hashed) {
        let own = match expected {
            Some(BlobDigest::Git(_)) => hashed.git,
            _ => Some(BlobDigest::Sha256(hashed.sha256)),
        };
        if expected.is_some() && own != *expected {
            return Err(fault(format!("{name} is not what its hash says: see `tramontane verify`")));
        }
        let path = match folder.is_empty() {
            true => name_of(name),
            false => format!("{folder}/{name}"),
        };
        let path = RepoPath::parse(&path).map_err(|problem| fault(problem.to_string()))?;
        let blob = expected.unwrap_or(BlobDigest::Sha256(hashed.sha256));
        let Member { sha256, size_bytes } = member(&hashed);
        listed.push(ManifestFile { path, size_bytes, blob, sha256, fetched: true });
    }
    if let Some(manifest) = &model.manifest {
        let mut manifest = manifest.clone();
        // A short name may mean another repository by now.
        if !manifest.is_rightly_named() {
            manifest.name = manifest.plain_name();
        }
        // Files of a manifest that the model does not need, such as a licence, are not carried.
        manifest.files = listed;
        return Ok((manifest, paths));
    }
    let origin = model.origin.as_deref().and_then(|origin| RepoId::parse(origin).ok());
    let (repo, commit) = match (origin, &model.revision) {
        (Some(repo), Some(commit)) => (repo, commit.clone()),
        _ => (RepoId::parse(&format!("{LOCAL}/{stem}"))?, state(&listed)?),
    };
    let quant = quant.map(|label| Quant::parse(&label)).transpose()?;
    let manifest = Manifest {
        version: Manifest::VERSION,
        name: ModelName::Repo { repo: repo.clone(), quant: quant.clone() },
        repo,
        commit,
        revision: Revision::main(),
        quant,
        source: model.place.to_string(),
        license: facts_of(model).license,
        fetched_at: now,
        files: listed,
    };
    Ok((manifest, paths))
}

/// `BF16` for `snapshots/COMMIT/BF16/model.gguf`.
fn folder_in_repo(model: &Found) -> String {
    let Some(commit) = &model.revision else { return String::new() };
    let folder = if model.path.is_dir() { Some(model.path.as_path()) } else { model.path.parent() };
    let parts: Vec<_> =
        folder.into_iter().flat_map(Path::components).map(|part| part.as_os_str().to_string_lossy()).collect();
    let at = parts.iter().rposition(|part| part == commit.as_str());
    at.and_then(|at| parts.get(at.saturating_add(1)..)).map(|parts| parts.join("/")).unwrap_or_default()
}

/// A name that stands for a repository: letters, digits and single dashes.
fn slug(name: &str) -> String {
    let kept = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' || c == '_' { c } else { '-' });
    let words: String = kept.collect();
    let words: Vec<_> = words.split(['-']).filter(|word| !word.is_empty()).collect();
    let slug = words.join("-").replace("..", ".");
    let slug = slug.trim_matches(['.', '-', '_']).chars().take(80).collect::<String>();
    if slug.is_empty() { "model".to_owned() } else { slug }
}

/// Stands for a commit where there is none: the same files, the same state.
fn state(files: &[ManifestFile]) -> Result<Commit, Error> {
    let text: String = files.iter().map(|file| format!("{} {}\n", file.sha256, file.path)).collect();
    let digest = Sha256Digest::of(text.as_bytes()).to_string();
    Commit::parse(digest.get(..40).unwrap_or_default())
}

/// Hashes files; with git's hash where that is what one is expected to have.
fn hashes(files: &[(&Path, Option<BlobDigest>)], watch: &Watch<'_>) -> Result<Vec<Hashed>, Error> {
    let mut jobs = Vec::with_capacity(files.len());
    for (path, expected) in files {
        let git = match expected {
            Some(BlobDigest::Git(_)) => Some(fs::metadata(path).map_err(|cause| Error::io(path, cause))?.len()),
            _ => None,
        };
        jobs.push(Job { path: path.to_path_buf(), git, shards: Vec::new() });
    }
    let hashed = hash_all(&jobs, watch)?.into_iter().zip(files);
    hashed.map(|(hashed, (path, _))| hashed.map_err(|cause| Error::io(path, cause))).collect()
}

fn member(hashed: &Hashed) -> Member {
    Member { sha256: hashed.sha256, size_bytes: hashed.size_bytes }
}

fn write(header: &Header, sources: &[Source], out: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let text = serde_json::to_vec(header).map_err(|problem| Error::bundle(out, problem))?;
    // What is written is what is accepted.
    Header::parse(&text).map_err(|problem| Error::bundle(out, problem))?;
    let length = FIXED_BYTES.saturating_add(text.len() as u64).saturating_add(header.size_bytes());
    space::check(out, length)?;
    let mut file = Whole::create(out).map_err(|cause| Error::io(out, cause))?;
    let fault = |cause| Error::io(out, cause);
    let digest = Sha256Digest::of(&text);
    let fixed = [MAGIC.as_slice(), &(text.len() as u64).to_le_bytes(), digest.as_bytes(), &text];
    fixed.into_iter().try_for_each(|bytes| file.write_all(bytes)).map_err(fault)?;
    sources.iter().try_for_each(|source| copy(source, &mut file, out, watch))?;
    file.keep().map_err(fault)
}

fn copy(source: &Source, file: &mut dyn Write, out: &Path, watch: &Watch<'_>) -> Result<(), Error> {
    let mut from = open_regular(&source.path).map_err(|cause| Error::io(&source.path, cause))?;
    let mut digesting = Digesting::sha256();
    let mut full = None;
    let copied = for_each_chunk(&mut from, watch, |chunk, _| {
        digesting.update(chunk);
        file.write_all(chunk).map_err(|cause| {
            let kind = cause.kind();
            full = Some(cause);
            kind.into()
        })
    });
    match (copied, full) {
        (_, Some(cause)) => Err(Error::io(out, cause)),
        (Err(cause), None) if cause.kind() == io::ErrorKind::Interrupted => Err(Error::Stopped),
        (Err(cause), None) => Err(Error::io(&source.path, cause)),
        (Ok(length), None) if length == source.member.size_bytes && sha256(digesting) == source.member.sha256 => Ok(()),
        (Ok(_), None) => Err(Error::bundle(&source.path, "it changed while it was read: nothing was written")),
    }
}
