//! What the readers of all containers agree on: tensors as they lie in files, before names and shapes mean anything.

use std::sync::Arc;

use quant::Format;

use crate::ReadAt;

/// A tensor of a file.
#[derive(Clone)]
pub(crate) struct Stored {
    /// The file's own name of it.
    pub(crate) name: String,
    /// What its numbers are.
    pub(crate) kind: StoredKind,
    /// Sizes, outermost first. None is zero, the product does not overflow. At most four; none for a lone number.
    pub(crate) dims: Vec<usize>,
    /// The file that it lies in.
    pub(crate) source: Arc<dyn ReadAt>,
    /// That file's name, for errors.
    pub(crate) file: Arc<str>,
    /// Where it starts in the file.
    pub(crate) offset: u64,
    /// How long it is there.
    pub(crate) bytes: u64,
}

/// Numbers of a stored tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoredKind {
    /// A format that matrices are computed with.
    Weights(Format),
    /// 8-bit floats with scales beside them.
    Fp8,
    /// Anything else: an error, unless nobody asks for the tensor.
    Other(&'static str),
}
