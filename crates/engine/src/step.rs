//! The loop: schedule, forward, sample, commit, emit.

use std::collections::BTreeMap;
use std::time::Instant;

use compute::Backend;
use model::{Logits, Transformer};
use sched::{Arrival, Scheduler, SequenceId, Step, Tenant, Wants};
use tokenizer::Tokenizer;

use crate::answer::{Answer, Next, Submission};
use crate::embedding::Embedding;
use crate::status::StatusBoard;
use crate::{Counters, Event, Status};

/// All that the worker thread owns: the model, its KV pool, the scheduler, the work under way.
pub(crate) struct Stepper<'t, B: Backend> {
    pub model: Transformer<B>,
    pub kv: B::KvPool,
    pub scheduler: Scheduler,
    tokenizer: Option<&'t Tokenizer>,
    answers: BTreeMap<SequenceId, Answer<'t>>,
    embeddings: BTreeMap<SequenceId, Embedding>,
    next_id: u64,
    counters: Counters,
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
        let counters = Counters::default();
        Self { model, kv, scheduler, tokenizer, answers, embeddings, next_id: 0, counters, board }
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
        if let Some(step) = self.scheduler.schedule() {
            let (mut logits, hidden) = self.model.forward_with_hidden(&step.batch, &mut self.kv);
            self.count(&step);
            self.answer(&step, &mut logits);
            self.pool(&step, &hidden);
        }
        self.board.write(self.status());
    }

    /// Samples a token for every row of logits.
    fn answer(&mut self, step: &Step, logits: &mut Logits) {
        for (row, &id) in step.samples.iter().enumerate() {
            let Some(answer) = self.answers.get_mut(&id) else { continue };
            match answer.next(logits.row_mut(row)) {
                Next::Token(token) => self.scheduler.commit(id, token),
                Next::Ended => self.remove(id),
            }
        }
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

    fn count(&mut self, step: &Step) {
        let decoded = step.samples.len();
        self.counters.steps += 1;
        self.counters.decode_tokens += decoded as u64;
        self.counters.prefill_tokens += (step.batch.rows() - decoded) as u64;
    }

    fn status(&self) -> Status {
        let (running, waiting) = self.scheduler.load();
        let limits = self.scheduler.limits();
        let total = limits.blocks as usize;
        Status {
            running,
            waiting,
            kv_blocks_used: total - self.scheduler.free_blocks(),
            kv_blocks_total: total,
            kv_block_tokens: limits.block_tokens,
            counters: self.counters,
        }
    }
}
