//! Rates of prefill and decode, without sampling or text; `replay.rs` says a text again, guessed ahead.

mod replay;

use std::marker::PhantomData;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

pub use replay::{Replay, Replayed};

use compute::Backend;
use sched::{Batch, Span};
use tokenizer::TokenId;

use crate::step::Stepper;
use crate::{Engine, Error, limits};

/// What to run once and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// Tokens that each sequence holds before the clock starts.
    pub depth: usize,
    /// What is timed.
    pub timed: Measurement,
}

impl Workload {
    /// Tokens of a prompt that are read in one step.
    pub const CHUNK: usize = limits::STEP_ROWS;
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measurement {
    /// Reading a prompt of this many tokens.
    Prefill {
        /// Length of the prompt.
        tokens: usize,
    },
    /// Generating for several sequences at once, this many tokens each.
    Decode {
        /// Steps.
        tokens: usize,
        /// Sequences.
        sequences: usize,
    },
}

/// Workloads one after the other that share what they have read: a long prompt is read once and serves all of them, as long
/// as the KV memory has room beside what the others need.
///
/// Until it is dropped the engine does nothing else, and anybody else's requests wait.
#[derive(Debug)]
pub struct Bench<'e> {
    tasks: Sender<Task>,
    durations: Receiver<Result<Duration, Error>>,
    replayed: Receiver<Result<Replayed, Error>>,
    /// It ends before the engine does.
    engine: PhantomData<&'e Engine>,
}

impl Bench<'_> {
    /// Its two ends, this one and the worker's.
    pub(crate) fn new() -> (Self, Desk) {
        let (tasks, inbox) = channel();
        let (reply, durations) = channel();
        let (reply_replayed, replayed) = channel();
        (Self { tasks, durations, replayed, engine: PhantomData }, Desk { inbox, reply, reply_replayed })
    }

    /// Runs a workload once; how long its timed part took.
    ///
    /// # Errors
    /// It does not fit in the KV memory.
    pub fn measure(&self, workload: Workload) -> Result<Duration, Error> {
        self.tasks.send(Task::Measure(workload)).map_err(|_| Error::WorkerGone)?;
        self.durations.recv().map_err(|_| Error::WorkerGone)?
    }

    /// Has the model say a text; what it would say itself does not matter.
    ///
    /// # Errors
    /// A token is not in the vocabulary, there is no prompt, or it does not fit in the KV memory.
    pub fn replay(&self, replay: Replay) -> Result<Replayed, Error> {
        self.tasks.send(Task::Replay(replay)).map_err(|_| Error::WorkerGone)?;
        self.replayed.recv().map_err(|_| Error::WorkerGone)?
    }
}

/// Where the worker finds what to run.
pub(crate) struct Desk {
    inbox: Receiver<Task>,
    reply: Sender<Result<Duration, Error>>,
    reply_replayed: Sender<Result<Replayed, Error>>,
}

enum Task {
    Measure(Workload),
    Replay(Replay),
}

/// Runs what comes until nobody can send more.
pub(crate) fn run<B: Backend>(stepper: &mut Stepper<'_, B>, desk: &Desk) {
    let mut stand = Stand::new(stepper);
    for task in &desk.inbox {
        let heard = match task {
            Task::Measure(workload) => desk.reply.send(stand.measure(stepper, workload)).is_ok(),
            Task::Replay(replay) => desk.reply_replayed.send(stand.replay(stepper, &replay)).is_ok(),
        };
        if !heard {
            break;
        }
    }
    stand.clear(stepper);
}

/// Sequences of made-up tokens in blocks of their own. The token at a position is the same in all of them, and so are its
/// key and value, whoever wrote them: what a workload has read or generated is there for the next.
struct Stand {
    sequences: Vec<Sequence>,
    /// What the first sequence holds instead, while texts are said again.
    prompt: Vec<TokenId>,
    block_tokens: usize,
    vocab: usize,
}

#[derive(Default)]
struct Sequence {
    blocks: Vec<u32>,
    /// Positions from the first on whose keys and values are there.
    stored: usize,
}

impl Stand {
    fn new<B: Backend>(stepper: &Stepper<'_, B>) -> Self {
        let block_tokens = stepper.scheduler.limits().block_tokens;
        Self { sequences: Vec::new(), prompt: Vec::new(), block_tokens, vocab: stepper.model.config().vocab_size }
    }

    fn measure<B: Backend>(&mut self, stepper: &mut Stepper<'_, B>, workload: Workload) -> Result<Duration, Error> {
        if !self.prompt.is_empty() {
            self.clear(stepper);
        }
        let Workload { depth, timed } = workload;
        let (count, tokens) = match timed {
            Measurement::Prefill { tokens } => (1, tokens),
            Measurement::Decode { tokens, sequences } => (sequences.max(1), tokens),
        };
        self.make_room(stepper, count, depth.saturating_add(tokens))?;
        (0..count).for_each(|sequence| self.read(stepper, sequence, self.sequences[sequence].stored..depth));
        let start = Instant::now();
        match timed {
            Measurement::Prefill { tokens } => self.read(stepper, 0, depth..depth + tokens),
            Measurement::Decode { tokens, .. } => {
                (depth..depth + tokens).for_each(|position| self.decode(stepper, count, position));
            }
        }
        let elapsed = start.elapsed();
        for sequence in &mut self.sequences[..count] {
            sequence.stored = sequence.stored.max(depth + tokens);
        }
        Ok(elapsed)
    }

    /// At least `count` sequences with room for `tokens` each. What others have read goes only if there is no other way.
    fn make_room<B: Backend>(
        &mut self,
        stepper: &mut Stepper<'_, B>,
        count: usize,
        tokens: usize,
    ) -> Result<(), Error> {
        if self.grow(stepper, count, tokens).is_ok() {
            return Ok(());
        }
        self.clear(stepper);
        self.grow(stepper, count, tokens).map_err(|_| {
            let capacity = stepper.scheduler.capacity_tokens();
            sched::Refused::TooLong { tokens: count.saturating_mul(tokens), capacity }.into()
        })
    }

    fn grow<B: Backend>(
        &mut self,
        stepper: &mut Stepper<'_, B>,
        count: usize,
        tokens: usize,
    ) -> Result<(), sched::Refused> {
        for index in 0..count {
            if index == self.sequences.len() {
                self.sequences.push(Sequence::default());
            }
            let blocks = &mut self.sequences[index].blocks;
            let more = tokens.saturating_sub(blocks.len() * self.block_tokens);
            blocks.extend(stepper.scheduler.take_blocks(more)?);
        }
        Ok(())
    }

    /// Forgets all and gives the blocks back.
    fn clear<B: Backend>(&mut self, stepper: &mut Stepper<'_, B>) {
        self.prompt.clear();
        self.sequences.drain(..).for_each(|sequence| stepper.scheduler.give_back(sequence.blocks));
    }

    /// Prefill, in the chunks that requests are read in; the head runs once, as it does for them.
    fn read<B: Backend>(&self, stepper: &mut Stepper<'_, B>, sequence: usize, positions: std::ops::Range<usize>) {
        let mut first = positions.start;
        while first < positions.end {
            let end = positions.end.min(first + limits::STEP_ROWS);
            let tokens: Vec<_> = (first..end).map(|p| self.token(p)).collect();
            let mut batch = Batch::single(&tokens, first, self.blocks(sequence, end));
            if end < positions.end {
                batch.logits_rows.clear();
            }
            stepper.model.forward(&batch, &mut stepper.kv);
            first = end;
        }
    }

    fn decode<B: Backend>(&self, stepper: &mut Stepper<'_, B>, count: usize, position: usize) {
        let span = |s| Span { rows: s..s + 1, first_position: position, blocks: self.blocks(s, position + 1).to_vec() };
        let batch = Batch {
            tokens: vec![self.token(position); count],
            spans: (0..count).map(span).collect(),
            logits_rows: (0..count).collect(),
            hidden_rows: Vec::new(),
        };
        stepper.model.forward(&batch, &mut stepper.kv);
    }

    fn blocks(&self, sequence: usize, tokens: usize) -> &[u32] {
        &self.sequences[sequence].blocks[..tokens.div_ceil(self.block_tokens)]
    }

    /// Any token: rates do not depend on which.
    fn token(&self, position: usize) -> TokenId {
        TokenId((position * 7919 % self.vocab) as u32)
    }
}
