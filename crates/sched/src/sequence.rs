//! The live state of a request, as far as scheduling goes.

use tokenizer::TokenId;

use crate::{Prefix, PrefixHash};

/// Names a sequence; given by the caller, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SequenceId(pub u64);

/// On whose account a sequence runs: tenants share the machine fairly, and share no KV block. The default is nobody in
/// particular.
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

/// What is wanted of a sequence. Those whose hidden states are wanted share nothing: they find nothing computed and leave
/// nothing to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Logits behind its last token: it is answered.
    Logits,
    /// The hidden state of the last token of its prompt.
    LastHidden,
    /// The hidden states of all tokens of its prompt, each once.
    AllHidden,
}

#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub id: SequenceId,
    pub tenant: Tenant,
    pub wants: Wants,
    /// Orders sequences for good: who is preempted keeps its turn.
    pub turn: u64,
    /// Prompt, then what was sampled.
    pub tokens: Vec<TokenId>,
    /// The most tokens that it may come to.
    pub limit: usize,
    /// Tokens whose keys and values are stored, or will be by the step under way.
    pub computed: usize,
    /// The most that `computed` has ever been.
    pub furthest: usize,
    /// Tokens that it found computed.
    pub cached: usize,
    pub table: BlockTable,
    /// Of each full block of `tokens`.
    hashes: Vec<PrefixHash>,
    /// Guesses at what comes next, to be run in the next step.
    pub draft: Vec<TokenId>,
    pub preempted: bool,
}

/// The KV blocks of a sequence: position `p` lives in block `p / block_tokens`.
#[derive(Clone, Debug, Default)]
pub(crate) struct BlockTable {
    pub blocks: Vec<u32>,
    /// Leading blocks that are kept in the pool, full and never to be written again.
    pub kept: usize,
    /// No more blocks are kept: one could not be, or none of this sequence are to be.
    pub closed: bool,
}

impl Sequence {
    pub(crate) fn new(arrival: Arrival, turn: u64, block_tokens: usize) -> Self {
        let Arrival { id, tenant, prompt, max_new_tokens, wants } = arrival;
        let limit = prompt.len().saturating_add(max_new_tokens);
        let mut sequence = Self {
            id,
            tenant,
            wants,
            turn,
            tokens: Vec::new(),
            limit,
            computed: 0,
            furthest: 0,
            cached: 0,
            table: BlockTable { closed: wants != Wants::Logits, ..BlockTable::default() },
            hashes: Vec::new(),
            draft: Vec::new(),
            preempted: false,
        };
        sequence.append(&prompt, block_tokens);
        sequence
    }

    /// Tokens that no step has run yet.
    pub(crate) fn pending(&self) -> usize {
        self.tokens.len() - self.computed
    }

    pub(crate) fn append(&mut self, tokens: &[TokenId], block_tokens: usize) {
        self.tokens.extend(tokens);
        for block in self.tokens.chunks_exact(block_tokens).skip(self.hashes.len()) {
            let before = self.hashes.last().copied().unwrap_or_else(|| PrefixHash::start(self.tenant));
            self.hashes.push(before.then(block));
        }
    }

    /// Has run, or need not be run, up to here.
    pub(crate) fn advance(&mut self, tokens: usize) {
        self.computed += tokens;
        self.furthest = self.furthest.max(self.computed);
    }

    /// Names what the `index`-th block holds or will hold; `None` where the tokens do not fill it.
    pub(crate) fn hash(&self, index: usize) -> Option<PrefixHash> {
        self.hashes.get(index).copied()
    }

    /// What the `index`-th block holds, given that the one before is kept.
    pub(crate) fn prefix(&self, index: usize, block_tokens: usize) -> Option<Prefix<'_>> {
        let hash = self.hash(index)?;
        let parent = index.checked_sub(1).and_then(|before| self.table.blocks.get(before)).copied();
        let tokens = &self.tokens[index * block_tokens..][..block_tokens];
        Some(Prefix { hash, tenant: self.tenant, parent, tokens })
    }

    /// Leading blocks that it could take over from others: at least one token remains to be computed, whose logits are
    /// wanted.
    pub(crate) fn shareable_blocks(&self, block_tokens: usize) -> usize {
        if self.wants == Wants::Logits { (self.tokens.len() - 1) / block_tokens } else { 0 }
    }

    /// The block that it has to compute or to take over next, if it can do either; `None` also where one is begun.
    pub(crate) fn shareable_block(&self, block_tokens: usize) -> Option<usize> {
        let index = self.table.blocks.len();
        let at_its_start = self.computed == index * block_tokens && self.table.kept == index;
        (at_its_start && index < self.shareable_blocks(block_tokens)).then_some(index)
    }

    /// Blocks that its known tokens and the next one need.
    pub(crate) fn blocks_needed(&self, block_tokens: usize) -> usize {
        (self.tokens.len() + 1).min(self.limit.max(self.tokens.len())).div_ceil(block_tokens)
    }
}
