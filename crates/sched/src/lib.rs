//! Which rows run in the next step: plain data, no tensors, threads or clock.
//!
//! Same commands in the same order give the same batches.

mod batch;

pub use batch::{Batch, Span};
