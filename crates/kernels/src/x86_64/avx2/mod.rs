//! AVX2, FMA and F16C: 256-bit vectors.

mod lanes;
mod products;

pub(crate) use products::EightRows;

use crate::isa::Avx2;
use crate::lanes::Operation;

/// Runs an operation, compiled for these instructions.
pub(crate) fn run(isa: Avx2, operation: impl Operation) {
    // SAFETY: `isa` is the proof that the processor has the instructions.
    unsafe { enter(isa, operation) }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn enter(isa: Avx2, operation: impl Operation) {
    operation.vector(isa);
}
