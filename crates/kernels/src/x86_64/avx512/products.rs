//! Sixteen rows in one 512-bit register; four int8 products a lane in one instruction (VNNI).

use std::arch::x86_64::*;
use std::sync::atomic::{Ordering, compiler_fence};

use crate::activations::Record;
use crate::aligned::LINE;
use crate::isa::Avx512;
use crate::packed::Columns;
use crate::products::{CodeVectors, FormatType, Products, ProductsOperation};
use crate::x86_64::four_words;

/// Runs an operation, compiled for these instructions.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")]
fn enter(isa: Avx512, operation: impl ProductsOperation) {
    operation.run(isa);
}

// SAFETY (all blocks below): an `Avx512` is the proof that the processor has the instructions, and loads stay inside the
// lines that they are given; `bytes`, `words` and `halves` check theirs, and `store` writes a whole
// vector where there is room for one.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl Products for Avx512 {
    type Int = __m512i;
    type Float = __m512;
    const LANES: usize = 16;
    const STRIPS: usize = 2;

    fn enter(self, operation: impl ProductsOperation) {
        unsafe { enter(self, operation) }
    }

    #[inline(always)]
    fn load(self, line: &[u8; LINE], _: usize) -> __m512i {
        unsafe { _mm512_loadu_si512(line.as_ptr().cast()) }
    }

    #[inline(always)]
    fn put(self, x: __m512i, line: &mut [u8; LINE], _: usize) {
        unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn put_halves(self, x: __m512i, line: &mut [u8; LINE], _: usize) {
        let (first, second) = line.split_at_mut(LINE / 2);
        unsafe {
            _mm256_storeu_si256(first.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(x));
            _mm256_storeu_si256(second.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(x)));
        }
    }

    #[inline(always)]
    fn words4(self, rows: Columns<'_, 16>, _: usize) -> [__m512i; 4] {
        // Row 4i + j in quarter i of vector j; then words of the same number side by side.
        let mut quarters = [self.splat(0); 4];
        for j in 0..4 {
            unsafe {
                let low = _mm256_set_m128i(four_words(rows.row(4 + j)), four_words(rows.row(j)));
                let high = _mm256_set_m128i(four_words(rows.row(12 + j)), four_words(rows.row(8 + j)));
                quarters[j] = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
            }
        }
        let [a, b, c, d] = quarters;
        unsafe {
            let (ab, cd) = (_mm512_unpacklo_epi32(a, b), _mm512_unpacklo_epi32(c, d));
            let (ab_high, cd_high) = (_mm512_unpackhi_epi32(a, b), _mm512_unpackhi_epi32(c, d));
            [
                _mm512_unpacklo_epi64(ab, cd),
                _mm512_unpackhi_epi64(ab, cd),
                _mm512_unpacklo_epi64(ab_high, cd_high),
                _mm512_unpackhi_epi64(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    fn prefetch(self, line: &[u8; LINE], bytes: usize) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(bytes).cast()) }
    }

    #[inline(always)]
    fn in_order(self) {
        compiler_fence(Ordering::SeqCst);
    }

    #[inline(always)]
    fn splat(self, x: i32) -> __m512i {
        unsafe { _mm512_set1_epi32(x) }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], codes: __m512i) -> __m512i {
        unsafe { _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128(table.as_ptr().cast())), codes) }
    }

    #[inline(always)]
    fn and(self, x: __m512i, y: __m512i) -> __m512i {
        unsafe { _mm512_and_si512(x, y) }
    }

    #[inline(always)]
    fn or(self, x: __m512i, y: __m512i) -> __m512i {
        unsafe { _mm512_or_si512(x, y) }
    }

    #[inline(always)]
    fn xor(self, x: __m512i, y: __m512i) -> __m512i {
        unsafe { _mm512_xor_si512(x, y) }
    }

    #[inline(always)]
    fn shift_left(self, x: __m512i, bits: u32) -> __m512i {
        unsafe { _mm512_sll_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn shift_right(self, x: __m512i, bits: u32) -> __m512i {
        unsafe { _mm512_srl_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn shift_right_signed(self, x: __m512i, bits: u32) -> __m512i {
        unsafe { _mm512_sra_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn add(self, x: __m512i, y: __m512i) -> __m512i {
        unsafe { _mm512_add_epi32(x, y) }
    }

    #[inline(always)]
    fn mul(self, x: __m512i, y: __m512i) -> __m512i {
        unsafe { _mm512_mullo_epi32(x, y) }
    }

    #[inline(always)]
    fn dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [__m512i; R],
        codes: &impl CodeVectors<__m512i, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[__m512i; R]; N] {
        // Two chains are shorter than one.
        let [mut sums, others] = self.half_dots::<F, N, R>([corrections, [self.splat(0); R]], codes, x, first);
        for n in 0..N {
            for r in 0..R {
                sums[n][r] = self.add(sums[n][r], others[n][r]);
            }
        }
        sums
    }

    #[inline(always)]
    fn half_dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [[__m512i; R]; 2],
        codes: &impl CodeVectors<__m512i, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[[__m512i; R]; N]; 2] {
        let mut sums = [[corrections[0]; N], [corrections[1]; N]];
        for v in 0..8 {
            let mut inputs = [self.splat(0); R];
            for r in 0..R {
                inputs[r] = self.splat(x[r].codes4(first + v));
            }
            for n in 0..N {
                for r in 0..R {
                    sums[v / 4][n][r] = unsafe { _mm512_dpbusd_epi32(sums[v / 4][n][r], codes.get(n, v), inputs[r]) };
                }
                codes.done(n, v);
            }
        }
        sums
    }

    #[inline(always)]
    fn dot4(self, sum: __m512i, codes: __m512i, x: __m512i) -> __m512i {
        unsafe { _mm512_dpbusd_epi32(sum, codes, x) }
    }

    #[inline(always)]
    fn dot_pairs(self, sum: __m512i, x: __m512i, y: __m512i) -> __m512i {
        unsafe { _mm512_dpwssd_epi32(sum, x, y) }
    }

    #[inline(always)]
    fn to_float(self, x: __m512i) -> __m512 {
        unsafe { _mm512_cvtepi32_ps(x) }
    }

    #[inline(always)]
    fn words(self, line: &[u8; LINE], at: usize, _: usize) -> __m512i {
        let words = &line[32 * at..][..32];
        unsafe { _mm512_cvtepu16_epi32(_mm256_loadu_si256(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn halves(self, line: &[u8; LINE], at: usize, _: usize) -> __m512 {
        let words = &line[32 * at..][..32];
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn bytes(self, line: &[u8; LINE], at: usize, _: usize) -> __m512i {
        let bytes = &line[16 * at..][..16];
        unsafe { _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes.as_ptr().cast())) }
    }

    #[inline(always)]
    fn power_of_two(self, exponents: __m512i) -> __m512 {
        unsafe {
            let normal = _mm512_slli_epi32::<23>(_mm512_sub_epi32(exponents, _mm512_set1_epi32(1)));
            let denormal = _mm512_sllv_epi32(_mm512_set1_epi32(0x0020_0000), exponents);
            let small = _mm512_cmplt_epi32_mask(exponents, _mm512_set1_epi32(2));
            _mm512_castsi512_ps(_mm512_mask_blend_epi32(small, normal, denormal))
        }
    }

    #[inline(always)]
    fn as_float(self, x: __m512i) -> __m512 {
        unsafe { _mm512_castsi512_ps(x) }
    }

    #[inline(always)]
    fn splat_float(self, x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn mul_float(self, x: __m512, y: __m512) -> __m512 {
        unsafe { _mm512_mul_ps(x, y) }
    }

    #[inline(always)]
    fn fma(self, x: __m512, y: __m512, z: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn fnma(self, x: __m512, y: __m512, z: __m512) -> __m512 {
        unsafe { _mm512_fnmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn store(self, x: __m512, out: &mut [f32]) {
        // All but the last rows of a matrix: no call to copy a few numbers.
        if let Some(out) = out.as_mut_array::<16>() {
            unsafe { _mm512_storeu_ps(out.as_mut_ptr(), x) }
            return;
        }
        let mut lanes = [0.0; Self::LANES];
        unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), x) }
        out.copy_from_slice(&lanes[..out.len()]);
    }
}
