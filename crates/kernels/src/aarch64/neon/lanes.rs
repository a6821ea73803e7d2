//! Sixteen lanes in four 128-bit registers.
//!
//! The conversions between f32 and f16 are written as instructions: the standard library has them for its own f16 only.

use std::arch::aarch64::*;
use std::arch::asm;

use crate::isa::Neon;
use crate::lanes::{LANES, Lanes, part_is_vector};

/// Lanes 0 to 3, 4 to 7, 8 to 11 and 12 to 15.
type Quarters = [float32x4_t; 4];

macro_rules! each_quarter {
    ($i:ident => $quarter:expr) => {
        [
            {
                const $i: usize = 0;
                $quarter
            },
            {
                const $i: usize = 1;
                $quarter
            },
            {
                const $i: usize = 2;
                $quarter
            },
            {
                const $i: usize = 3;
                $quarter
            },
        ]
    };
}

// SAFETY (all blocks below): a `Neon` is the proof that the processor has the instructions, and loads and stores stay
// inside the arrays that they are given.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl Lanes for Neon {
    type Vector = Quarters;
    const TILE: &'static [usize] = &[4, 2, 2, 1, 1, 1];

    part_is_vector!();

    #[inline(always)]
    fn prefetch<T>(self, place: *const T) {
        unsafe { asm!("prfm pldl1keep, [{0}]", in(reg) place, options(nostack, preserves_flags, readonly)) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Quarters {
        [unsafe { vdupq_n_f32(x) }; 4]
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Quarters {
        each_quarter!(I => unsafe { vld1q_f32(x.as_ptr().add(4 * I)) })
    }

    #[inline(always)]
    fn store(self, x: Quarters, out: &mut [f32; LANES]) {
        each_quarter!(I => unsafe { vst1q_f32(out.as_mut_ptr().add(4 * I), x[I]) });
    }

    #[inline(always)]
    fn load_f16(self, x: &[u16; LANES]) -> Quarters {
        each_quarter!(I => widen(self, unsafe { vld1_u16(x.as_ptr().add(4 * I)) }))
    }

    #[inline(always)]
    fn store_f16(self, x: Quarters, out: &mut [u16; LANES]) {
        each_quarter!(I => unsafe { vst1_u16(out.as_mut_ptr().add(4 * I), narrow(self, x[I])) });
    }

    #[inline(always)]
    fn add(self, x: Quarters, y: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vaddq_f32(x[I], y[I]) })
    }

    #[inline(always)]
    fn sub(self, x: Quarters, y: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vsubq_f32(x[I], y[I]) })
    }

    #[inline(always)]
    fn mul(self, x: Quarters, y: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vmulq_f32(x[I], y[I]) })
    }

    #[inline(always)]
    fn div(self, x: Quarters, y: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vdivq_f32(x[I], y[I]) })
    }

    #[inline(always)]
    fn fma(self, x: Quarters, y: Quarters, z: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vfmaq_f32(z[I], x[I], y[I]) })
    }

    #[inline(always)]
    fn max(self, x: Quarters, y: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vmaxq_f32(x[I], y[I]) })
    }

    #[inline(always)]
    fn where_less(self, x: Quarters, y: Quarters, then: Quarters, otherwise: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vbslq_f32(vcltq_f32(x[I], y[I]), then[I], otherwise[I]) })
    }

    #[inline(always)]
    fn scale_by_power(self, x: Quarters, n: Quarters) -> Quarters {
        each_quarter!(I => scale_by_power(self, x[I], n[I]))
    }

    #[inline(always)]
    fn swap_pairs(self, x: Quarters) -> Quarters {
        each_quarter!(I => unsafe { vrev64q_f32(x[I]) })
    }

    #[inline(always)]
    fn load_twice(self, x: &[f32; LANES / 2]) -> Quarters {
        unsafe {
            let (low, high) = (vld1q_f32(x.as_ptr()), vld1q_f32(x.as_ptr().add(4)));
            [vzip1q_f32(low, low), vzip2q_f32(low, low), vzip1q_f32(high, high), vzip2q_f32(high, high)]
        }
    }
}

/// Four f16 numbers as f32, exactly.
#[inline(always)]
pub(super) fn widen(_isa: Neon, x: uint16x4_t) -> float32x4_t {
    let wide: float32x4_t;
    // SAFETY: `_isa` is the proof that the processor has the instruction; it reads and writes registers only.
    unsafe {
        asm!("fcvtl {0:v}.4s, {1:v}.4h", out(vreg) wide, in(vreg) x, options(pure, nomem, nostack, preserves_flags))
    };
    wide
}

/// Four f32 numbers as f16, to nearest even (the rounding that Rust programs run under).
#[inline(always)]
fn narrow(_isa: Neon, x: float32x4_t) -> uint16x4_t {
    let narrow: uint16x4_t;
    // SAFETY: as above.
    unsafe {
        asm!("fcvtn {0:v}.4h, {1:v}.4s", out(vreg) narrow, in(vreg) x, options(pure, nomem, nostack, preserves_flags))
    };
    narrow
}

/// `x · 2ⁿ` in two steps, because 2¹²⁸ is not a number: by `2^⌊n/2⌋`, exactly, and by the rest.
#[inline(always)]
fn scale_by_power(_isa: Neon, x: float32x4_t, n: float32x4_t) -> float32x4_t {
    // SAFETY: `_isa` is the proof that the processor has the instructions.
    unsafe {
        let n = vcvtnq_s32_f32(n);
        let half = vshrq_n_s32::<1>(n);
        let bias = vdupq_n_s32(127);
        let first = vshlq_n_s32::<23>(vaddq_s32(half, bias));
        let rest = vshlq_n_s32::<23>(vaddq_s32(vsubq_s32(n, half), bias));
        vmulq_f32(vmulq_f32(x, vreinterpretq_f32_s32(first)), vreinterpretq_f32_s32(rest))
    }
}
