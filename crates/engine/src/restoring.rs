//! Requests whose prompts begin with what is on disk wait for it, one after the other, while others are answered; and
//! what was computed goes to the disk, as fast as that takes it.

use std::collections::VecDeque;

use compute::Backend;
use model::Transformer;
use sched::Scheduler;

use crate::answer::Submission;
use crate::limits;
use crate::shelf::{Delivery, Shelf};

/// The shelf, and who waits for what is on it.
#[derive(Debug)]
pub(crate) struct Restoring {
    pub shelf: Shelf,
    waiting: VecDeque<Submission>,
    current: Option<Current>,
}

/// Blocks of its prompt come in.
#[derive(Debug)]
struct Current {
    submission: Submission,
    delivery: Delivery,
    /// What is in memory of the prompt, so that it stays until the request runs.
    held: Vec<u32>,
}

/// A request that has all that there was, and the blocks to give back once it is queued.
pub(crate) struct Restored {
    pub submission: Submission,
    pub held: Vec<u32>,
}

impl Restoring {
    pub(crate) fn new(shelf: Shelf) -> Self {
        Self { shelf, waiting: VecDeque::new(), current: None }
    }

    /// Nothing waits, nothing is to be written.
    pub(crate) fn idle(&self) -> bool {
        self.is_empty() && !self.shelf.is_behind()
    }

    /// Requests that wait for the disk.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len() + usize::from(self.current.is_some())
    }

    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    /// Takes a request that has to wait; gives it back where nothing on disk would help it.
    pub(crate) fn take(&mut self, submission: Submission, scheduler: &mut Scheduler) -> Option<Submission> {
        let (held, known) = self.look_up(&submission, scheduler);
        let there = held.len();
        scheduler.give_back(held);
        if known.len() <= there {
            return Some(submission);
        }
        self.waiting.push_back(submission);
        None
    }

    /// Puts into memory what has come in; waits a little for it if `wait`. The request that has all of its own now.
    pub(crate) fn advance<B: Backend>(
        &mut self,
        scheduler: &mut Scheduler,
        (model, kv): (&Transformer<B>, &mut B::KvPool),
        wait: bool,
    ) -> Option<Restored> {
        for _ in 0..limits::SHELF_READING {
            let Some(Current { submission, delivery, held }) = &mut self.current else {
                return self.begin(scheduler);
            };
            let goes_on = match delivery.next(wait) {
                _ if submission.is_over() => false,
                Err(_) => false,
                Ok(None) => return None,
                Ok(Some(bytes)) => {
                    let before = held.len();
                    if let Some(block) = scheduler.adopt(submission.tenant, &submission.prompt, held) {
                        model.set_kv_block(kv, block, &bytes);
                    }
                    held.len() > before
                }
            };
            if !goes_on {
                return self.current.take().map(|Current { submission, held, .. }| Restored { submission, held });
            }
        }
        None
    }

    /// The next one's turn; done at once where it has all meanwhile.
    fn begin(&mut self, scheduler: &mut Scheduler) -> Option<Restored> {
        let submission = self.waiting.pop_front()?;
        let (held, known) = self.look_up(&submission, scheduler);
        match self.shelf.fetch(known, held.len()) {
            Some(delivery) => {
                self.current = Some(Current { submission, delivery, held });
                None
            }
            None => Some(Restored { submission, held }),
        }
    }

    /// What is in memory of a prompt, held; and what of it the shelf knows.
    fn look_up(&mut self, submission: &Submission, scheduler: &mut Scheduler) -> (Vec<u32>, crate::shelf::Known) {
        let size = scheduler.limits().block_tokens;
        let held = scheduler.hold_prefix(submission.tenant, &submission.prompt);
        (held, self.shelf.known(submission.tenant, &submission.prompt, size))
    }
}
