//! The loop: schedule, forward, sample, commit, emit.

use std::collections::BTreeMap;
use std::time::Instant;

use compute::Backend;
use model::{Logits, Transformer};
use sched::{Arrival, Sample, Scheduler, SequenceId, Step, Tenant, Wants};
use tokenizer::{TokenId, Tokenizer};

use crate::answer::{Answer, Next, Submission};
use crate::embedding::Embedding;
use crate::pace::Pace;
use crate::restoring::{Restored, Restoring};
use crate::shelf::Shelf;
use crate::status::StatusBoard;
use crate::{Counters, Event, Status, draft, limits};

/// All that the worker thread owns: the model, its KV pool, the scheduler, the work under way.
pub(crate) struct Stepper<'t, B: Backend> {
    pub model: Transformer<B>,
    pub kv: B::KvPool,
    pub scheduler: Scheduler,
    tokenizer: Option<&'t Tokenizer>,
    answers: BTreeMap<SequenceId, Answer<'t>>,
    embeddings: BTreeMap<SequenceId, Embedding>,
    /// `None`: nothing is kept beyond the end.
    restoring: Option<Restoring>,
    pub pace: Pace,
    next_id: u64,
    steps: u64,
    generated: u64,
    board: StatusBoard,
}

impl<'t, B: Backend> Stepper<'t, B> {
    pub(crate) fn new(
        model: Transformer<B>,
        kv: B::KvPool,
        mut scheduler: Scheduler,
        tokenizer: Option<&'t Tokenizer>,
        (board, shelf): (StatusBoard, Option<Shelf>),
    ) -> Self {
        if shelf.is_some() {
            // From now on it takes note of what is new.
            scheduler.news();
        }
        Self {
            model,
            kv,
            scheduler,
            tokenizer,
            answers: BTreeMap::new(),
            embeddings: BTreeMap::new(),
            restoring: shelf.map(Restoring::new),
            pace: Pace::default(),
            next_id: 0,
            steps: 0,
            generated: 0,
            board,
        }
    }

    /// Takes a request, to wait for what is on disk of it or to be queued.
    pub(crate) fn submit(&mut self, request: Submission) {
        let queued = match &mut self.restoring {
            Some(restoring) => restoring.take(request, &mut self.scheduler),
            None => Some(request),
        };
        queued.into_iter().for_each(|request| self.queue(request));
    }

    /// Takes a request into the queue, or tells its client why not.
    fn queue(&mut self, mut request: Submission) {
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
        self.answers.is_empty() && self.embeddings.is_empty() && self.restoring.as_ref().is_none_or(Restoring::idle)
    }

    /// One step of all sequences under way.
    pub(crate) fn step(&mut self) {
        self.drop_ended();
        self.guess();
        let step = self.scheduler.schedule();
        if let Some(step) = &step {
            let start = Instant::now();
            let (mut logits, hidden) = self.model.forward_with_hidden(&step.batch, &mut self.kv);
            self.steps += 1;
            self.answer(step, &mut logits);
            self.pool(step, &hidden);
            if step.only_answers() {
                self.pace.learn(step.batch.rows(), start.elapsed().as_secs_f64());
            }
        }
        self.exchange(step.is_none());
        self.board.write(self.status());
    }

    /// Takes from the disk what has come, and gives it what is new; waits a little for it if there is nothing else to do.
    fn exchange(&mut self, wait: bool) {
        let Self { model, kv, scheduler, restoring: Some(restoring), .. } = self else { return };
        restoring.shelf.note(scheduler);
        restoring.shelf.write(scheduler, |block| model.kv_block(kv, block));
        if wait && restoring.waiting() == 0 && restoring.shelf.is_behind() {
            std::thread::sleep(limits::SHELF_PAUSE);
        }
        if let Some(Restored { submission, held }) = restoring.advance(scheduler, (model, kv), wait) {
            self.queue(submission);
            self.scheduler.give_back(held);
        }
    }

    /// Gives the disk what is still to be written, within bounds.
    pub(crate) fn end(&mut self) {
        let start = Instant::now();
        while self.restoring.as_ref().is_some_and(|restoring| restoring.shelf.is_behind())
            && start.elapsed() < limits::SHELF_END
        {
            self.exchange(true);
        }
    }

    /// Guesses ahead for those that are being answered, as far as it pays.
    fn guess(&mut self) {
        let answering: Vec<_> = self.answers.iter().filter(|(_, answer)| answer.has_begun()).collect();
        let drafts: Vec<_> = answering.iter().map(|(id, answer)| (**id, answer.draft())).collect();
        let chances: Vec<_> = drafts.iter().map(|(_, draft)| draft.chances.as_slice()).collect();
        let lengths = draft::share(&chances, answering.len(), &self.pace);
        for ((id, mut draft), length) in drafts.into_iter().zip(lengths) {
            draft.tokens.truncate(length);
            self.scheduler.draft(id, draft.tokens);
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
        Some(tokens)
    }

    /// Hands hidden states to the embeddings that they belong to.
    fn pool(&mut self, step: &Step, hidden: &[f32]) {
        for (id, span) in step.sequences.iter().zip(&step.batch.spans) {
            if let Some(embedding) = self.embeddings.get_mut(id) {
                embedding.count(span.rows.len());
            }
        }
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
        let unwanted = self.embeddings.iter().filter_map(|(id, embedding)| embedding.is_cancelled().then_some(*id));
        let ended: Vec<_> = ended.chain(unwanted).collect();
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
        let (stored_blocks, restored_blocks, store_failures) =
            self.restoring.as_ref().map_or((0, 0, 0), |restoring| restoring.shelf.counts());
        let (load, limits, sched) = (self.scheduler.load(), self.scheduler.limits(), self.scheduler.counters());
        Status {
            running: load.running,
            waiting: load.waiting + self.restoring.as_ref().map_or(0, Restoring::waiting),
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
                stored_blocks,
                restored_blocks,
                store_failures,
            },
        }
    }
}
