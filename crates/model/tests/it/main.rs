//! The transformer against references that we did not write, and against itself under every circumstance that must not
//! matter.
//!
//! `vectors` opens the tiny checkpoints of `vectors/models`, `oracle` computes them plainly, `logits` compares.

#![forbid(unsafe_code)]

mod logits;
mod observed;
mod oracle;
mod running;
mod vectors;
