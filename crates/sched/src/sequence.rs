//! The live state of a request, as far as scheduling goes.

use tokenizer::TokenId;

/// Names a sequence; given by the caller, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceId(pub u64);

/// On whose account a sequence runs: tenants share the machine fairly. The default is nobody in particular.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tenant(pub u64);

/// A sequence on its way into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Its name.
    pub id: SequenceId,
    /// On whose account.
    pub tenant: Tenant,
    /// At least one token.
    pub prompt: Vec<TokenId>,
    /// How far it may grow.
    pub max_new_tokens: usize,
    /// What is wanted of it.
    pub wants: Wants,
}

/// What is wanted of a sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Logits behind its last token: it is answered.
    Logits,
    /// The hidden state of the last token of its prompt.
    LastHidden,
    /// The hidden states of all tokens of its prompt.
    AllHidden,
}

#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub id: SequenceId,
    pub tenant: Tenant,
    pub wants: Wants,
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
