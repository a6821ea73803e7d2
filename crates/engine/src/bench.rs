//! Rates of prefill and decode, without sampling or text.

use std::time::{Duration, Instant};

use compute::Backend;
use sched::{Batch, Span};
use tokenizer::TokenId;

use crate::step::Stepper;
use crate::{Error, limits};

/// What to run once and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Tokens that each sequence holds before the clock starts.
    pub depth: usize,
    /// What is timed.
    pub timed: Measurement,
}

impl Workload {
    /// Tokens of a prompt that are read in one step.
    pub const CHUNK: usize = limits::STEP_ROWS;
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    /// Reading a prompt of this many tokens.
    Prefill {
        /// Length of the prompt.
        tokens: usize,
    },
    /// Generating for several sequences at once, this many tokens each.
    Decode {
        /// Steps.
        tokens: usize,
        /// Sequences.
        sequences: usize,
    },
}

/// Sequences of made-up tokens in blocks of their own.
struct Stand {
    sequences: Vec<Vec<u32>>,
    block_tokens: usize,
    vocab: usize,
}

pub(crate) fn run<B: Backend>(stepper: &mut Stepper<'_, B>, workload: &Workload) -> Result<Duration, Error> {
    let (count, tokens) = match workload.timed {
        Measurement::Prefill { tokens } => (1, tokens),
        Measurement::Decode { tokens, sequences } => (sequences.max(1), tokens),
    };
    let stand = Stand::new(stepper, count, workload.depth.saturating_add(tokens))?;
    for sequence in 0..count {
        stand.read(stepper, sequence, 0..workload.depth);
    }
    let start = Instant::now();
    match workload.timed {
        Measurement::Prefill { tokens } => stand.read(stepper, 0, workload.depth..workload.depth + tokens),
        Measurement::Decode { tokens, .. } => {
            (workload.depth..workload.depth + tokens).for_each(|position| stand.decode(stepper, position));
        }
    }
    let elapsed = start.elapsed();
    stand.sequences.into_iter().for_each(|blocks| stepper.scheduler.give_back(blocks));
    Ok(elapsed)
}

impl Stand {
    fn new<B: Backend>(stepper: &mut Stepper<'_, B>, count: usize, tokens: usize) -> Result<Self, Error> {
        let mut sequences: Vec<Vec<u32>> = Vec::new();
        for _ in 0..count {
            let Ok(blocks) = stepper.scheduler.take_blocks(tokens) else {
                sequences.into_iter().for_each(|blocks| stepper.scheduler.give_back(blocks));
                let capacity = stepper.scheduler.capacity_tokens();
                return Err(sched::Refused::TooLong { tokens: count.saturating_mul(tokens), capacity }.into());
            };
            sequences.push(blocks);
        }
        let block_tokens = stepper.scheduler.limits().block_tokens;
        Ok(Self { sequences, block_tokens, vocab: stepper.model.config().vocab_size })
    }

    /// Prefill, in the chunks that requests are read in; the head runs once, as it does for them.
    fn read<B: Backend>(&self, stepper: &mut Stepper<'_, B>, sequence: usize, positions: std::ops::Range<usize>) {
        let mut first = positions.start;
        while first < positions.end {
            let end = positions.end.min(first + limits::STEP_ROWS);
            let tokens: Vec<_> = (first..end).map(|p| self.token(p)).collect();
            let mut batch = Batch::single(&tokens, first, self.blocks(sequence, end));
            if end < positions.end {
                batch.logits_rows.clear();
            }
            stepper.model.forward(&batch, &mut stepper.kv);
            first = end;
        }
    }

    fn decode<B: Backend>(&self, stepper: &mut Stepper<'_, B>, position: usize) {
        let count = self.sequences.len();
        let span = |s| Span { rows: s..s + 1, first_position: position, blocks: self.blocks(s, position + 1).to_vec() };
        let batch = Batch {
            tokens: vec![self.token(position); count],
            spans: (0..count).map(span).collect(),
            logits_rows: (0..count).collect(),
            hidden_rows: Vec::new(),
        };
        stepper.model.forward(&batch, &mut stepper.kv);
    }

    fn blocks(&self, sequence: usize, tokens: usize) -> &[u32] {
        &self.sequences[sequence][..tokens.div_ceil(self.block_tokens)]
    }

    /// Any token: rates do not depend on which.
    fn token(&self, position: usize) -> TokenId {
        TokenId((position * 7919 % self.vocab) as u32)
    }
}
