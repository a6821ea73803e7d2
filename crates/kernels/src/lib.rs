//! Arithmetic: the scalar kernels are the specification (docs/numerics.md), the vector kernels its twins.
//!
//! Every function here is a function of its operands' bits alone. `scalar/` says what the result is; `x86_64/avx2` and
//! `x86_64/avx512` compute the same bits faster, and the tests hold them to it. An instruction set is a value
//! ([`Isa`]): holding one is the proof that the processor has it. A kernel knows no tensor names, and no threads; the
//! pool that runs kernels side by side stands apart in `threads`, the tiles that it gives them in `shared`.
//!
//! This is the only crate with `unsafe` in it.

mod isa;
mod shared;
mod threads;

pub use isa::{Avx2, Avx512, Isa};
pub use shared::{Bands, Grid, Tile};
pub use threads::{Pool, usable_cores};
