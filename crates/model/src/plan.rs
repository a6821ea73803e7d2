//! Which format every tensor of a model goes on in: into a file that is written, or into memory at once.

use std::collections::BTreeMap;

use checkpoint::gguf::{self, Source};
use checkpoint::{About, Checkpoint};
use quant::{Format, RowSource as _};

use crate::{Choice, Error, Mix};

/// A mix, spelled out for the tensors of one model.
#[derive(Debug)]
pub struct Plan<'a> {
    mix: Mix,
    tensors: Vec<(Source<'a>, Choice)>,
    /// By the canonical names of single matrices, where `tensors` has experts stacked.
    formats: BTreeMap<&'a str, Format>,
}

impl<'a> Plan<'a> {
    /// A format for each tensor of a model that has been checked ([`crate::check_tensors`]).
    ///
    /// # Errors
    /// Experts are missing or differ in shape.
    pub fn new(checkpoint: &'a Checkpoint, mix: Mix) -> Result<Self, Error> {
        let sources = gguf::tensors(checkpoint)?.into_iter();
        let tensors: Vec<_> = sources.map(|source| (mix.choose(&source, &checkpoint.config), source)).collect();
        let of_parts = |(choice, source): &(Choice, Source<'a>)| {
            let format = choice.format;
            source.parts.iter().map(move |part| (part.name(), format)).collect::<Vec<_>>()
        };
        let formats = tensors.iter().flat_map(of_parts).collect();
        Ok(Self { mix, tensors: tensors.into_iter().map(|(choice, source)| (source, choice)).collect(), formats })
    }

    /// The tensors as a GGUF file holds them, in its order, each with its format.
    pub fn tensors(&self) -> &[(Source<'a>, Choice)] {
        &self.tensors
    }

    /// Bytes of all weights as they will be.
    pub fn bytes(&self) -> u64 {
        let bytes = |(source, choice): &(Source<'_>, Choice)| {
            source.rows() as u64 * choice.format.row_bytes(source.cols()).unwrap_or(0) as u64
        };
        self.tensors.iter().map(bytes).sum()
    }

    /// The first tensor that was rounded to few bits before and would be rounded again to others: its name and format.
    pub fn rounded_twice(&self) -> Option<(&str, Format)> {
        self.tensors.iter().find_map(|(source, choice)| {
            let mut formats = source.parts.iter().map(|part| part.format());
            let from = formats.find(|from| from.block_weights() > 1 && *from != choice.format)?;
            Some((source.name.as_str(), from))
        })
    }

    /// What a checkpoint says of itself, once its weights are these.
    pub fn about(&self, checkpoint: &Checkpoint) -> About {
        let mut formats: Vec<(Format, usize)> = Vec::new();
        for &format in self.formats.values() {
            match formats.iter_mut().find(|(known, _)| *known == format) {
                Some((_, count)) => *count += 1,
                None => formats.push((format, 1)),
            }
        }
        formats.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let file_type = Some(self.mix.name.to_uppercase());
        About { formats, file_type, size_bytes: self.bytes(), ..checkpoint.about.clone() }
    }

    /// The format of a matrix, by its canonical name.
    pub(crate) fn format(&self, name: &str) -> Option<Format> {
        self.formats.get(name).copied()
    }
}
