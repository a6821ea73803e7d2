//! Which files make the model that a path names.

use std::path::Path;

use crate::{Checkpoint, Error, gguf};

pub(crate) fn open(path: &Path) -> Result<Checkpoint, Error> {
    gguf::open(path)
}
