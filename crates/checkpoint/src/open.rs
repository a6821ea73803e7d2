//! Which files make the model that a path names.

use std::path::Path;

use crate::source::DiskFile;
use crate::{Checkpoint, Error, folder, gguf, magic};

/// A folder, or a file that is a model by itself.
pub(crate) fn open(path: &Path) -> Result<Checkpoint, Error> {
    let metadata = std::fs::metadata(path).map_err(|cause| Error::read(path, cause))?;
    if metadata.is_dir() {
        return folder::open(path);
    }
    if path.extension().is_some_and(|extension| extension == "safetensors" || extension == "json") {
        let what = magic::describe(&DiskFile::open(path)?);
        if what.starts_with("a safetensors file") || what.starts_with("JSON") {
            let problem = "one file of a model: give the folder that holds it with its config.json or params.json";
            return Err(Error::not_a_model(path.display(), problem));
        }
    }
    gguf::open(path)
}
