//! Arithmetic: the scalar kernels are the specification (docs/numerics.md), the vector kernels its twins.
//!
//! Every function here is a function of its operands' bits alone. `scalar/` says what the result is; `vector/` computes
//! the same bits sixteen numbers at a time, in the instructions that `x86_64/avx2` and `x86_64/avx512` give it, and the
//! tests hold them to it. An instruction set is a value
//! ([`Isa`]): holding one is the proof that the processor has it. A kernel knows no tensor names, and no threads; the
//! pool that runs kernels side by side stands apart in `threads`, the tiles that it gives them in `shared`.
//!
//! This is the only crate with `unsafe` in it.

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod activations;
mod aligned;
mod attention;
mod isa;
mod lanes;
mod linear;
mod packed;
mod probe;
mod products;
mod rows;
mod scalar;
mod shared;
mod threads;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86_64;
mod zeroed;

pub use activations::{ActivationFormat, Activations};
pub use attention::{
    AttentionSpace, CHUNK_TOKENS, KV_BLOCK_TOKENS, KvHead, KvNumbers, Queries, attend, attend_chunk, kv_block_numbers,
    merge_chunks, partial_numbers,
};
pub use isa::{Amx, Avx2, Avx512, AvxVnni, Isa, Neon};
pub use linear::linear;
pub use packed::{PackedMatrix, pack_group};
pub use probe::{Multiply, ReadProbe, ReadWay, multiply_f32, multiply_int8};
pub use rows::{add, add_scaled, exp, narrow, rms_norm, rope, scale, silu_mul, widen};
pub use shared::{Bands, Grid, Tile};
pub use threads::{Pool, usable_cores};
pub use zeroed::{Number, ZeroedNumbers};
