//! NEON with dot products (ARMv8.2): 128-bit vectors.

mod lanes;
mod products;

use crate::isa::Neon;
use crate::lanes::Operation;

/// Runs an operation, compiled for these instructions.
pub(crate) fn run(isa: Neon, operation: impl Operation) {
    // SAFETY: `isa` is the proof that the processor has the instructions.
    unsafe { enter(isa, operation) }
}

#[target_feature(enable = "neon,dotprod")]
fn enter(isa: Neon, operation: impl Operation) {
    operation.vector(isa);
}
