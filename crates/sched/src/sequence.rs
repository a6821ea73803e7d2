//! The live state of a request, as far as scheduling goes.

use tokenizer::TokenId;

/// Names a sequence; given by the caller, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceId(pub u64);

#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub id: SequenceId,
    /// Prompt, then what was sampled.
    pub tokens: Vec<TokenId>,
    /// Tokens whose keys and values are stored, or will be by the step under way.
    pub computed: usize,
    /// The most tokens that it may come to.
    pub limit: usize,
    pub blocks: Vec<u32>,
}

impl Sequence {
    /// Tokens that no step has run yet.
    pub(crate) fn pending(&self) -> usize {
        self.tokens.len() - self.computed
    }
}
