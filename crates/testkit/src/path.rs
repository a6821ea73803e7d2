//! Where test data lies: relative to the root of the repository, never to the working directory.

use std::path::{Path, PathBuf};

/// Root of the repository.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_path_buf()
}

/// A file or folder in `vectors/`.
pub fn vectors(name: &str) -> PathBuf {
    root().join("vectors").join(name)
}

/// A file or folder of the larger data that lies beside the repository, not in it: `$TRAMONTANE_SHARED`, or else
/// `../shared`. Where it is missing, says so on standard output and returns `None`: the test has nothing to do.
pub fn shared(name: &str) -> Option<PathBuf> {
    let folder = match std::env::var_os("TRAMONTANE_SHARED") {
        Some(folder) => PathBuf::from(folder),
        None => root().join("../shared"),
    };
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not there (set TRAMONTANE_SHARED to the folder that holds {name})", path.display());
    None
}
