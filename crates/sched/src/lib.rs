//! Which rows run in the next step, and in which KV blocks: plain data, no tensors, threads or clock.
//!
//! [`Scheduler::schedule`] makes the [`Batch`] of a step; [`Scheduler::commit`] tells it what was sampled. Same commands in
//! the same order give the same batches. Where to read on: `scheduler.rs` (a sequence's life), `admission.rs` (who comes
//! next, who has to go), `plan.rs` (the rows of a step), `block_pool.rs` (blocks and the prefix cache).

#![forbid(unsafe_code)]

mod admission;
mod audit;
mod batch;
mod block_pool;
mod error;
mod plan;
mod prefix;
mod scheduler;
mod sequence;
mod service;

pub use batch::{Batch, Span};
pub use block_pool::{BlockPool, Prefix, Reach};
pub use error::Refused;
pub use plan::{Sample, Step};
pub use prefix::PrefixHash;
pub use scheduler::{Counters, Limits, Load, Scheduler, whole_blocks};
pub use sequence::{Arrival, SequenceId, Tenant, Wants};
