//! The safetensors container: a JSON header that names tensors, then their bytes without a gap.
//!
//! Format: <https://github.com/huggingface/safetensors#format>. The header is held to all of it: no key twice, no hole, no
//! overlap, no byte behind the last tensor.

mod header;

use std::sync::Arc;

use quant::Format;

use crate::stored::{Stored, StoredKind};
use crate::{Error, ReadAt};

pub use header::{Dtype, TensorInfo, parse};

/// Tensors of an open file, as all containers give them.
pub(crate) fn stored(source: &Arc<dyn ReadAt>, file: &str) -> Result<Vec<Stored>, Error> {
    let file: Arc<str> = file.into();
    let tensors = parse(source.as_ref(), &file)?.into_iter().map(|tensor| Stored {
        kind: kind(tensor.dtype),
        name: tensor.name,
        dims: tensor.dims,
        source: Arc::clone(source),
        file: Arc::clone(&file),
        offset: tensor.offset,
        bytes: tensor.bytes,
    });
    Ok(tensors.collect())
}

fn kind(dtype: Dtype) -> StoredKind {
    match dtype {
        Dtype::F32 => StoredKind::Weights(Format::F32),
        Dtype::F16 => StoredKind::Weights(Format::F16),
        Dtype::BF16 => StoredKind::Weights(Format::BF16),
        Dtype::F8E4M3 => StoredKind::Fp8,
        other => StoredKind::Other(other.name()),
    }
}
