//! Threads: one pool of persistent workers, and how many of them this machine has use for.
//!
//! They live in this crate because a region lends its closure to other threads for the time that it runs, which takes
//! `unsafe`. Nothing here knows arithmetic.

mod cpus;
mod pool;
mod shares;

pub use cpus::usable_cores;
pub use pool::Pool;
