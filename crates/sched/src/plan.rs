//! The rows of a step: answers first, then prompts, tenant by tenant in turns of one KV block.

use std::ops::Range;

use tokenizer::TokenId;

use crate::sequence::Sequence;
use crate::{Batch, Reach, Scheduler, SequenceId, Span, Wants};

/// The work of one step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The rows to run.
    pub batch: Batch,
    /// Whose each span of the batch is.
    pub sequences: Vec<SequenceId>,
    /// Whom rows of logits belong to; covers all of them, in order.
    pub samples: Vec<Sample>,
    /// To whom each hidden state belongs, in the order of [`Batch::hidden_rows`].
    pub hidden: Vec<SequenceId>,
}

/// Rows of logits of one sequence: the first is to be sampled, each further one as long as the sample before it was the
/// guess that stands beside it. All samples, at least one, are to be committed, or the sequence removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Whose.
    pub id: SequenceId,
    /// Its places in [`Batch::logits_rows`].
    pub rows: Range<usize>,
    /// One fewer than rows.
    pub guesses: Vec<TokenId>,
}

/// Rows for one sequence, blocks included.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    rows: usize,
    guesses: usize,
}

impl Scheduler {
    /// Sees to it that whoever is being answered has a block for its next token.
    pub(crate) fn make_room(&mut self) {
        let answering: Vec<_> = self.running.iter().filter(|s| s.pending() == 1).map(|s| s.id).collect();
        for id in answering {
            while let Some(index) = self.running.iter().position(|s| s.id == id) {
                if self.extend(index, 1) == 1 {
                    break;
                }
                match self.victim() {
                    Some(victim) => self.preempt(victim),
                    // Alone, and blocks are in use outside the queue: it waits a step.
                    None => break,
                }
            }
        }
    }

    /// The rows of the next step. Where nobody can move for want of blocks, sequences make room until somebody can.
    pub(crate) fn plan(&mut self) -> Option<Step> {
        loop {
            let mut shares = vec![Share::default(); self.running.len()];
            let answering = self.plan_answers(&mut shares);
            self.plan_prompts(&mut shares, answering);
            if shares.iter().any(|share| share.rows > 0) {
                return Some(self.build(&shares));
            }
            let victim = self.victim().filter(|_| self.running.iter().any(|s| s.pending() > 0))?;
            self.preempt(victim);
        }
    }

    /// One row for everybody who is being answered, and guesses as far as there is room. How many rows that is.
    fn plan_answers(&mut self, shares: &mut [Share]) -> usize {
        let answering: Vec<_> = (0..self.running.len())
            .filter(|&i| self.running[i].pending() == 1 && self.room(i) > 0)
            .inspect(|&i| shares[i].rows = 1)
            .collect();
        // Half of the rest: guesses must not keep prompts from being read.
        let mut room = (self.limits.step_rows - answering.len()) / 2;
        let mut rows = answering.len();
        for index in answering {
            let sequence = &self.running[index];
            let sensible = sequence.limit.saturating_sub(sequence.tokens.len() + 1);
            let wanted = sequence.draft.len().min(sensible).min(room);
            let guesses = self.extend(index, 1 + wanted) - 1;
            shares[index] = Share { rows: 1 + guesses, guesses };
            room -= guesses;
            rows += guesses;
        }
        rows
    }

    /// What is left of the rows, to prompts: a block's worth at a time to the tenant that had least, there to the first.
    fn plan_prompts(&mut self, shares: &mut [Share], answering: usize) {
        let rest = self.limits.step_rows - answering;
        let mut room = if answering == 0 { rest } else { rest.min(self.limits.prefill_rows) };
        let mut reading: Vec<_> = (0..self.running.len())
            .filter(|&i| self.running[i].pending() > 1 && !self.follows(i))
            .map(|i| (i, self.running[i].tenant))
            .collect();
        while room > 0
            && let Some(&(index, tenant)) = reading.iter().min_by_key(|(i, t)| (self.service.of(*t), *t, *i))
        {
            let had = shares[index].rows;
            let wanted = (self.running[index].pending() - had).min(self.limits.block_tokens).min(room);
            let rows = self.extend(index, had + wanted) - had;
            shares[index].rows += rows;
            self.service.charge(tenant, rows);
            room -= rows;
            if rows < wanted || shares[index].rows == self.running[index].pending() {
                reading.retain(|(i, _)| *i != index);
            }
        }
    }

    /// What this sequence would compute next, another one that was admitted before it is going to: it waits for that.
    fn follows(&self, index: usize) -> bool {
        let (sequence, size) = (&self.running[index], self.limits.block_tokens);
        let Some(next) = sequence.shareable_block(size) else { return false };
        let hash = sequence.hash(next);
        self.running[..index].iter().any(|s| s.computed < (next + 1) * size && !s.table.closed && s.hash(next) == hash)
    }

    /// Rows that the blocks of a sequence have room for.
    fn room(&self, index: usize) -> usize {
        let sequence = &self.running[index];
        sequence.table.blocks.len() * self.limits.block_tokens - sequence.computed
    }

    /// Takes blocks for `rows` more rows; for how many there is room then, no more than these.
    fn extend(&mut self, index: usize, rows: usize) -> usize {
        let tenant = self.running[index].tenant;
        let alone = self.running.iter().filter(|s| s.tenant == tenant).count() == 1;
        let reach = if alone { Reach::Everything } else { Reach::Quotas };
        while self.room(index) < rows
            && let Some(block) = self.pool.take(tenant, reach)
        {
            self.running[index].table.blocks.push(block);
        }
        self.room(index).min(rows)
    }

    fn build(&mut self, shares: &[Share]) -> Step {
        let mut step = Step::default();
        let mut order: Vec<usize> = (0..shares.len()).filter(|&index| shares[index].rows > 0).collect();
        order.sort_by_key(|&index| self.running[index].pending() > 1);
        for index in order {
            let (sequence, Share { rows, guesses }) = (&mut self.running[index], shares[index]);
            if sequence.pending() == 1 {
                self.counters.decode_rows += 1;
                self.counters.drafted_tokens += guesses as u64;
                self.service.charge(sequence.tenant, rows);
            } else {
                self.counters.prefill_rows += rows as u64;
            }
            step.add(sequence, rows - guesses, guesses, self.limits.block_tokens);
        }
        step
    }
}

impl Step {
    /// Every row is somebody's next token or a guess at one: no prompts, nothing that is computed anew.
    pub fn only_answers(&self) -> bool {
        self.batch.rows() == self.batch.logits_rows.len()
    }

    /// Adds the next `rows` tokens of a sequence and some guesses; logits are wanted of the last token that it has and of
    /// every guess.
    fn add(&mut self, sequence: &mut Sequence, rows: usize, guesses: usize, block_tokens: usize) {
        let (first, furthest, start) = (sequence.computed, sequence.furthest, self.batch.rows());
        sequence.advance(rows);
        let guesses = &sequence.draft[..guesses];
        self.batch.tokens.extend(&sequence.tokens[first..first + rows]);
        self.batch.tokens.extend(guesses);
        let end = first + rows + guesses.len();
        self.sequences.push(sequence.id);
        self.batch.spans.push(Span {
            rows: start..start + end - first,
            first_position: first,
            blocks: sequence.table.blocks[..end.div_ceil(block_tokens)].to_vec(),
        });
        let done = sequence.pending() == 0;
        match sequence.wants {
            Wants::Logits if done => {
                let places = self.batch.logits_rows.len();
                self.batch.logits_rows.extend(start + rows - 1..start + rows + guesses.len());
                let sample =
                    Sample { id: sequence.id, rows: places..self.batch.logits_rows.len(), guesses: guesses.to_vec() };
                self.samples.push(sample);
            }
            Wants::LastHidden if done => {
                self.batch.hidden_rows.push(start + rows - 1);
                self.hidden.push(sequence.id);
            }
            // Computed anew after it was sent back: those up to the furthest have been had.
            Wants::AllHidden => {
                let new = start + furthest.saturating_sub(first).min(rows)..start + rows;
                self.hidden.extend(std::iter::repeat_n(sequence.id, new.len()));
                self.batch.hidden_rows.extend(new);
            }
            Wants::Logits | Wants::LastHidden => {}
        }
    }
}
