//! The transformer against references that we did not write.
//!
//! `vectors` opens the tiny checkpoints of `vectors/models`, `oracle` computes them plainly, `logits` compares.

#![forbid(unsafe_code)]

mod logits;
mod oracle;
mod vectors;
