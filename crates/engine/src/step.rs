//! The loop: schedule, forward, sample, commit, emit.

use std::collections::BTreeMap;
use std::time::Instant;

use compute::Backend;
use model::{Logits, Transformer};
use sched::{Arrival, Sample, Scheduler, SequenceId, Step, Tenant, Wants};
use tokenizer::{TokenId, Tokenizer};

use crate::answer::{Answer, Next, Submission};
use crate::embedding::Embedding;
use crate::status::StatusBoard;
use crate::{Counters, Event, Status, limits};

/// All that the worker thread owns: the model, its KV pool, the scheduler, the work under way.
pub(crate) struct Stepper<'t, B: Backend> {
    pub model: Transformer<B>,
    pub kv: B::KvPool,
    pub scheduler: Scheduler,
    tokenizer: Option<&'t Tokenizer>,
    answers: BTreeMap<SequenceId, Answer<'t>>,
    embeddings: BTreeMap<SequenceId, Embedding>,
    next_id: u64,
    steps: u64,
    generated: u64,
    board: StatusBoard,
}

impl<'t, B: Backend> Stepper<'t, B> {
    pub(crate) fn new(
        model: Transformer<B>,
        kv: B::KvPool,
        scheduler: Scheduler,
        tokenizer: Option<&'t Tokenizer>,
        board: StatusBoard,
    ) -> Self {
        let (answers, embeddings) = (BTreeMap::new(), BTreeMap::new());
        Self { model, kv, scheduler, tokenizer, answers, embeddings, next_id: 0, steps: 0, generated: 0, board }
    }

    /// Takes a request into the queue, or tells its client why not.
    pub(crate) fn submit(&mut self, mut request: Submission) {
        let id = self.name();
        let arrival = Arrival {
            id,
            tenant: request.tenant,
            prompt: request.prompt.clone(),
            max_new_tokens: request.max_new_tokens,
            wants: Wants::Logits,
        };
        match self.scheduler.submit(arrival) {
            Ok(()) => {
                request.emit(Event::Started { prompt_tokens: request.prompt.len() });
                self.answers.insert(id, Answer::new(request, self.tokenizer));
            }
            Err(refused) => request.emit(Event::Failed(refused.into())),
        }
    }

    /// The same for a text that is to become a vector.
    pub(crate) fn embed(&mut self, embedding: Embedding) {
        let id = self.name();
        let (prompt, wants) = (embedding.tokens.clone(), embedding.wants());
        match self.scheduler.submit(Arrival { id, tenant: Tenant::default(), prompt, max_new_tokens: 0, wants }) {
            Ok(()) => drop(self.embeddings.insert(id, embedding)),
            Err(refused) => embedding.answer(Err(refused.into())),
        }
    }

    /// Nothing runs and nothing waits.
    pub(crate) fn idle(&self) -> bool {
        self.answers.is_empty() && self.embeddings.is_empty()
    }

    /// One step of all sequences under way.
    pub(crate) fn step(&mut self) {
        self.drop_ended();
        self.guess();
        if let Some(step) = self.scheduler.schedule() {
            let (mut logits, hidden) = self.model.forward_with_hidden(&step.batch, &mut self.kv);
            self.steps += 1;
            self.answer(&step, &mut logits);
            self.pool(&step, &hidden);
        }
        self.board.write(self.status());
    }

    /// Guesses ahead for those that are being answered, the fewer each the more they are.
    fn guess(&mut self) {
        let most = limits::ALL_DRAFTS / self.answers.len().max(1);
        for (&id, answer) in &self.answers {
            let guesses = answer.guess(most.min(limits::LONGEST_DRAFT));
            if !guesses.is_empty() {
                self.scheduler.draft(id, guesses.to_vec());
            }
        }
    }

    /// Samples tokens from the rows of logits.
    fn answer(&mut self, step: &Step, logits: &mut Logits) {
        for sample in &step.samples {
            match self.sample(sample, logits) {
                Some(tokens) => self.scheduler.commit(sample.id, &tokens),
                None => self.remove(sample.id),
            }
        }
    }

    /// Samples one token, and further ones as long as each is what was guessed: the rows behind a wrong guess mean nothing.
    /// `None`: the answer has ended.
    fn sample(&mut self, sample: &Sample, logits: &mut Logits) -> Option<Vec<TokenId>> {
        let answer = self.answers.get_mut(&sample.id)?;
        answer.cached = self.scheduler.cached_tokens(sample.id);
        let mut tokens = Vec::new();
        answer.drafted += sample.guesses.len();
        for (index, row) in sample.rows.clone().enumerate() {
            let guess = sample.guesses.get(index).copied();
            self.generated += 1;
            match answer.next(logits.row_mut(row), guess) {
                Next::Token(token) => tokens.push(token),
                Next::Ended => return None,
            }
            if tokens.last().copied() != guess {
                break;
            }
        }
        answer.judge(sample.guesses.len(), tokens.len() - 1);
        Some(tokens)
    }

    /// Hands hidden states to the embeddings that they belong to.
    fn pool(&mut self, step: &Step, hidden: &[f32]) {
        for (row, &id) in hidden.chunks(self.model.config().dim).zip(&step.hidden) {
            if self.embeddings.get_mut(&id).is_some_and(|embedding| embedding.push(row)) {
                self.remove(id);
            }
        }
    }

    /// Whose client has gone, and whose time is up.
    fn drop_ended(&mut self) {
        let now = Instant::now();
        let ended = self.answers.iter_mut().filter_map(|(id, a)| (a.cancelled() || a.overdue(now)).then_some(*id));
        let ended: Vec<_> = ended.collect();
        ended.into_iter().for_each(|id| self.remove(id));
    }

    fn remove(&mut self, id: SequenceId) {
        self.answers.remove(&id);
        self.embeddings.remove(&id);
        self.scheduler.remove(id);
    }

    fn name(&mut self) -> SequenceId {
        self.next_id += 1;
        SequenceId(self.next_id)
    }

    fn status(&self) -> Status {
        let (load, limits, sched) = (self.scheduler.load(), self.scheduler.limits(), self.scheduler.counters());
        Status {
            running: load.running,
            waiting: load.waiting,
            kv_blocks_used: load.blocks_used,
            kv_blocks_cached: load.blocks_idle,
            kv_blocks_total: limits.blocks as usize,
            kv_block_tokens: limits.block_tokens,
            counters: Counters {
                steps: self.steps,
                prefill_tokens: sched.prefill_rows,
                decode_tokens: self.generated,
                cached_tokens: sched.cached_tokens,
                drafted_tokens: sched.drafted_tokens,
                accepted_tokens: sched.accepted_tokens,
                preemptions: sched.preemptions,
                evicted_blocks: sched.evicted_blocks,
            },
        }
    }
}
