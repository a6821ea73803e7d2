//! How much the columns of a model's matrices matter: the squares of what they are multiplied with over a text.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use checkpoint::{Checkpoint, ImportanceMatrix, gguf};
use compute::{Backend, CpuBackend, CpuOptions, KvLayout, Observed};
use model::Transformer;
use sched::Batch;
use tokenizer::TokenId;

use crate::{EngineOptions, Error, TextFront, card, limits};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measuring {
    /// Weights are read.
    Loading {
        /// Bytes so far.
        done: u64,
        /// Of how many.
        total: u64,
    },
    /// The model reads the text.
    Reading {
        /// Chunks so far.
        done: usize,
        /// Of how many.
        total: usize,
    },
}

/// Runs the text through the model in chunks of 512 tokens, each a text of its own behind the begin token (a rest is left out,
/// unless it is all there is), and sums up the inputs of all matrices in the layers. `None` where `step` ended it.
///
/// # Errors
/// The model cannot be run, or has no tokenizer; or the text is empty.
pub fn measure_importance(
    checkpoint: &Checkpoint,
    text: &str,
    options: &EngineOptions,
    step: &mut dyn FnMut(Measuring) -> ControlFlow<()>,
) -> Result<Option<ImportanceMatrix>, Error> {
    model::check_tensors(checkpoint)?;
    let chunks = Chunks::of(text, &TextFront::of(checkpoint, options.template)?, checkpoint.config.context_length)?;
    let places = places(checkpoint)?;
    let matrix = Mutex::new(ImportanceMatrix::default());
    let watch = |names: &[&str], cols: usize, x: &[f32]| {
        let (rows, sums) = (x.len() / cols.max(1), column_squares(cols, x));
        let mut matrix = matrix.lock().unwrap_or_else(PoisonError::into_inner);
        for Place { name, part } in names.iter().filter_map(|name| places.get(*name)) {
            matrix.add(name, *part, rows, &sums);
        }
    };
    let cpu = CpuBackend::new(CpuOptions { threads: options.threads, isa: options.isa.as_deref() })?;
    let mut loaded = ControlFlow::Continue(());
    let model = Transformer::load(checkpoint, Observed::new(cpu, Box::new(watch)), &mut |done, total| {
        // Loading goes on to its end; that somebody wanted to stop is not forgotten until then.
        if loaded.is_continue() {
            loaded = step(Measuring::Loading { done, total });
        }
    })?;
    if loaded.is_break() || chunks.run(&model, checkpoint, step)?.is_break() {
        return Ok(None);
    }
    drop(model);
    let mut matrix = matrix.into_inner().unwrap_or_else(PoisonError::into_inner);
    (matrix.chunks, matrix.chunk_tokens) = (chunks.texts.len() as u32, chunks.tokens as u32);
    Ok(Some(matrix))
}

/// Where the sums of a matrix belong: the tensor's name in a GGUF file, and which of how many stacked experts it is.
struct Place {
    name: String,
    part: (usize, usize),
}

/// Places by canonical names, of the layers alone: what is outside of them is not measured, as in llama.cpp.
fn places(checkpoint: &Checkpoint) -> Result<HashMap<&str, Place>, Error> {
    let mut places = HashMap::new();
    for source in gguf::tensors(checkpoint)?.into_iter().filter(|source| source.layer.is_some()) {
        for (at, part) in source.parts.iter().enumerate() {
            places.insert(part.name(), Place { name: source.name.clone(), part: (at, source.parts.len()) });
        }
    }
    Ok(places)
}

/// Sum of squares of each column of rows of `cols`.
fn column_squares(cols: usize, x: &[f32]) -> Vec<f64> {
    let mut sums = vec![0.0; cols];
    for row in x.chunks_exact(cols.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x) * f64::from(*x));
    }
    sums
}

/// A text, cut.
struct Chunks {
    texts: Vec<Vec<TokenId>>,
    /// Tokens of a chunk.
    tokens: usize,
}

impl Chunks {
    fn of(text: &str, front: &TextFront, context: usize) -> Result<Self, Error> {
        let tokens = front.complete(text)?;
        let bos = front.tokenizer()?.bos().filter(|bos| tokens.first() == Some(bos));
        if tokens.len() <= usize::from(bos.is_some()) {
            return Err(sched::Refused::Empty.into());
        }
        let length = limits::IMPORTANCE_TOKENS.min(context).min(tokens.len());
        let text = |chunk: &[TokenId]| {
            // The begin token takes the place of the first one.
            let rest = &chunk[usize::from(bos.is_some())..];
            bos.into_iter().chain(rest.iter().copied()).collect()
        };
        Ok(Self { texts: tokens.chunks_exact(length).map(text).collect(), tokens: length })
    }

    fn run<B: Backend>(
        &self,
        model: &Transformer<B>,
        checkpoint: &Checkpoint,
        step: &mut dyn FnMut(Measuring) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let blocks: Vec<u32> = (0..self.tokens.div_ceil(KvLayout::BLOCK_TOKENS) as u32).collect();
        let mut kv = model.kv_pool(card::default_kv_type(&checkpoint.about), blocks.len())?;
        for (done, text) in self.texts.iter().enumerate() {
            if step(Measuring::Reading { done, total: self.texts.len() }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let mut batch = Batch::single(text, 0, &blocks);
            // No logits: the output matrix is not measured.
            batch.logits_rows.clear();
            model.forward(&batch, &mut kv);
        }
        Ok(step(Measuring::Reading { done: self.texts.len(), total: self.texts.len() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ctrl-C is asked about once: what was answered while the model was loaded holds.
    #[test]
    fn stopped_while_loading() {
        let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/brise/brise-q8_0.gguf");
        let checkpoint = Checkpoint::open(model).unwrap();
        let mut steps = Vec::new();
        let mut step = |now| {
            steps.push(now);
            if steps.len() == 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let measured = measure_importance(&checkpoint, "Il etait une fois.", &EngineOptions::default(), &mut step);
        assert!(measured.unwrap().is_none());
        assert!(matches!(steps.as_slice(), [Measuring::Loading { .. }]), "{steps:?}");
    }
}
