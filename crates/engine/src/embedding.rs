//! Texts as vectors: hidden states behind the last norm, pooled and brought to length one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

use checkpoint::Pooling;
use sched::Wants;
use tokenizer::TokenId;

use crate::Error;
use crate::status::Place;

/// Ends texts on their way to become vectors from elsewhere, and counts what they take. Clones are of one thing.
#[derive(Clone, Debug, Default)]
pub struct EmbedWatch {
    cancelled: Arc<AtomicBool>,
    tokens: Arc<AtomicUsize>,
}

impl EmbedWatch {
    /// Ends the work at the next step. What it has computed stays counted.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has ended it.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// Tokens that have been computed so far.
    pub fn tokens(&self) -> usize {
        self.tokens.load(Ordering::Relaxed)
    }
}

/// Which of the caller's texts, and its vector.
pub(crate) type Embedded = (usize, Result<Vec<f32>, Error>);

/// A text on its way to become a vector.
pub(crate) struct Embedding {
    pub tokens: Vec<TokenId>,
    pub pooling: Pooling,
    /// Which of the caller's texts it is.
    index: usize,
    reply: Sender<Embedded>,
    /// Sum of the hidden states so far, `[dim]`; they come in the order of their positions, however the text is cut.
    sum: Vec<f64>,
    rows: usize,
    /// Tokens that were computed, each once.
    computed: usize,
    watch: EmbedWatch,
    _place: Place,
}

impl Embedding {
    pub(crate) fn new(
        tokens: Vec<TokenId>,
        pooling: Pooling,
        index: usize,
        reply: Sender<Embedded>,
        (place, watch): (Place, EmbedWatch),
    ) -> Self {
        Self { tokens, pooling, index, reply, sum: Vec::new(), rows: 0, computed: 0, watch, _place: place }
    }

    /// Nobody waits for it any more.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.watch.is_cancelled()
    }

    /// So many rows of it were computed. What has to be computed again for want of memory is not the caller's doing.
    pub(crate) fn count(&mut self, rows: usize) {
        let new = rows.min(self.tokens.len() - self.computed);
        self.computed += new;
        self.watch.tokens.fetch_add(new, Ordering::Relaxed);
    }

    pub(crate) fn wants(&self) -> Wants {
        match self.pooling {
            Pooling::Mean => Wants::AllHidden,
            Pooling::Last => Wants::LastHidden,
        }
    }

    /// Takes a hidden state; true once it was the last, and the caller has the vector.
    pub(crate) fn push(&mut self, hidden: &[f32]) -> bool {
        self.sum.resize(hidden.len(), 0.0);
        self.sum.iter_mut().zip(hidden).for_each(|(sum, &x)| *sum += f64::from(x));
        self.rows += 1;
        let done = self.pooling == Pooling::Last || self.rows == self.tokens.len();
        if done {
            self.answer(Ok(unit(&self.sum)));
        }
        done
    }

    /// Whoever asked and has gone needs no answer.
    pub(crate) fn answer(&self, vector: Result<Vec<f32>, Error>) {
        let _ = self.reply.send((self.index, vector));
    }
}

/// The same direction, of length one: after that the mean is as good as the sum. The zero vector stays.
fn unit(sum: &[f64]) -> Vec<f32> {
    let length = sum.iter().map(|x| x * x).sum::<f64>().sqrt();
    let factor = if length > 0.0 { 1.0 / length } else { 0.0 };
    sum.iter().map(|x| (x * factor) as f32).collect()
}
