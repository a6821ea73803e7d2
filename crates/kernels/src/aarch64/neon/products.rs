//! Four rows in one 128-bit register. `sdot` multiplies signed bytes by signed bytes: codes below 128 as they are, the
//! others 128 lower, which makes them the integers that they stand for.

use std::arch::aarch64::*;
use std::arch::asm;

use super::lanes::widen;
use crate::activations::Record;
use crate::aligned::LINE;
use crate::isa::Neon;
use crate::packed::Columns;
use crate::products::{CodeVectors, FormatType, Products, ProductsOperation, largest_code, unrolled};

/// Runs an operation, compiled for these instructions.
#[target_feature(enable = "neon,dotprod")]
fn enter(isa: Neon, operation: impl ProductsOperation) {
    operation.run(isa);
}

impl Neon {
    /// `Σ (codes - offset) · x` over `LEN` code vectors for `N` strips and `R` rows.
    #[inline(always)]
    fn dot<F: FormatType, const N: usize, const R: usize, const LEN: usize>(
        self,
        corrections: [int32x4_t; R],
        codes: &impl CodeVectors<int32x4_t, N>,
        from: usize,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[int32x4_t; R]; N] {
        let full_range = const { largest_code(F::FORMAT) > 127 };
        let mut sums = [if full_range { [self.splat(0); R] } else { corrections }; N];
        unrolled!(v in 0..LEN, {
            let mut inputs = [self.splat(0); R];
            for r in 0..R {
                inputs[r] = self.splat(x[r].codes4(first + v));
            }
            for n in 0..N {
                for r in 0..R {
                    sums[n][r] = dot(self, sums[n][r], codes.get(n, from + v), inputs[r]);
                }
                codes.done(n, from + v);
            }
        });
        sums
    }
}

/// The top bit of every byte.
const FLIP: i32 = 0x8080_8080_u32 as i32;

/// `sum + Σ x·y` over the four signed bytes of each lane.
#[inline(always)]
fn dot(_isa: Neon, sum: int32x4_t, x: int32x4_t, y: int32x4_t) -> int32x4_t {
    let mut sum = sum;
    // SAFETY: `_isa` is the proof that the processor has the instruction; it reads and writes registers only.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sum, in(vreg) x, in(vreg) y,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

// SAFETY (all blocks below): a `Neon` is the proof that the processor has the instructions, and loads stay inside the lines
// that they are given; `load`, `bytes`, `words` and `halves` check theirs, and `store` writes a whole
// vector where there is room for one.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl Products for Neon {
    type Int = int32x4_t;
    type Float = float32x4_t;
    const LANES: usize = 4;
    const STRIPS: usize = 2;

    fn enter(self, operation: impl ProductsOperation) {
        unsafe { enter(self, operation) }
    }

    #[inline(always)]
    fn load(self, line: &[u8; LINE], part: usize) -> int32x4_t {
        let bytes = &line[16 * part..][..16];
        unsafe { vreinterpretq_s32_u8(vld1q_u8(bytes.as_ptr())) }
    }

    #[inline(always)]
    fn put(self, x: int32x4_t, line: &mut [u8; LINE], part: usize) {
        let bytes = &mut line[16 * part..][..16];
        unsafe { vst1q_u8(bytes.as_mut_ptr(), vreinterpretq_u8_s32(x)) }
    }

    #[inline(always)]
    fn put_halves(self, x: int32x4_t, line: &mut [u8; LINE], part: usize) {
        let (first, second) = line.split_at_mut(LINE / 2);
        let (first, second) = (&mut first[8 * part..][..8], &mut second[8 * part..][..8]);
        unsafe {
            let x = vreinterpretq_u32_s32(x);
            vst1_u8(first.as_mut_ptr(), vreinterpret_u8_u16(vmovn_u32(x)));
            vst1_u8(second.as_mut_ptr(), vreinterpret_u8_u16(vshrn_n_u32::<16>(x)));
        }
    }

    #[inline(always)]
    fn words4(self, rows: Columns<'_, 16>, part: usize) -> [int32x4_t; 4] {
        let mut quarters = [self.splat(0); 4];
        for j in 0..4 {
            let words = rows.row(4 * part + j);
            quarters[j] = unsafe { vreinterpretq_s32_u8(vld1q_u8(words.as_ptr())) };
        }
        let [a, b, c, d] = quarters;
        unsafe {
            let (ab, cd) = (vreinterpretq_s64_s32(vzip1q_s32(a, b)), vreinterpretq_s64_s32(vzip1q_s32(c, d)));
            let (ab_high, cd_high) = (vreinterpretq_s64_s32(vzip2q_s32(a, b)), vreinterpretq_s64_s32(vzip2q_s32(c, d)));
            [
                vreinterpretq_s32_s64(vzip1q_s64(ab, cd)),
                vreinterpretq_s32_s64(vzip2q_s64(ab, cd)),
                vreinterpretq_s32_s64(vzip1q_s64(ab_high, cd_high)),
                vreinterpretq_s32_s64(vzip2q_s64(ab_high, cd_high)),
            ]
        }
    }

    #[inline(always)]
    fn prefetch(self, line: &[u8; LINE], bytes: usize) {
        let address = line.as_ptr().wrapping_add(bytes);
        unsafe { asm!("prfm pldl1keep, [{0}]", in(reg) address, options(nostack, preserves_flags, readonly)) }
    }

    #[inline(always)]
    fn as_multiplied<F: FormatType>(self, codes: int32x4_t) -> int32x4_t {
        match const { largest_code(F::FORMAT) > 127 } {
            true => self.xor(codes, self.splat(FLIP)),
            false => codes,
        }
    }

    #[inline(always)]
    fn splat(self, x: i32) -> int32x4_t {
        unsafe { vdupq_n_s32(x) }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], codes: int32x4_t) -> int32x4_t {
        unsafe { vreinterpretq_s32_u8(vqtbl1q_u8(vld1q_u8(table.as_ptr()), vreinterpretq_u8_s32(codes))) }
    }

    #[inline(always)]
    fn and(self, x: int32x4_t, y: int32x4_t) -> int32x4_t {
        unsafe { vandq_s32(x, y) }
    }

    #[inline(always)]
    fn or(self, x: int32x4_t, y: int32x4_t) -> int32x4_t {
        unsafe { vorrq_s32(x, y) }
    }

    #[inline(always)]
    fn xor(self, x: int32x4_t, y: int32x4_t) -> int32x4_t {
        unsafe { veorq_s32(x, y) }
    }

    #[inline(always)]
    fn shift_left(self, x: int32x4_t, bits: u32) -> int32x4_t {
        unsafe { vshlq_s32(x, vdupq_n_s32(bits as i32)) }
    }

    #[inline(always)]
    fn shift_right(self, x: int32x4_t, bits: u32) -> int32x4_t {
        unsafe { vreinterpretq_s32_u32(vshlq_u32(vreinterpretq_u32_s32(x), vdupq_n_s32(-(bits as i32)))) }
    }

    #[inline(always)]
    fn shift_right_signed(self, x: int32x4_t, bits: u32) -> int32x4_t {
        unsafe { vshlq_s32(x, vdupq_n_s32(-(bits as i32))) }
    }

    #[inline(always)]
    fn add(self, x: int32x4_t, y: int32x4_t) -> int32x4_t {
        unsafe { vaddq_s32(x, y) }
    }

    #[inline(always)]
    fn mul(self, x: int32x4_t, y: int32x4_t) -> int32x4_t {
        unsafe { vmulq_s32(x, y) }
    }

    #[inline(always)]
    fn dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [int32x4_t; R],
        codes: &impl CodeVectors<int32x4_t, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[int32x4_t; R]; N] {
        self.dot::<F, N, R, 8>(corrections, codes, 0, x, first)
    }

    #[inline(always)]
    fn half_dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [[int32x4_t; R]; 2],
        codes: &impl CodeVectors<int32x4_t, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[[int32x4_t; R]; N]; 2] {
        let low = self.dot::<F, N, R, 4>(corrections[0], codes, 0, x, first);
        [low, self.dot::<F, N, R, 4>(corrections[1], codes, 4, x, first + 4)]
    }

    #[inline(always)]
    fn dot4(self, sum: int32x4_t, codes: int32x4_t, x: int32x4_t) -> int32x4_t {
        dot(self, sum, codes, x)
    }

    #[inline(always)]
    fn dot_pairs(self, sum: int32x4_t, x: int32x4_t, y: int32x4_t) -> int32x4_t {
        unsafe {
            let (x, y) = (vreinterpretq_s16_s32(x), vreinterpretq_s16_s32(y));
            let low = vmull_s16(vget_low_s16(x), vget_low_s16(y));
            let high = vmull_high_s16(x, y);
            vaddq_s32(sum, vpaddq_s32(low, high))
        }
    }

    #[inline(always)]
    fn to_float(self, x: int32x4_t) -> float32x4_t {
        unsafe { vcvtq_f32_s32(x) }
    }

    #[inline(always)]
    fn words(self, line: &[u8; LINE], at: usize, part: usize) -> int32x4_t {
        let words = &line[32 * at + 8 * part..][..8];
        unsafe { vreinterpretq_s32_u32(vmovl_u16(vreinterpret_u16_u8(vld1_u8(words.as_ptr())))) }
    }

    #[inline(always)]
    fn halves(self, line: &[u8; LINE], at: usize, part: usize) -> float32x4_t {
        let words = &line[32 * at + 8 * part..][..8];
        widen(self, unsafe { vreinterpret_u16_u8(vld1_u8(words.as_ptr())) })
    }

    #[inline(always)]
    fn bytes(self, line: &[u8; LINE], at: usize, part: usize) -> int32x4_t {
        let bytes: [u8; 4] = std::array::from_fn(|i| line[16 * at + 4 * part + i]);
        unsafe {
            let bytes = vreinterpret_u8_u32(vdup_n_u32(u32::from_le_bytes(bytes)));
            vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))
        }
    }

    #[inline(always)]
    fn power_of_two(self, exponents: int32x4_t) -> float32x4_t {
        unsafe {
            let normal = vshlq_n_s32::<23>(vsubq_s32(exponents, vdupq_n_s32(1)));
            let denormal = vshlq_s32(vdupq_n_s32(0x0020_0000), exponents);
            let small = vcltq_s32(exponents, vdupq_n_s32(2));
            vreinterpretq_f32_s32(vbslq_s32(small, denormal, normal))
        }
    }

    #[inline(always)]
    fn as_float(self, x: int32x4_t) -> float32x4_t {
        unsafe { vreinterpretq_f32_s32(x) }
    }

    #[inline(always)]
    fn splat_float(self, x: f32) -> float32x4_t {
        unsafe { vdupq_n_f32(x) }
    }

    #[inline(always)]
    fn mul_float(self, x: float32x4_t, y: float32x4_t) -> float32x4_t {
        unsafe { vmulq_f32(x, y) }
    }

    #[inline(always)]
    fn fma(self, x: float32x4_t, y: float32x4_t, z: float32x4_t) -> float32x4_t {
        unsafe { vfmaq_f32(z, x, y) }
    }

    #[inline(always)]
    fn fnma(self, x: float32x4_t, y: float32x4_t, z: float32x4_t) -> float32x4_t {
        unsafe { vfmsq_f32(z, x, y) }
    }

    #[inline(always)]
    fn store(self, x: float32x4_t, out: &mut [f32]) {
        // All but the last rows of a matrix: no call to copy a few numbers.
        if let Some(out) = out.as_mut_array::<4>() {
            unsafe { vst1q_f32(out.as_mut_ptr(), x) }
            return;
        }
        let mut lanes = [0.0; Self::LANES];
        unsafe { vst1q_f32(lanes.as_mut_ptr(), x) }
        out.copy_from_slice(&lanes[..out.len()]);
    }
}
