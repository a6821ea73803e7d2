//! Sixteen lanes in one 512-bit register.

use std::arch::x86_64::*;

use crate::isa::Avx512;
use crate::lanes::{LANES, Lanes, part_is_vector};

// SAFETY (all blocks below): an `Avx512` is the proof that the processor has the instructions, and loads and stores
// stay inside the arrays that they are given.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl Lanes for Avx512 {
    type Vector = __m512;
    const TILE: &'static [usize] = &[8, 8, 4, 4, 2, 2, 2, 2];

    part_is_vector!();

    #[inline(always)]
    fn prefetch<T>(self, place: *const T) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> __m512 {
        unsafe { _mm512_loadu_ps(x.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, x: __m512, out: &mut [f32; LANES]) {
        unsafe { _mm512_storeu_ps(out.as_mut_ptr(), x) }
    }

    #[inline(always)]
    fn load_f16(self, x: &[u16; LANES]) -> __m512 {
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(x.as_ptr().cast())) }
    }

    #[inline(always)]
    fn store_f16(self, x: __m512, out: &mut [u16; LANES]) {
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), _mm512_cvtps_ph::<_MM_FROUND_TO_NEAREST_INT>(x)) }
    }

    #[inline(always)]
    fn add(self, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_add_ps(x, y) }
    }

    #[inline(always)]
    fn sub(self, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_sub_ps(x, y) }
    }

    #[inline(always)]
    fn mul(self, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(x, y) }
    }

    #[inline(always)]
    fn div(self, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_div_ps(x, y) }
    }

    #[inline(always)]
    fn fma(self, x: __m512, y: __m512, z: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn max(self, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_max_ps(x, y) }
    }

    #[inline(always)]
    fn where_less(self, x: __m512, y: __m512, then: __m512, otherwise: __m512) -> __m512 {
        unsafe { _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(x, y), otherwise, then) }
    }

    #[inline(always)]
    fn scale_by_power(self, x: __m512, n: __m512) -> __m512 {
        unsafe { _mm512_scalef_ps(x, n) }
    }

    #[inline(always)]
    fn swap_pairs(self, x: __m512) -> __m512 {
        unsafe { _mm512_permute_ps::<0b10_11_00_01>(x) }
    }

    #[inline(always)]
    fn load_twice(self, x: &[f32; LANES / 2]) -> __m512 {
        unsafe {
            let twice = _mm512_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
            _mm512_permutexvar_ps(twice, _mm512_castps256_ps512(_mm256_loadu_ps(x.as_ptr())))
        }
    }
}
