//! The scheduler: a sequence's way from arrival to removal.
//!
//! A sequence waits until there is room for what is known of it. Its answer takes KV blocks as it grows; when none are
//! left, another sequence makes room: it goes back to wait, ahead of all newcomers, and is computed anew where the cache
//! does not hold it any more. Whoever was there first is never sent back: it ends, so the next is first, so all end.

use std::collections::BTreeMap;

use tokenizer::TokenId;

use crate::sequence::Sequence;
use crate::service::Service;
use crate::{Arrival, BlockPool, Prefix, PrefixHash, Reach, Refused, SequenceId, Step, Tenant};

/// What bounds a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one step: the chunk in which prompts are read while nobody is being answered.
    pub step_rows: usize,
    /// Rows of prompts in a step that answers somebody too.
    pub prefill_rows: usize,
    /// Sequences that run at once. At most `step_rows`, so that each of them moves in every step.
    pub running: usize,
    /// Sequences that wait.
    pub waiting: usize,
    /// Tokens in a KV block.
    pub block_tokens: usize,
    /// KV blocks in all.
    pub blocks: u32,
}

/// Decides which rows run next.
///
/// Between two calls of [`Scheduler::schedule`], the step that the first one returned must have been run.
#[derive(Clone, Debug)]
pub struct Scheduler {
    pub(crate) limits: Limits,
    pub(crate) pool: BlockPool,
    /// In the order of their turns. Everybody here has a tenant in `service`.
    pub(crate) waiting: BTreeMap<Tenant, BTreeMap<u64, Sequence>>,
    /// In the order of their admission.
    pub(crate) running: Vec<Sequence>,
    pub(crate) service: Service,
    /// Blocks of work outside the queue.
    pub(crate) outside: Vec<u32>,
    pub(crate) counters: Counters,
    turns: u64,
}

/// What was done since the start; only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Rows of prompts, and of sequences that are computed anew.
    pub prefill_rows: u64,
    /// Rows of answers, guesses left out.
    pub decode_rows: u64,
    /// Tokens of prompts that were found computed.
    pub cached_tokens: u64,
    /// Guesses that were run.
    pub drafted_tokens: u64,
    /// Guesses that were right.
    pub accepted_tokens: u64,
    /// Sequences that were sent back to wait.
    pub preemptions: u64,
    /// Kept blocks that were given up for others.
    pub evicted_blocks: u64,
}

/// How full a scheduler is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Sequences that run.
    pub running: usize,
    /// Sequences that wait.
    pub waiting: usize,
    /// KV blocks that sequences use.
    pub blocks_used: usize,
    /// KV blocks that nobody uses, kept for whoever begins alike.
    pub blocks_idle: usize,
}

impl Scheduler {
    /// Nothing waits, nothing runs.
    pub fn new(limits: Limits) -> Self {
        assert!(limits.running >= 1 && limits.running <= limits.step_rows);
        assert!(limits.block_tokens >= 1 && limits.prefill_rows >= 1);
        Self {
            pool: BlockPool::new(limits.blocks),
            limits,
            waiting: BTreeMap::new(),
            running: Vec::new(),
            service: Service::default(),
            outside: Vec::new(),
            counters: Counters::default(),
            turns: 0,
        }
    }

    /// Queues a sequence.
    ///
    /// # Errors
    /// The prompt is empty, it could never fit, or too many wait already.
    pub fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        if arrival.prompt.is_empty() {
            return Err(Refused::Empty);
        }
        let (tokens, capacity) = (arrival.prompt.len().saturating_add(arrival.max_new_tokens), self.capacity_tokens());
        if tokens > capacity {
            return Err(Refused::TooLong { tokens, capacity });
        }
        let waiting = self.num_waiting();
        if waiting >= self.limits.waiting {
            return Err(Refused::QueueFull { waiting });
        }
        self.turns += 1;
        self.service.enter(arrival.tenant);
        let sequence = Sequence::new(arrival, self.turns, self.limits.block_tokens);
        self.wait(sequence);
        Ok(())
    }

    /// Guesses at the next tokens of a sequence: they run along in the next step as far as there is room, if it is to be
    /// answered in that step.
    pub fn draft(&mut self, id: SequenceId, guesses: Vec<TokenId>) {
        if let Some(sequence) = self.running.iter_mut().find(|s| s.id == id) {
            sequence.draft = guesses;
        }
    }

    /// The next step; `None` when there is nothing to do.
    pub fn schedule(&mut self) -> Option<Step> {
        (0..self.running.len()).for_each(|index| self.keep_full_blocks(index));
        self.admit();
        (0..self.running.len()).for_each(|index| self.attach(index));
        self.make_room();
        let step = self.plan();
        self.running.iter_mut().for_each(|sequence| sequence.draft.clear());
        step
    }

    /// Appends sampled tokens, of which all but the last were guesses of the step that has been run and turned out right.
    /// An unknown sequence (cancelled meanwhile) is left alone.
    pub fn commit(&mut self, id: SequenceId, tokens: &[TokenId]) {
        let Some(sequence) = self.running.iter_mut().find(|s| s.id == id) else { return };
        debug_assert!(sequence.tokens.len() + tokens.len() <= sequence.limit, "sequence {id:?} grew past its limit");
        sequence.append(tokens, self.limits.block_tokens);
        let accepted = tokens.len().saturating_sub(1);
        sequence.advance(accepted);
        self.counters.accepted_tokens += accepted as u64;
    }

    /// Ends a sequence, finished or cancelled, wherever it stands; what it computed is kept while there is room.
    pub fn remove(&mut self, id: SequenceId) {
        let tenant = match self.running.iter().position(|s| s.id == id) {
            Some(index) => {
                self.keep_full_blocks(index);
                let sequence = self.running.remove(index);
                self.pool.release(&sequence.table.blocks);
                sequence.tenant
            }
            None => match self.take_waiting(|s| s.id == id) {
                Some(sequence) => sequence.tenant,
                None => return,
            },
        };
        if !self.waiting.contains_key(&tenant) && !self.running.iter().any(|s| s.tenant == tenant) {
            self.service.leave(tenant);
        }
    }

    /// Tokens of a running sequence's prompt that did not have to be computed.
    pub fn cached_tokens(&self, id: SequenceId) -> usize {
        self.running.iter().find(|s| s.id == id).map_or(0, |s| s.cached)
    }

    /// Blocks for work outside the queue (scoring, benchmarks); to be given back with [`Scheduler::give_back`].
    ///
    /// # Errors
    /// They would never fit, or not beside what runs now.
    pub fn take_blocks(&mut self, tokens: usize) -> Result<Vec<u32>, Refused> {
        let capacity = self.capacity_tokens();
        if tokens > capacity {
            return Err(Refused::TooLong { tokens, capacity });
        }
        let (count, nobody) = (tokens.div_ceil(self.limits.block_tokens), Tenant::default());
        let obtainable = self.pool.obtainable(nobody, Reach::Everything);
        if count > obtainable {
            return Err(Refused::Busy { tokens, free: obtainable * self.limits.block_tokens });
        }
        let blocks: Vec<u32> = (0..count).map_while(|_| self.pool.take(nobody, Reach::Everything)).collect();
        self.outside.extend(&blocks);
        Ok(blocks)
    }

    /// Ends what [`Scheduler::take_blocks`], [`Scheduler::hold_prefix`] and [`Scheduler::adopt`] began.
    pub fn give_back(&mut self, blocks: Vec<u32>) {
        for block in &blocks {
            if let Some(place) = self.outside.iter().position(|held| held == block) {
                self.outside.swap_remove(place);
            }
        }
        self.pool.release(&blocks);
    }

    /// Blocks that are kept since the last call, parents first, each under its hash; from the first call on.
    pub fn news(&mut self) -> Vec<(u32, PrefixHash)> {
        self.pool.news()
    }

    /// What a block is kept as, if it still is under this hash.
    pub fn kept(&self, block: u32, hash: PrefixHash) -> Option<Prefix<'_>> {
        self.pool.kept(block, hash)
    }

    /// Holds the blocks that a prompt would find computed, in its order, so that they stay; to be given back with
    /// [`Scheduler::give_back`].
    pub fn hold_prefix(&mut self, tenant: Tenant, prompt: &[TokenId]) -> Vec<u32> {
        let mut held: Vec<u32> = Vec::new();
        let mut hash = PrefixHash::start(tenant);
        for tokens in whole_blocks(prompt, self.limits.block_tokens) {
            hash = hash.then(tokens);
            let Some(block) = self.pool.find(Prefix { hash, tenant, parent: held.last().copied(), tokens }) else {
                break;
            };
            self.pool.hold(block);
            held.push(block);
        }
        self.outside.extend(&held);
        held
    }

    /// Keeps and holds one block more of a prompt than are `held`, whose contents the caller has from elsewhere. The block to
    /// fill before the next step; `None`: there is no room, or it is there meanwhile.
    pub fn adopt(&mut self, tenant: Tenant, prompt: &[TokenId], held: &mut Vec<u32>) -> Option<u32> {
        let size = self.limits.block_tokens;
        let tokens = whole_blocks(prompt, size).nth(held.len())?;
        let hash = PrefixHash::start(tenant).then(&prompt[..(held.len() + 1) * size]);
        let block = self.pool.take(tenant, Reach::Quotas)?;
        match self.pool.keep(block, Prefix { hash, tenant, parent: held.last().copied(), tokens }) {
            Some(kept) => {
                held.push(kept);
                self.outside.push(kept);
                (kept == block).then_some(block)
            }
            None => {
                self.pool.release(&[block]);
                None
            }
        }
    }

    /// The most tokens that one sequence can come to.
    pub fn capacity_tokens(&self) -> usize {
        self.pool.capacity() * self.limits.block_tokens
    }

    /// What bounds it.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How full it is.
    pub fn load(&self) -> Load {
        let (running, waiting, blocks_idle) = (self.running.len(), self.num_waiting(), self.pool.idle());
        Load { running, waiting, blocks_used: self.pool.capacity() - self.pool.free() - blocks_idle, blocks_idle }
    }

    /// What was done since the start.
    pub fn counters(&self) -> Counters {
        Counters { evicted_blocks: self.pool.evicted(), ..self.counters }
    }

    fn num_waiting(&self) -> usize {
        self.waiting.values().map(BTreeMap::len).sum()
    }

    pub(crate) fn wait(&mut self, sequence: Sequence) {
        self.waiting.entry(sequence.tenant).or_default().insert(sequence.turn, sequence);
    }

    pub(crate) fn take_waiting(&mut self, which: impl Fn(&Sequence) -> bool) -> Option<Sequence> {
        let place = |(&tenant, queue): (&Tenant, &BTreeMap<u64, Sequence>)| {
            queue.values().find(|s| which(s)).map(|s| (tenant, s.turn))
        };
        let (tenant, turn) = self.waiting.iter().find_map(place)?;
        let queue = self.waiting.get_mut(&tenant)?;
        let sequence = queue.remove(&turn);
        if queue.is_empty() {
            self.waiting.remove(&tenant);
        }
        sequence
    }

    /// Keeps the blocks that steps have filled since the last time.
    fn keep_full_blocks(&mut self, index: usize) {
        let (sequence, size) = (&mut self.running[index], self.limits.block_tokens);
        while !sequence.table.closed && (sequence.table.kept + 1) * size <= sequence.computed {
            let at = sequence.table.kept;
            let Some(prefix) = sequence.prefix(at, size) else { return };
            match self.pool.keep(sequence.table.blocks[at], prefix) {
                Some(block) => {
                    sequence.table.blocks[at] = block;
                    sequence.table.kept += 1;
                }
                None => sequence.table.closed = true,
            }
        }
    }

    /// Takes over the blocks that hold what a sequence would have to compute next.
    pub(crate) fn attach(&mut self, index: usize) {
        let (sequence, size) = (&mut self.running[index], self.limits.block_tokens);
        while let Some(next) = sequence.shareable_block(size) {
            let Some(block) = sequence.prefix(next, size).and_then(|prefix| self.pool.find(prefix)) else { return };
            self.pool.hold(block);
            sequence.table.blocks.push(block);
            sequence.table.kept += 1;
            let found = (sequence.computed + size).saturating_sub(sequence.furthest);
            sequence.cached += found;
            self.counters.cached_tokens += found as u64;
            sequence.advance(size);
        }
    }
}

/// The blocks of a prompt that need not be computed where they are known: at least one token remains.
pub fn whole_blocks(prompt: &[TokenId], block_tokens: usize) -> impl Iterator<Item = &[TokenId]> {
    prompt[..prompt.len().saturating_sub(1)].chunks_exact(block_tokens)
}
