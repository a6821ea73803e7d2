//! Which rows run in the next step, and in which KV blocks: plain data, no tensors, threads or clock.
//!
//! [`Scheduler::schedule`] makes the [`Batch`] of a step; [`Scheduler::commit`] tells it what was sampled. Same commands in
//! the same order give the same batches.

#![forbid(unsafe_code)]

mod batch;
mod block_pool;
mod error;
mod scheduler;
mod sequence;

pub use batch::{Batch, Span};
pub use block_pool::BlockPool;
pub use error::Refused;
pub use scheduler::{Limits, Scheduler, Step};
pub use sequence::{Arrival, SequenceId, Tenant, Wants};
