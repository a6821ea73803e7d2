//! The loop: schedule, forward, sample, commit, emit.

use std::collections::BTreeMap;

use compute::Backend;
use model::Transformer;
use sched::{Scheduler, SequenceId};
use tokenizer::Tokenizer;

use crate::Event;
use crate::answer::{Answer, Next, Submission};

/// All that the worker thread owns: the model, its KV pool, the scheduler, the answers under way.
pub(crate) struct Stepper<'t, B: Backend> {
    pub model: Transformer<B>,
    pub kv: B::KvPool,
    pub scheduler: Scheduler,
    tokenizer: Option<&'t Tokenizer>,
    answers: BTreeMap<SequenceId, Answer<'t>>,
    next_id: u64,
}

impl<'t, B: Backend> Stepper<'t, B> {
    pub(crate) fn new(
        model: Transformer<B>,
        kv: B::KvPool,
        scheduler: Scheduler,
        tokenizer: Option<&'t Tokenizer>,
    ) -> Self {
        Self { model, kv, scheduler, tokenizer, answers: BTreeMap::new(), next_id: 0 }
    }

    /// Takes a request into the queue, or tells its client why not.
    pub(crate) fn submit(&mut self, request: Submission) {
        let id = SequenceId(self.next_id);
        self.next_id += 1;
        match self.scheduler.submit(id, request.prompt.clone(), request.max_new_tokens) {
            Ok(()) => {
                request.emit(Event::Started { prompt_tokens: request.prompt.len() });
                self.answers.insert(id, Answer::new(request, self.tokenizer));
            }
            Err(refused) => request.emit(Event::Failed(refused.into())),
        }
    }

    /// Nothing runs and nothing waits.
    pub(crate) fn idle(&self) -> bool {
        self.answers.is_empty()
    }

    /// One step of all sequences under way.
    pub(crate) fn step(&mut self) {
        self.drop_cancelled();
        let Some(step) = self.scheduler.schedule() else { return };
        let mut logits = self.model.forward(&step.batch, &mut self.kv);
        for (row, id) in step.samples.into_iter().enumerate() {
            let Some(answer) = self.answers.get_mut(&id) else { continue };
            match answer.next(logits.row_mut(row)) {
                Next::Token(token) => self.scheduler.commit(id, token),
                Next::Ended => self.remove(id),
            }
        }
    }

    fn drop_cancelled(&mut self) {
        let cancelled: Vec<_> = self.answers.iter().filter(|(_, a)| a.cancelled()).map(|(id, _)| *id).collect();
        cancelled.into_iter().for_each(|id| self.remove(id));
    }

    fn remove(&mut self, id: SequenceId) {
        self.answers.remove(&id);
        self.scheduler.remove(id);
    }
}
