//! The specification: every operation in plain Rust, one number at a time, rounding where docs/numerics.md says so.
//!
//! The files of `vector/` have the same names and compute the same bits.

pub(crate) mod attention;
pub(crate) mod convert;
pub(crate) mod elementwise;
pub(crate) mod exp;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod rope;
pub(crate) mod silu;

/// Sixteen partial results folded in halves: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
#[inline(always)]
pub(crate) fn fold(mut partial: [f32; crate::lanes::LANES], join: impl Fn(f32, f32) -> f32) -> f32 {
    for half in [8, 4, 2, 1] {
        for i in 0..half {
            partial[i] = join(partial[i], partial[i + half]);
        }
    }
    partial[0]
}
