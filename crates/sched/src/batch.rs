//! The rows of one step.

use std::ops::Range;

use tokenizer::TokenId;

/// The rows of one step: prefill chunks and decode rows side by side.
///
/// A row is one token of one sequence. Rows of a sequence stand together, in the order of their positions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Token of each row.
    pub tokens: Vec<TokenId>,
    /// Which rows belong to which sequence; covers all rows, in order.
    pub spans: Vec<Span>,
    /// Rows whose logits are wanted, ascending.
    pub logits_rows: Vec<usize>,
    /// Rows whose hidden state (behind the last norm) is wanted, ascending.
    pub hidden_rows: Vec<usize>,
}

/// Consecutive rows of one sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Rows of the batch.
    pub rows: Range<usize>,
    /// Position in its sequence of the first row; the others follow one by one.
    pub first_position: usize,
    /// KV blocks of the whole sequence, up to and including the last row: position `p` lives in block
    /// `blocks[p / block_tokens]`, at `p % block_tokens`.
    pub blocks: Vec<u32>,
}

impl Batch {
    /// A batch of one sequence: `tokens` from `first_position` on, with the logits of the last row only.
    pub fn single(tokens: &[TokenId], first_position: usize, blocks: &[u32]) -> Self {
        Self {
            tokens: tokens.to_vec(),
            spans: vec![Span { rows: 0..tokens.len(), first_position, blocks: blocks.to_vec() }],
            logits_rows: tokens.len().checked_sub(1).into_iter().collect(),
            hidden_rows: Vec::new(),
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.tokens.len()
    }

    /// Position of each row in its sequence.
    pub fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        self.spans.iter().flat_map(|s| s.rows.clone().map(move |r| s.first_position + (r - s.rows.start)))
    }
}
