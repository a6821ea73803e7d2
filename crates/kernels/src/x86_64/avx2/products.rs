//! Eight rows in one 256-bit register, with int8 dot products (AVX-VNNI) or without.
//!
//! Without them, the byte product (`vpmaddubsw`) adds two products of an unsigned and a signed byte into 16 bits and
//! saturates there, so how many may be added up before they are widened depends on the largest code.

use std::arch::asm;
use std::arch::x86_64::*;

use crate::activations::Record;
use crate::aligned::LINE;
use crate::isa::{Avx2, AvxVnni};
use crate::packed::Columns;
use crate::products::{
    CodeVectors, FOUR, FormatType, MAX_UNSCALED, Products, ProductsOperation, Two, Unscaled, is_full_range,
    is_summed_in_pairs, num_unscaled, pairs_at_once, scale_dots, unrolled, unscaled_dots,
};
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

/// The same, as far as the compiler can tell another number: sums are not reordered across it.
#[inline]
#[target_feature(enable = "avx2")]
fn opaque(mut x: __m256i) -> __m256i {
    // SAFETY: no instruction at all.
    unsafe { asm!("/* {0} */", inout(ymm_reg) x, options(pure, nomem, nostack, preserves_flags)) };
    x
}

/// For each [`Two`], the order that puts its bytes into the upper halves of the two i16 of a lane.
static UPPER_BYTES: [[i8; 16]; 6] = {
    let mut orders = [[-1; 16]; 6];
    let mut two = 0;
    while two < 6 {
        let mut lane = 0;
        while lane < 4 {
            orders[two][4 * lane + 1] = (4 * lane) as i8 + Two::ALL[two].bytes()[0] as i8;
            orders[two][4 * lane + 3] = (4 * lane) as i8 + Two::ALL[two].bytes()[1] as i8;
            lane += 1;
        }
        two += 1;
    }
    orders
};

// SAFETY (all blocks below): the `Avx2` inside is the proof that the processor has the instructions; with `DOTS` it was inside an
// `AvxVnni`, which is the proof for int8 dot products.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl<const DOTS: bool> EightRows<DOTS> {
    /// Adds `Σ factor · codes · x` over `LEN` code vectors from `from` on; factors are two equal i16 a lane. With `DOTS` they are ones, and not
    /// looked at.
    #[inline(always)]
    fn add_dots<F: FormatType, const LEN: usize, const N: usize, const R: usize>(
        self,
        sums: &mut [[__m256i; R]; N],
        factors: [__m256i; N],
        codes: &impl CodeVectors<__m256i, N>,
        from: usize,
        x: [&Record<'_>; R],
        first: usize,
    ) {
        match DOTS {
            true => self.add_whole_dots::<LEN, N, R>(sums, codes, from, x, first),
            false => self.add_pairs::<F, LEN, N, R>(sums, factors, codes, from, x, first),
        }
    }

    #[inline(always)]
    fn add_whole_dots<const LEN: usize, const N: usize, const R: usize>(
        self,
        sums: &mut [[__m256i; R]; N],
        codes: &impl CodeVectors<__m256i, N>,
        from: usize,
        x: [&Record<'_>; R],
        first: usize,
    ) {
        unrolled!(v in 0..LEN, {
            for n in 0..N {
                for r in 0..R {
                    let x = self.splat(x[r].codes4(first + v));
                    sums[n][r] = unsafe { _mm256_dpbusd_avx_epi32(sums[n][r], codes.get(n, from + v), x) };
                }
                codes.done(n, from + v);
            }
        });
    }

    #[inline(always)]
    fn add_pairs<F: FormatType, const LEN: usize, const N: usize, const R: usize>(
        self,
        sums: &mut [[__m256i; R]; N],
        factors: [__m256i; N],
        codes: &impl CodeVectors<__m256i, N>,
        from: usize,
        x: [&Record<'_>; R],
        first: usize,
    ) {
        // Left to itself the compiler adds up products before sums, and has no registers for as many. (Four at a time or fewer are no
        // faster in order.)
        let in_order = const { R > 1 && LEN == 8 && pairs_at_once(F::FORMAT) >= LEN };
        for begin in (0..LEN).step_by(const { pairs_at_once(F::FORMAT) }) {
            let end = LEN.min(begin + const { pairs_at_once(F::FORMAT) });
            let mut pairs = [[self.splat(0); R]; N];
            for v in begin..end {
                let mut weights = [self.splat(0); N];
                for n in 0..N {
                    weights[n] = codes.get(n, from + v);
                }
                for r in 0..R {
                    let x = self.splat(x[r].codes4(first + v));
                    for n in 0..N {
                        let product = self.pairs::<F>(weights[n], x);
                        let sum = if v == begin { product } else { unsafe { _mm256_add_epi16(pairs[n][r], product) } };
                        let sum = if in_order { unsafe { opaque(sum) } } else { sum };
                        pairs[n][r] = sum;
                        if v + 1 == end {
                            sums[n][r] = self.dot_pairs(sums[n][r], sum, factors[n]);
                        }
                    }
                }
                for n in 0..N {
                    codes.done(n, from + v);
                }
            }
        }
    }

    /// Pairs of products, 16 bits each. Of signed codes, magnitudes times inputs with the codes' signs: 2 · 128 · 127 fits into 16 bits, and
    /// inputs are never -128.
    #[inline(always)]
    fn pairs<F: FormatType>(self, codes: __m256i, x: __m256i) -> __m256i {
        match const { is_full_range(F::FORMAT) } {
            true => unsafe { _mm256_maddubs_epi16(_mm256_abs_epi8(codes), _mm256_sign_epi8(x, codes)) },
            false => unsafe { _mm256_maddubs_epi16(codes, x) },
        }
    }

    /// What sums of products begin with: signed codes have no offset.
    #[inline(always)]
    fn begin<F: FormatType, const N: usize, const R: usize>(self, corrections: [__m256i; R]) -> [[__m256i; R]; N] {
        [if Self::is_signed::<F>() { [self.splat(0); R] } else { corrections }; N]
    }

    /// Whether codes of this format are multiplied signed.
    #[inline(always)]
    fn is_signed<F: FormatType>() -> bool {
        !DOTS && const { is_full_range(F::FORMAT) }
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
    const STRIPS: usize = if DOTS { 1 } else { 2 };
    const ROWS: usize = if DOTS { 1 } else { FOUR };
    const NARROW_SCALES: bool = !DOTS;

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
    fn as_multiplied<F: FormatType>(self, codes: __m256i) -> __m256i {
        match Self::is_signed::<F>() {
            true => self.xor(codes, self.splat(0x8080_8080_u32 as i32)),
            false => codes,
        }
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
    fn dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [__m256i; R],
        codes: &impl CodeVectors<__m256i, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[__m256i; R]; N] {
        let mut sums = self.begin::<F, N, R>(corrections);
        self.add_dots::<F, 8, N, R>(&mut sums, [self.splat(0x0001_0001); N], codes, 0, x, first);
        sums
    }

    #[inline(always)]
    fn half_dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [[__m256i; R]; 2],
        codes: &impl CodeVectors<__m256i, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[[__m256i; R]; N]; 2] {
        let mut sums = [self.begin::<F, N, R>(corrections[0]), self.begin::<F, N, R>(corrections[1])];
        let ones = [self.splat(0x0001_0001); N];
        self.add_dots::<F, 4, N, R>(&mut sums[0], ones, codes, 0, x, first);
        self.add_dots::<F, 4, N, R>(&mut sums[1], ones, codes, 4, x, first + 4);
        sums
    }

    #[inline(always)]
    fn scaled_dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [[__m256i; R]; 2],
        codes: &impl CodeVectors<__m256i, N>,
        scales: &[[__m256i; 2]; N],
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[__m256i; R]; N] {
        if !Self::NARROW_SCALES {
            return scale_dots::<Self, F, N, R>(self, corrections, codes, scales, x, first);
        }
        let mut factors = [[self.splat(0); N]; 2];
        for n in 0..N {
            factors[0][n] = scales[n][0];
            factors[1][n] = scales[n][1];
        }
        let mut sums = [[self.splat(0); R]; N];
        if F::FORMAT.sub_block() == 32 {
            self.add_dots::<F, 8, N, R>(&mut sums, factors[0], codes, 0, x, first);
        } else {
            self.add_dots::<F, 4, N, R>(&mut sums, factors[0], codes, 0, x, first);
            self.add_dots::<F, 4, N, R>(&mut sums, factors[1], codes, 4, x, first + 4);
        }
        sums
    }

    #[inline(always)]
    fn unscaled_dots<F: FormatType, const N: usize>(
        self,
        corrections: [__m256i; 2],
        codes: &impl CodeVectors<__m256i, N>,
        x: &Record<'_>,
        first: usize,
    ) -> [Unscaled<__m256i>; N] {
        if !(Self::NARROW_SCALES && const { is_summed_in_pairs(F::FORMAT) }) {
            return unscaled_dots::<Self, F, N>(self, corrections, codes, x, first);
        }
        let each = 8 / const { num_unscaled::<Self, F>() };
        let mut sums = [[self.splat(0); MAX_UNSCALED]; N];
        for v in 0..8 {
            let x = self.splat(x.codes4(first + v));
            for n in 0..N {
                let (product, sum) = (self.pairs::<F>(codes.get(n, v), x), &mut sums[n][v / each]);
                *sum = if v % each == 0 { product } else { unsafe { _mm256_add_epi16(*sum, product) } };
            }
        }
        sums
    }

    #[inline(always)]
    fn add_scaled<F: FormatType>(self, total: __m256i, sum: __m256i, scale: __m256i) -> __m256i {
        match (Self::NARROW_SCALES, const { is_summed_in_pairs(F::FORMAT) }) {
            (true, true) => self.dot_pairs(total, sum, scale),
            (true, false) => self.add(total, self.mul(sum, self.shift_right_signed(scale, 16))),
            (false, _) => self.add(total, self.mul(sum, scale)),
        }
    }

    #[inline(always)]
    fn two_bytes(self, bytes: __m256i, two: Two, bits: u32) -> __m256i {
        // Each into the upper byte of its 16 bits, and from there to where its sign goes.
        unsafe {
            let order = _mm_loadu_si128(UPPER_BYTES[two as usize].as_ptr().cast());
            let halves = _mm256_shuffle_epi8(bytes, _mm256_broadcastsi128_si256(order));
            let halves = _mm256_sll_epi16(halves, _mm_cvtsi32_si128(8 - bits as i32));
            _mm256_sra_epi16(halves, _mm_cvtsi32_si128(16 - bits as i32))
        }
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
