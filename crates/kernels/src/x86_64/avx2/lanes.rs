//! Sixteen lanes in two 256-bit registers.

use std::arch::asm;
use std::arch::x86_64::*;

use crate::isa::Avx2;
use crate::lanes::{LANES, Lanes};

/// Lanes 0 to 7 and 8 to 15.
type Halves = (__m256, __m256);

// SAFETY (all blocks below): an `Avx2` is the proof that the processor has the instructions, and loads and stores stay
// inside the arrays that they are given.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl Lanes for Avx2 {
    type Vector = Halves;
    type Part = __m256;
    const PARTS: usize = 2;
    const TILE: &'static [usize] = &[8, 4, 3, 3, 2, 2];

    #[inline(always)]
    fn prefetch<T>(self, place: *const T) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Halves {
        let half = unsafe { _mm256_set1_ps(x) };
        (half, half)
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Halves {
        unsafe { (_mm256_loadu_ps(x.as_ptr()), _mm256_loadu_ps(x.as_ptr().add(8))) }
    }

    #[inline(always)]
    fn store(self, x: Halves, out: &mut [f32; LANES]) {
        unsafe {
            _mm256_storeu_ps(out.as_mut_ptr(), x.0);
            _mm256_storeu_ps(out.as_mut_ptr().add(8), x.1);
        }
    }

    #[inline(always)]
    fn load_f16(self, x: &[u16; LANES]) -> Halves {
        unsafe {
            let low = _mm_loadu_si128(x.as_ptr().cast());
            let high = _mm_loadu_si128(x.as_ptr().add(8).cast());
            (_mm256_cvtph_ps(low), _mm256_cvtph_ps(high))
        }
    }

    #[inline(always)]
    fn store_f16(self, x: Halves, out: &mut [u16; LANES]) {
        unsafe {
            let (low, high) = (_mm256_cvtps_ph::<NEAREST>(x.0), _mm256_cvtps_ph::<NEAREST>(x.1));
            _mm_storeu_si128(out.as_mut_ptr().cast(), low);
            _mm_storeu_si128(out.as_mut_ptr().add(8).cast(), high);
        }
    }

    #[inline(always)]
    fn splat_part(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load_part_at(self, x: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(x) }
    }

    #[inline(always)]
    unsafe fn load_part_at_f16(self, x: *const u16) -> __m256 {
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(x.cast())) }
    }

    #[inline(always)]
    unsafe fn store_part_at(self, x: __m256, out: *mut f32) {
        unsafe { _mm256_storeu_ps(out, x) }
    }

    #[inline(always)]
    fn fma_part(self, x: __m256, y: __m256, z: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(x, y, z) }
    }

    #[inline(always)]
    unsafe fn add_products<const R: usize, const V: usize>(
        self,
        x: *const f32,
        stride: usize,
        y: &[__m256; V],
        sums: &mut [[__m256; V]; R],
    ) {
        if let (Some(y), Some(rows)) = (y.first_chunk(), sums.first_chunk_mut::<4>())
            && (R, V) == (4, 3)
        {
            let rows = rows.each_mut().map(|row| row.first_chunk_mut().expect("three sums"));
            return unsafe { add_four_by_three(x, stride, y, rows) };
        }
        for r in 0..R {
            let x = self.splat_part(unsafe { *x.add(stride * r) });
            for v in 0..V {
                sums[r][v] = self.fma_part(x, y[v], sums[r][v]);
            }
        }
    }

    #[inline(always)]
    fn add(self, x: Halves, y: Halves) -> Halves {
        unsafe { (_mm256_add_ps(x.0, y.0), _mm256_add_ps(x.1, y.1)) }
    }

    #[inline(always)]
    fn sub(self, x: Halves, y: Halves) -> Halves {
        unsafe { (_mm256_sub_ps(x.0, y.0), _mm256_sub_ps(x.1, y.1)) }
    }

    #[inline(always)]
    fn mul(self, x: Halves, y: Halves) -> Halves {
        unsafe { (_mm256_mul_ps(x.0, y.0), _mm256_mul_ps(x.1, y.1)) }
    }

    #[inline(always)]
    fn div(self, x: Halves, y: Halves) -> Halves {
        unsafe { (_mm256_div_ps(x.0, y.0), _mm256_div_ps(x.1, y.1)) }
    }

    #[inline(always)]
    fn fma(self, x: Halves, y: Halves, z: Halves) -> Halves {
        unsafe { (_mm256_fmadd_ps(x.0, y.0, z.0), _mm256_fmadd_ps(x.1, y.1, z.1)) }
    }

    #[inline(always)]
    fn max(self, x: Halves, y: Halves) -> Halves {
        unsafe { (_mm256_max_ps(x.0, y.0), _mm256_max_ps(x.1, y.1)) }
    }

    #[inline(always)]
    fn where_less(self, x: Halves, y: Halves, then: Halves, otherwise: Halves) -> Halves {
        unsafe {
            let (low, high) = (_mm256_cmp_ps::<_CMP_LT_OQ>(x.0, y.0), _mm256_cmp_ps::<_CMP_LT_OQ>(x.1, y.1));
            (_mm256_blendv_ps(otherwise.0, then.0, low), _mm256_blendv_ps(otherwise.1, then.1, high))
        }
    }

    #[inline(always)]
    fn scale_by_power(self, x: Halves, n: Halves) -> Halves {
        (scale_by_power(self, x.0, n.0), scale_by_power(self, x.1, n.1))
    }

    #[inline(always)]
    fn scale_by_small_power(self, x: Halves, n: Halves) -> Halves {
        (scale_by_small_power(self, x.0, n.0), scale_by_small_power(self, x.1, n.1))
    }

    #[inline(always)]
    fn swap_pairs(self, x: Halves) -> Halves {
        unsafe { (_mm256_permute_ps::<0b10_11_00_01>(x.0), _mm256_permute_ps::<0b10_11_00_01>(x.1)) }
    }

    #[inline(always)]
    fn load_twice(self, x: &[f32; LANES / 2]) -> Halves {
        unsafe {
            let x = _mm256_loadu_ps(x.as_ptr());
            let low = _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
            let high = _mm256_permutevar8x32_ps(x, _mm256_setr_epi32(4, 4, 5, 5, 6, 6, 7, 7));
            (low, high)
        }
    }
}

/// [`Lanes::add_products`]. Twelve sums, three parts and one number are all registers there are, and compilers keep some of them in
/// memory when they may load the numbers earlier.
///
/// # Safety
/// `x` begins at least `stride · 3 + 1` numbers.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn add_four_by_three(x: *const f32, stride: usize, y: &[__m256; 3], sums: [&mut [__m256; 3]; 4]) {
    let [[s0, s1, s2], [s3, s4, s5], [s6, s7, s8], [s9, s10, s11]] = sums;
    // SAFETY: the numbers are there.
    unsafe {
        asm!(
            "vbroadcastss {x}, dword ptr [{row}]",
            "vfmadd231ps {s0}, {x}, {y0}",
            "vfmadd231ps {s1}, {x}, {y1}",
            "vfmadd231ps {s2}, {x}, {y2}",
            "vbroadcastss {x}, dword ptr [{row} + 4*{stride}]",
            "vfmadd231ps {s3}, {x}, {y0}",
            "vfmadd231ps {s4}, {x}, {y1}",
            "vfmadd231ps {s5}, {x}, {y2}",
            "vbroadcastss {x}, dword ptr [{row} + 8*{stride}]",
            "vfmadd231ps {s6}, {x}, {y0}",
            "vfmadd231ps {s7}, {x}, {y1}",
            "vfmadd231ps {s8}, {x}, {y2}",
            "vbroadcastss {x}, dword ptr [{row} + 4*{three}]",
            "vfmadd231ps {s9}, {x}, {y0}",
            "vfmadd231ps {s10}, {x}, {y1}",
            "vfmadd231ps {s11}, {x}, {y2}",
            x = out(ymm_reg) _,
            row = in(reg) x,
            stride = in(reg) stride,
            three = in(reg) 3 * stride,
            y0 = in(ymm_reg) y[0],
            y1 = in(ymm_reg) y[1],
            y2 = in(ymm_reg) y[2],
            s0 = inout(ymm_reg) *s0,
            s1 = inout(ymm_reg) *s1,
            s2 = inout(ymm_reg) *s2,
            s3 = inout(ymm_reg) *s3,
            s4 = inout(ymm_reg) *s4,
            s5 = inout(ymm_reg) *s5,
            s6 = inout(ymm_reg) *s6,
            s7 = inout(ymm_reg) *s7,
            s8 = inout(ymm_reg) *s8,
            s9 = inout(ymm_reg) *s9,
            s10 = inout(ymm_reg) *s10,
            s11 = inout(ymm_reg) *s11,
            options(pure, readonly, nostack, preserves_flags)
        );
    }
}

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT;

/// `x · 2ⁿ` in two steps, because 2¹²⁸ is not a number: by `2^⌊n/2⌋`, exactly, and by the rest.
#[inline(always)]
fn scale_by_power(_isa: Avx2, x: __m256, n: __m256) -> __m256 {
    // SAFETY: `_isa` is the proof that the processor has the instructions.
    unsafe {
        let n = _mm256_cvtps_epi32(n);
        let half = _mm256_srai_epi32::<1>(n);
        let bias = _mm256_set1_epi32(127);
        let first = _mm256_slli_epi32::<23>(_mm256_add_epi32(half, bias));
        let rest = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_sub_epi32(n, half), bias));
        _mm256_mul_ps(_mm256_mul_ps(x, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(rest))
    }
}

/// `x · 2ⁿ` for `n` from -126 to 0.
#[inline(always)]
fn scale_by_small_power(_isa: Avx2, x: __m256, n: __m256) -> __m256 {
    // SAFETY: `_isa` is the proof that the processor has the instructions.
    unsafe {
        let power = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
        _mm256_mul_ps(x, _mm256_castsi256_ps(power))
    }
}
