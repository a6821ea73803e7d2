//! The tensors of a GGUF file that holds a model from any layout: names, order, experts stacked again.

use std::collections::BTreeMap;

use quant::RowSource;

use crate::names::{Place, place};
use crate::{Checkpoint, Error, Tensor};

/// One tensor of a GGUF file, and where its rows come from.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Its name in the file: `blk.3.attn_v.weight`.
    pub name: String,
    /// Its layer, where it is in one.
    pub layer: Option<usize>,
    /// The matrices whose rows follow one another: one, or all experts' of a layer.
    pub parts: Vec<&'a Tensor>,
    is_vector: bool,
    is_stacked: bool,
}

impl Source<'_> {
    /// Whether it is a vector, such as a norm's weights.
    pub fn is_vector(&self) -> bool {
        self.is_vector
    }

    /// Weights in a row.
    pub fn cols(&self) -> usize {
        self.parts.first().map_or(0, |part| part.cols())
    }

    /// Rows of all parts together.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows()).sum()
    }

    /// Bytes of all parts, as they are read.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes()).sum()
    }

    /// Sizes, innermost first: `[cols]`, `[cols, rows]` or `[cols, rows, experts]`.
    pub fn dims(&self) -> Vec<usize> {
        let rows = self.parts.first().map_or(0, |part| part.rows());
        match (self.is_vector, self.is_stacked) {
            (true, _) => vec![self.cols()],
            (false, false) => vec![self.cols(), rows],
            (false, true) => vec![self.cols(), rows, self.parts.len()],
        }
    }
}

/// The tensors of a GGUF file that holds this model: the table of embeddings, then layer by layer, then the output. Of a
/// model that was held against what its configuration implies ([`Checkpoint::expect`]), all experts are there.
///
/// # Errors
/// Experts are missing or differ in shape, or a name has no counterpart.
pub fn tensors(checkpoint: &Checkpoint) -> Result<Vec<Source<'_>>, Error> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for tensor in checkpoint.tensors() {
        let Some(place) = place(tensor.name()) else {
            return Err(Error::UnknownTensor { file: checkpoint.file.clone(), name: tensor.name().to_owned() });
        };
        found.entry(place.order).or_default().push((place, tensor));
    }
    found.into_values().filter_map(|parts| source(checkpoint, parts).transpose()).collect()
}

/// The parts of one tensor, of which there is at least one.
fn source<'a>(checkpoint: &Checkpoint, mut parts: Vec<(Place, &'a Tensor)>) -> Result<Option<Source<'a>>, Error> {
    parts.sort_by_key(|(place, _)| place.expert);
    let Some((place, first)) = parts.first().cloned() else { return Ok(None) };
    let count = checkpoint.config.experts.filter(|_| place.expert.is_some()).map_or(1, |experts| experts.count);
    let alike = parts.iter().all(|(_, part)| (part.rows(), part.cols()) == (first.rows(), first.cols()));
    if !alike || !parts.iter().map(|(place, _)| place.expert.unwrap_or(0)).eq(0..count) {
        let problem = format!("its {} experts are not {count} of one shape", parts.len());
        return Err(Error::config(&checkpoint.file, format_args!("tensor `{}`", place.name), problem));
    }
    Ok(Some(Source {
        is_vector: place.name.ends_with("_norm.weight"),
        is_stacked: place.expert.is_some(),
        name: place.name,
        layer: place.layer,
        parts: parts.into_iter().map(|(_, part)| part).collect(),
    }))
}
