//! Runs a model over one sequence, in all the ways that must not matter.

use std::ops::Range;

use checkpoint::Checkpoint;
use compute::{CpuBackend, CpuOptions, KvLayout, KvType};
use model::Transformer;
use sched::{Batch, Span};
use tokenizer::TokenId;

/// Circumstances of a run. None of them may change a bit of a logit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances {
    /// Instruction set, by name.
    pub(crate) isa: &'static str,
    /// Threads of the pool.
    pub(crate) threads: usize,
    /// Rows of the sequence in one step: all of them is prefill, one is decode.
    pub(crate) chunk: usize,
    /// Whether other sequences stand before and after it in each batch.
    pub(crate) neighbours: bool,
}

impl Circumstances {
    /// The plainest way.
    pub(crate) const PLAIN: Self = Self { isa: "scalar", threads: 1, chunk: usize::MAX, neighbours: false };
}

/// Loads a checkpoint for these circumstances.
pub(crate) fn load(checkpoint: &Checkpoint, how: Circumstances) -> Result<Transformer<CpuBackend>, String> {
    let options = CpuOptions { isa: Some(how.isa), threads: Some(how.threads) };
    let backend = CpuBackend::new(options).map_err(|e| e.to_string())?;
    Transformer::load(checkpoint, backend, &mut |_, _| {}).map_err(|e| e.to_string())
}

/// Logits `[tokens, vocab]` of one sequence.
pub(crate) fn logits(model: &Transformer<CpuBackend>, tokens: &[u32], how: Circumstances, kv_type: KvType) -> Vec<f32> {
    let blocks = tokens.len().div_ceil(KvLayout::BLOCK_TOKENS) as u32;
    let mut kv = model.kv_pool(kv_type, 3 * blocks as usize).unwrap();
    let chunk = how.chunk.min(tokens.len());
    let mut all = Vec::new();
    for start in (0..tokens.len()).step_by(chunk) {
        let end = tokens.len().min(start + chunk);
        let mut batch = Batch::default();
        if how.neighbours {
            let other: Vec<u32> = tokens.iter().rev().copied().collect();
            push(&mut batch, &other, start..end, 0..blocks);
        }
        let ours = push(&mut batch, tokens, start..end, blocks..2 * blocks);
        if how.neighbours {
            let step = start / chunk;
            push(&mut batch, tokens, step..step + 1, 2 * blocks..3 * blocks);
        }
        batch.logits_rows = ours.collect();
        let logits = model.forward(&batch, &mut kv);
        (0..logits.rows()).for_each(|row| all.extend_from_slice(logits.row(row)));
    }
    all
}

/// Adds rows of a sequence whose KV blocks lie in the pool in reverse; returns which rows they are.
fn push(batch: &mut Batch, tokens: &[u32], positions: Range<usize>, blocks: Range<u32>) -> Range<usize> {
    let rows = batch.rows()..batch.rows() + positions.len();
    batch.tokens.extend(tokens[positions.clone()].iter().map(|&id| TokenId(id)));
    batch.spans.push(Span { rows: rows.clone(), first_position: positions.start, blocks: blocks.rev().collect() });
    rows
}
