//! What a transformer needs of the machine: the [`Backend`] trait, and the CPU behind it.
//!
//! The trait has no model in it: it multiplies, normalises, attends. The CPU backend cuts each operation into slices for
//! its thread pool and hands the slices to the `kernels` table.

#![forbid(unsafe_code)]

mod backend;
mod cpu;

pub use backend::{AttentionShape, Backend, KvLayout, KvSpan, KvType, Product, RopeAngles};

pub use cpu::{CpuBackend, CpuKvPool, CpuOptions, CpuTensor, CpuVector, packed_bytes};

mod error;
mod observed;

pub use error::Error;
pub use observed::{Observed, ObservedMatrix, Watch};
