//! AVX-512: 512-bit vectors.

mod lanes;
mod products;

use crate::isa::Avx512;
use crate::lanes::Operation;

/// Runs an operation, compiled for these instructions.
pub(crate) fn run(isa: Avx512, operation: impl Operation) {
    // SAFETY: `isa` is the proof that the processor has the instructions.
    unsafe { enter(isa, operation) }
}

#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl")]
fn enter(isa: Avx512, operation: impl Operation) {
    operation.vector(isa);
}
