//! Folders as other programs lay them out.

use std::fs;
use std::path::{Path, PathBuf};

use hub::{
    BlobDigest, Commit, Folders, Manifest, ManifestFile, ModelName, RepoId, RepoPath, Revision, Roots, Sha256Digest,
};

pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
pub(crate) const OTHER_COMMIT: &str = "fedcba9876543210fedcba9876543210fedcba98";

/// An empty folder of this name.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    // The system's own folder for such things may be a link.
    fs::canonicalize(path).unwrap()
}

/// Writes a file, with the folders around it.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

/// The bytes of a tiny model.
pub(crate) fn tiny() -> Vec<u8> {
    fs::read(testkit::vectors("models/llama/model.gguf")).unwrap()
}

/// A file in the Hugging Face cache: its blob, and the snapshot's link to it.
pub(crate) fn cached(cache: &Path, repo: &str, commit: &str, name: &str, bytes: &[u8]) -> PathBuf {
    let folder = cache.join(format!("models--{}", repo.replace('/', "--")));
    let digest = Sha256Digest::of(bytes).to_string();
    write(&folder.join("blobs").join(&digest), bytes);
    let link = folder.join("snapshots").join(commit).join(name);
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    let up = "../".repeat(2 + name.matches('/').count());
    let _ = fs::remove_file(&link);
    std::os::unix::fs::symlink(format!("{up}blobs/{digest}"), &link).unwrap();
    link
}

/// What the branch `main` is.
pub(crate) fn main_is(cache: &Path, repo: &str, commit: &str) {
    write(&cache.join(format!("models--{}/refs/main", repo.replace('/', "--"))), commit);
}

/// One of Ollama's models, of these bytes.
pub(crate) fn ollama(models: &Path, name: &str, bytes: &[u8]) {
    let digest = Sha256Digest::of(bytes).to_string();
    write(&models.join("blobs").join(format!("sha256-{digest}")), bytes);
    write(&models.join("manifests").join(name), ollama_manifest(&format!("sha256:{digest}"), bytes.len()));
}

/// A manifest as Ollama writes it.
pub(crate) fn ollama_manifest(digest: &str, size: usize) -> String {
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": { "mediaType": "application/vnd.docker.container.image.v1+json", "digest": digest, "size": 485 },
        "layers": [
            { "mediaType": "application/vnd.ollama.image.model", "digest": digest, "size": size },
            { "mediaType": "application/vnd.ollama.image.template", "digest": digest, "size": 10 },
        ],
    })
    .to_string()
}

/// Only this one of the places.
pub(crate) fn only(pick: impl FnOnce(&mut Roots)) -> Roots {
    let mut roots = Roots::default();
    pick(&mut roots);
    roots
}

/// A model as `pull` leaves it: its files in the cache, and a manifest. `fetched` says of each file whether we brought it.
pub(crate) fn pulled(cache: &Path, name: &str, commit: &str, files: &[(&str, &[u8], bool)]) -> Manifest {
    let ModelName::Repo { repo, quant } = ModelName::parse(name).unwrap() else { panic!("{name}") };
    let listed = files.iter().map(|(path, bytes, fetched)| {
        cached(cache, &repo.to_string(), commit, path, bytes);
        let sha256 = Sha256Digest::of(bytes);
        let path = RepoPath::parse(path).unwrap();
        ManifestFile {
            path,
            size_bytes: bytes.len() as u64,
            blob: BlobDigest::Sha256(sha256),
            sha256,
            fetched: *fetched,
        }
    });
    let manifest = Manifest {
        version: Manifest::VERSION,
        name: ModelName::parse(name).unwrap(),
        repo: RepoId::parse(&repo.to_string()).unwrap(),
        commit: Commit::parse(commit).unwrap(),
        revision: Revision::main(),
        quant,
        source: "https://huggingface.co".to_owned(),
        license: Some("apache-2.0".to_owned()),
        fetched_at: 1_700_000_000,
        files: listed.collect(),
    };
    main_is(cache, &repo.to_string(), commit);
    manifest.write(&Folders::at(cache).repo(&manifest.repo)).unwrap();
    manifest
}

/// Every file below a folder, links too, with `/` between the parts of their paths.
pub(crate) fn all_files(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => files.push(entry.path().strip_prefix(folder).unwrap().to_str().unwrap().to_owned()),
            }
        }
    }
    files.sort();
    files
}
