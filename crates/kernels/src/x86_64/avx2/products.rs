//! Eight rows in one 256-bit register, with int8 dot products (AVX-VNNI) or without.
//!
//! Without them, the byte product (`vpmaddubsw`) adds two products of an unsigned and a signed byte into 16 bits and
//! saturates there, so how many may be added up before they are widened depends on the largest code.

use std::arch::x86_64::*;

use crate::activations::Record;
use crate::aligned::LINE;
use crate::isa::{Avx2, AvxVnni};
use crate::packed::Columns;
use crate::products::{CodeVectors, FormatType, Products, ProductsOperation, largest_code};
use crate::x86_64::four_words;

/// The vectors of [`Avx2`]; with `DOTS`, the processor has the int8 dot products of [`AvxVnni`] too.
#[derive(Clone, Copy)]
pub(crate) struct EightRows<const DOTS: bool>(Avx2);

impl EightRows<false> {
    pub(crate) fn of(isa: Avx2) -> Self {
        Self(isa)
    }
}

impl EightRows<true> {
    pub(crate) fn with_dots(isa: AvxVnni) -> Self {
        Self(isa.avx2())
    }
}

/// Runs an operation, compiled for these instructions.
#[target_feature(enable = "avx2,fma,f16c")]
fn enter<const DOTS: bool>(rows: EightRows<DOTS>, operation: impl ProductsOperation) {
    operation.run(rows);
}

/// Runs an operation, compiled for these instructions and int8 dot products.
#[target_feature(enable = "avx2,fma,f16c,avxvnni")]
fn enter_with_dots<const DOTS: bool>(rows: EightRows<DOTS>, operation: impl ProductsOperation) {
    operation.run(rows);
}

/// The code vectors of strip `strip` from vector `from` on.
struct StripCodes<'a, C, const N: usize> {
    all: &'a C,
    strip: usize,
    from: usize,
}

impl<C: CodeVectors<__m256i, N>, const N: usize> StripCodes<'_, C, N> {
    #[inline(always)]
    fn get(&self, v: usize) -> __m256i {
        self.all.get(self.strip, self.from + v)
    }

    #[inline(always)]
    fn done(&self, v: usize) {
        self.all.done(self.strip, self.from + v);
    }
}

impl<const DOTS: bool> EightRows<DOTS> {
    /// `sum + Σ (codes - offset) · x` over `LEN` code vectors.
    #[inline(always)]
    fn dot<F: FormatType, const LEN: usize, const N: usize>(
        self,
        correction: __m256i,
        codes: &StripCodes<'_, impl CodeVectors<__m256i, N>, N>,
        x: &Record<'_>,
        first: usize,
    ) -> __m256i {
        if DOTS {
            return self.dot_of_unsigned::<LEN, N>(correction, codes, x, first);
        }
        // Pairs of products of at most 127 · largest each, as many as 16 bits hold.
        let at_once = const { (32767 / (2 * 127 * largest_code(F::FORMAT))) as usize };
        if at_once == 0 {
            return self.dot_of_signed::<LEN, N>(codes, x, first);
        }
        let (mut sum, mut pairs) = (correction, self.splat(0));
        for v in 0..LEN {
            let product = self.pairs(codes.get(v), x, first + v);
            codes.done(v);
            // SAFETY: the `Avx2` inside is the proof that the processor has the instructions.
            pairs = if v % at_once == 0 { product } else { unsafe { _mm256_add_epi16(pairs, product) } };
            if v + 1 == LEN || (v + 1) % at_once == 0 {
                sum = self.dot_pairs(sum, pairs, self.splat(0x0001_0001));
            }
        }
        sum
    }

    #[inline(always)]
    fn dot_of_unsigned<const LEN: usize, const N: usize>(
        self,
        correction: __m256i,
        codes: &StripCodes<'_, impl CodeVectors<__m256i, N>, N>,
        x: &Record<'_>,
        first: usize,
    ) -> __m256i {
        let mut sum = correction;
        for v in 0..LEN {
            // SAFETY: `EightRows` with `DOTS` is made of an `AvxVnni`, the proof that the processor has the instruction.
            sum = unsafe { _mm256_dpbusd_avx_epi32(sum, codes.get(v), self.splat(x.codes4(first + v))) };
            codes.done(v);
        }
        sum
    }

    #[inline(always)]
    fn pairs(self, codes: __m256i, x: &Record<'_>, i: usize) -> __m256i {
        // SAFETY: the `Avx2` inside is the proof that the processor has the instructions.
        unsafe { _mm256_maddubs_epi16(codes, self.splat(x.codes4(i))) }
    }

    /// Codes of the full range, 128 above the integers: magnitudes of weights times inputs with the weights' signs. 2 · 128 · 127
    /// fits into 16 bits, and inputs are never -128.
    #[inline(always)]
    fn dot_of_signed<const LEN: usize, const N: usize>(
        self,
        codes: &StripCodes<'_, impl CodeVectors<__m256i, N>, N>,
        x: &Record<'_>,
        first: usize,
    ) -> __m256i {
        let mut sum = self.splat(0);
        for v in 0..LEN {
            // SAFETY: the `Avx2` inside is the proof that the processor has the instructions.
            unsafe {
                let weights = _mm256_xor_si256(codes.get(v), _mm256_set1_epi8(-128));
                let x = _mm256_sign_epi8(self.splat(x.codes4(first + v)), weights);
                let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), x);
                sum = self.dot_pairs(sum, pairs, self.splat(0x0001_0001));
            }
            codes.done(v);
        }
        sum
    }
}

// SAFETY (all blocks below): the `Avx2` inside is the proof that the processor has the instructions, and loads stay inside the lines
// that they are given; `load`, `bytes`, `words` and `halves` check theirs, and `store` writes a whole
// vector where there is room for one.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl<const DOTS: bool> Products for EightRows<DOTS> {
    type Int = __m256i;
    type Float = __m256;
    const LANES: usize = 8;
    const STRIPS: usize = 1;

    fn enter(self, operation: impl ProductsOperation) {
        match DOTS {
            true => unsafe { enter_with_dots(self, operation) },
            false => unsafe { enter(self, operation) },
        }
    }

    #[inline(always)]
    fn load(self, line: &[u8; LINE], part: usize) -> __m256i {
        let bytes = &line[32 * part..][..32];
        unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) }
    }

    #[inline(always)]
    fn put(self, x: __m256i, line: &mut [u8; LINE], part: usize) {
        let bytes = &mut line[32 * part..][..32];
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn put_halves(self, x: __m256i, line: &mut [u8; LINE], part: usize) {
        let (first, second) = line.split_at_mut(LINE / 2);
        let (first, second) = (&mut first[16 * part..][..16], &mut second[16 * part..][..16]);
        // Of each 128 bits the low halves, then the high ones; then all low and all high ones.
        unsafe {
            let order = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
            let halves = _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(order));
            let halves = _mm256_permute4x64_epi64::<0b11_01_10_00>(halves);
            _mm_storeu_si128(first.as_mut_ptr().cast(), _mm256_castsi256_si128(halves));
            _mm_storeu_si128(second.as_mut_ptr().cast(), _mm256_extracti128_si256::<1>(halves));
        }
    }

    #[inline(always)]
    fn words4(self, rows: Columns<'_, 16>, part: usize) -> [__m256i; 4] {
        // Rows j and 4 + j in the halves of vector j; then words of the same number side by side.
        let mut halves = [self.splat(0); 4];
        for j in 0..4 {
            let (low, high) = (four_words(rows.row(8 * part + j)), four_words(rows.row(8 * part + 4 + j)));
            halves[j] = unsafe { _mm256_set_m128i(high, low) };
        }
        let [a, b, c, d] = halves;
        unsafe {
            let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
            let (ab_high, cd_high) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
            [
                _mm256_unpacklo_epi64(ab, cd),
                _mm256_unpackhi_epi64(ab, cd),
                _mm256_unpacklo_epi64(ab_high, cd_high),
                _mm256_unpackhi_epi64(ab_high, cd_high),
            ]
        }
    }

    #[inline(always)]
    fn prefetch(self, line: &[u8; LINE], bytes: usize) {
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().wrapping_add(bytes).cast()) }
    }

    #[inline(always)]
    fn splat(self, x: i32) -> __m256i {
        unsafe { _mm256_set1_epi32(x) }
    }

    #[inline(always)]
    fn look_up(self, table: &[u8; 16], codes: __m256i) -> __m256i {
        unsafe { _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(table.as_ptr().cast())), codes) }
    }

    #[inline(always)]
    fn and(self, x: __m256i, y: __m256i) -> __m256i {
        unsafe { _mm256_and_si256(x, y) }
    }

    #[inline(always)]
    fn or(self, x: __m256i, y: __m256i) -> __m256i {
        unsafe { _mm256_or_si256(x, y) }
    }

    #[inline(always)]
    fn xor(self, x: __m256i, y: __m256i) -> __m256i {
        unsafe { _mm256_xor_si256(x, y) }
    }

    #[inline(always)]
    fn shift_left(self, x: __m256i, bits: u32) -> __m256i {
        unsafe { _mm256_sll_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn shift_right(self, x: __m256i, bits: u32) -> __m256i {
        unsafe { _mm256_srl_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn shift_right_signed(self, x: __m256i, bits: u32) -> __m256i {
        unsafe { _mm256_sra_epi32(x, _mm_cvtsi32_si128(bits as i32)) }
    }

    #[inline(always)]
    fn add(self, x: __m256i, y: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(x, y) }
    }

    #[inline(always)]
    fn mul(self, x: __m256i, y: __m256i) -> __m256i {
        unsafe { _mm256_mullo_epi32(x, y) }
    }

    #[inline(always)]
    fn dots<F: FormatType, const N: usize>(
        self,
        corrections: [__m256i; N],
        codes: &impl CodeVectors<__m256i, N>,
        x: &Record<'_>,
        first: usize,
    ) -> [__m256i; N] {
        let mut sums = corrections;
        for n in 0..N {
            let codes = StripCodes { all: codes, strip: n, from: 0 };
            sums[n] = self.dot::<F, 8, N>(corrections[n], &codes, x, first);
        }
        sums
    }

    #[inline(always)]
    fn half_dots<F: FormatType, const N: usize>(
        self,
        corrections: [[__m256i; N]; 2],
        codes: &impl CodeVectors<__m256i, N>,
        x: &Record<'_>,
        first: usize,
    ) -> [[__m256i; N]; 2] {
        let mut sums = corrections;
        for n in 0..N {
            let (low, high) =
                (StripCodes { all: codes, strip: n, from: 0 }, StripCodes { all: codes, strip: n, from: 4 });
            sums[0][n] = self.dot::<F, 4, N>(corrections[0][n], &low, x, first);
            sums[1][n] = self.dot::<F, 4, N>(corrections[1][n], &high, x, first + 4);
        }
        sums
    }

    #[inline(always)]
    fn dot4(self, sum: __m256i, codes: __m256i, x: __m256i) -> __m256i {
        if DOTS {
            return unsafe { _mm256_dpbusd_avx_epi32(sum, codes, x) };
        }
        self.dot_pairs(sum, unsafe { _mm256_maddubs_epi16(codes, x) }, self.splat(0x0001_0001))
    }

    #[inline(always)]
    fn dot_pairs(self, sum: __m256i, x: __m256i, y: __m256i) -> __m256i {
        unsafe { _mm256_add_epi32(sum, _mm256_madd_epi16(x, y)) }
    }

    #[inline(always)]
    fn to_float(self, x: __m256i) -> __m256 {
        unsafe { _mm256_cvtepi32_ps(x) }
    }

    #[inline(always)]
    fn words(self, line: &[u8; LINE], at: usize, part: usize) -> __m256i {
        let words = &line[32 * at + 16 * part..][..16];
        unsafe { _mm256_cvtepu16_epi32(_mm_loadu_si128(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn halves(self, line: &[u8; LINE], at: usize, part: usize) -> __m256 {
        let words = &line[32 * at + 16 * part..][..16];
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(words.as_ptr().cast())) }
    }

    #[inline(always)]
    fn bytes(self, line: &[u8; LINE], at: usize, part: usize) -> __m256i {
        let bytes = &line[16 * at + 8 * part..][..8];
        unsafe { _mm256_cvtepu8_epi32(_mm_loadl_epi64(bytes.as_ptr().cast())) }
    }

    #[inline(always)]
    fn power_of_two(self, exponents: __m256i) -> __m256 {
        unsafe {
            let normal = _mm256_slli_epi32::<23>(_mm256_sub_epi32(exponents, _mm256_set1_epi32(1)));
            let denormal = _mm256_sllv_epi32(_mm256_set1_epi32(0x0020_0000), exponents);
            let small = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), exponents);
            _mm256_castsi256_ps(_mm256_blendv_epi8(normal, denormal, small))
        }
    }

    #[inline(always)]
    fn as_float(self, x: __m256i) -> __m256 {
        unsafe { _mm256_castsi256_ps(x) }
    }

    #[inline(always)]
    fn splat_float(self, x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    fn mul_float(self, x: __m256, y: __m256) -> __m256 {
        unsafe { _mm256_mul_ps(x, y) }
    }

    #[inline(always)]
    fn fma(self, x: __m256, y: __m256, z: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn fnma(self, x: __m256, y: __m256, z: __m256) -> __m256 {
        unsafe { _mm256_fnmadd_ps(x, y, z) }
    }

    #[inline(always)]
    fn store(self, x: __m256, out: &mut [f32]) {
        // All but the last rows of a matrix: no call to copy a few numbers.
        if let Some(out) = out.as_mut_array::<8>() {
            unsafe { _mm256_storeu_ps(out.as_mut_ptr(), x) }
            return;
        }
        let mut lanes = [0.0; 8];
        unsafe { _mm256_storeu_ps(lanes.as_mut_ptr(), x) }
        out.copy_from_slice(&lanes[..out.len()]);
    }
}
