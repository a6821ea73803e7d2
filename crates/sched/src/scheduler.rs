//! The scheduler: first come, first served; prefill in chunks beside the decode rows of the others.
//!
//! A sequence is admitted when all KV blocks that it can ever need are free, so a running sequence never runs out of
//! memory. Whoever waits is admitted in order: nobody is overtaken, nobody starves.

use std::collections::{BTreeMap, VecDeque};

use tokenizer::TokenId;

use crate::sequence::Sequence;
use crate::{Arrival, Batch, BlockPool, Refused, SequenceId, Span, Tenant, Wants};

/// What bounds a scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows of one step: the chunk in which prompts are read.
    pub step_rows: usize,
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
#[derive(Clone, Debug)]
pub struct Scheduler {
    limits: Limits,
    pool: BlockPool,
    waiting: VecDeque<Sequence>,
    running: Vec<Sequence>,
    /// Rows that each tenant has had while it had work here.
    served: BTreeMap<Tenant, u64>,
}

/// The work of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The rows to run.
    pub batch: Batch,
    /// To whom each row of logits belongs, in the order of [`Batch::logits_rows`]: each is to be sampled and committed.
    pub samples: Vec<SequenceId>,
    /// The same for each hidden state, in the order of [`Batch::hidden_rows`].
    pub hidden: Vec<SequenceId>,
}

impl Scheduler {
    /// Nothing waits, nothing runs.
    pub fn new(limits: Limits) -> Self {
        assert!(limits.running >= 1 && limits.running <= limits.step_rows && limits.block_tokens >= 1);
        Self {
            pool: BlockPool::new(limits.blocks),
            limits,
            waiting: VecDeque::new(),
            running: Vec::new(),
            served: BTreeMap::new(),
        }
    }

    /// Queues a sequence.
    ///
    /// # Errors
    /// The prompt is empty, it could never fit, or too many wait already.
    pub fn submit(&mut self, arrival: Arrival) -> Result<(), Refused> {
        let Arrival { id, tenant, prompt, max_new_tokens, wants } = arrival;
        if prompt.is_empty() {
            return Err(Refused::Empty);
        }
        let limit = prompt.len().saturating_add(max_new_tokens);
        if limit > self.capacity_tokens() {
            return Err(Refused::TooLong { tokens: limit, capacity: self.capacity_tokens() });
        }
        if self.waiting.len() >= self.limits.waiting {
            return Err(Refused::QueueFull { waiting: self.waiting.len() });
        }
        // Whoever comes anew is owed nothing for the time of its absence.
        let least = self.served.values().min().copied().unwrap_or(0);
        self.served.entry(tenant).or_insert(least);
        self.waiting.push_back(Sequence { id, tenant, wants, tokens: prompt, computed: 0, limit, blocks: Vec::new() });
        Ok(())
    }

    /// The next step; `None` when there is nothing to do.
    ///
    /// Sequences that are being answered get their one row first, prompts share what is left of the rows.
    pub fn schedule(&mut self) -> Option<Step> {
        self.admit();
        let mut step = Step { batch: Batch::default(), samples: Vec::new(), hidden: Vec::new() };
        let mut room = self.limits.step_rows;
        let (answering, reading): (Vec<_>, Vec<_>) = self.running.iter_mut().partition(|s| s.pending() == 1);
        for sequence in answering.into_iter().chain(reading) {
            let rows = sequence.pending().min(room);
            if rows > 0 {
                step.add(sequence, rows, self.limits.block_tokens);
                *self.served.entry(sequence.tenant).or_default() += rows as u64;
                room -= rows;
            }
        }
        (step.batch.rows() > 0).then_some(step)
    }

    /// Appends a sampled token, to be run in the next step. An unknown sequence (cancelled meanwhile) is left alone.
    pub fn commit(&mut self, id: SequenceId, token: TokenId) {
        if let Some(sequence) = self.running.iter_mut().find(|s| s.id == id) {
            debug_assert!(sequence.tokens.len() < sequence.limit, "sequence {id:?} grew past its limit");
            sequence.tokens.push(token);
        }
    }

    /// Ends a sequence, finished or cancelled, wherever it stands; its blocks are free again.
    pub fn remove(&mut self, id: SequenceId) {
        self.waiting.retain(|s| s.id != id);
        if let Some(index) = self.running.iter().position(|s| s.id == id) {
            let sequence = self.running.remove(index);
            self.pool.give_back(sequence.blocks);
        }
        let present = |tenant| self.waiting.iter().chain(&self.running).any(|s| s.tenant == tenant);
        self.served.retain(|tenant, _| present(*tenant));
    }

    /// Sequences that run and that wait.
    pub fn load(&self) -> (usize, usize) {
        (self.running.len(), self.waiting.len())
    }

    /// KV blocks that are free.
    pub fn free_blocks(&self) -> usize {
        self.pool.free()
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
        let free = self.pool.free() * self.limits.block_tokens;
        self.pool.take(tokens.div_ceil(self.limits.block_tokens)).ok_or(Refused::Busy { tokens, free })
    }

    /// Ends what [`Scheduler::take_blocks`] began.
    pub fn give_back(&mut self, blocks: Vec<u32>) {
        self.pool.give_back(blocks);
    }

    /// The most tokens that one sequence can come to.
    pub fn capacity_tokens(&self) -> usize {
        self.pool.capacity() * self.limits.block_tokens
    }

    /// What bounds it.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn admit(&mut self) {
        while self.running.len() < self.limits.running {
            let Some(index) = self.next_waiting() else { return };
            let blocks = self.waiting[index].limit.div_ceil(self.limits.block_tokens);
            let Some(blocks) = self.pool.take(blocks) else { return };
            if let Some(mut sequence) = self.waiting.remove(index) {
                sequence.blocks = blocks;
                self.running.push(sequence);
            }
        }
    }

    /// The first of the tenant that had the fewest rows.
    fn next_waiting(&self) -> Option<usize> {
        let running = |tenant| self.running.iter().filter(|s| s.tenant == tenant).count();
        let served = |tenant: Tenant| self.served.get(&tenant).copied().unwrap_or(0);
        let claim = |s: &Sequence| (served(s.tenant), running(s.tenant));
        self.waiting.iter().enumerate().min_by_key(|(index, s)| (claim(s), *index)).map(|(index, _)| index)
    }
}

impl Step {
    /// Adds the next `rows` tokens of a sequence; its logits are wanted when they are the last that it has.
    fn add(&mut self, sequence: &mut Sequence, rows: usize, block_tokens: usize) {
        let first = sequence.computed;
        let start = self.batch.rows();
        sequence.computed += rows;
        self.batch.tokens.extend(&sequence.tokens[first..first + rows]);
        self.batch.spans.push(Span {
            rows: start..start + rows,
            first_position: first,
            blocks: sequence.blocks[..sequence.computed.div_ceil(block_tokens)].to_vec(),
        });
        let done = sequence.pending() == 0;
        match sequence.wants {
            Wants::Logits if done => {
                self.batch.logits_rows.push(start + rows - 1);
                self.samples.push(sequence.id);
            }
            Wants::LastHidden if done => {
                self.batch.hidden_rows.push(start + rows - 1);
                self.hidden.push(sequence.id);
            }
            Wants::AllHidden => {
                self.batch.hidden_rows.extend(start..start + rows);
                self.hidden.extend(std::iter::repeat_n(sequence.id, rows));
            }
            Wants::Logits | Wants::LastHidden => {}
        }
    }
}
