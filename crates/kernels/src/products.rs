//! Vectors of int8 products and f32 sums, one lane an output row: what the linear kernels are written in.
//!
//! `vector/linear` says once, over [`Products`], how packed weights are multiplied; an instruction set gives the vectors.
//! A type that implements `Products` is a processor feature as a value, as in [`crate::lanes`], and the same rule holds:
//! everything between an instruction set's entry and these functions is `#[inline(always)]`.

use quant::Format;

use crate::Isa;
use crate::activations::Record;
use crate::aligned::LINE;
use crate::packed::Columns;
#[cfg(target_arch = "x86_64")]
use crate::x86_64;

/// A format as a type, so that a kernel is compiled for each format.
pub(crate) trait FormatType: Copy {
    /// The format.
    const FORMAT: Format;
}

/// The block formats as types.
pub(crate) mod formats {
    use super::{Format, FormatType};

    macro_rules! format_types {
        ($($format:ident)*) => {
            $(#[derive(Clone, Copy)]
            pub(crate) struct $format;

            impl FormatType for $format {
                const FORMAT: Format = Format::$format;
            })*
        };
    }

    format_types!(F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2K Q3K Q4K Q5K Q6K IQ4NL IQ4XS MXFP4);
}

/// A computation over [`Products`].
pub(crate) trait ProductsOperation {
    /// Must be `#[inline(always)]`.
    fn run<P: Products>(self, products: P);
}

impl Isa {
    /// Runs an operation on the vectors of this instruction set, and returns their lanes; `None`, and nothing done, where there
    /// are none.
    pub(crate) fn run_products(self, operation: impl ProductsOperation) -> Option<usize> {
        fn on<P: Products>(products: P, operation: impl ProductsOperation) -> Option<usize> {
            products.enter(operation);
            Some(P::LANES)
        }
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(isa) => on(x86_64::avx2::EightRows::of(isa), operation),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(isa) => on(x86_64::avx2::EightRows::with_dots(isa), operation),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(products) => on(products, operation),
            #[cfg(target_arch = "x86_64")]
            Self::Amx(isa) => on(isa.avx512(), operation),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(products) => on(products, operation),
            _ => None,
        }
    }
}

/// Two of a lane's four bytes.
#[derive(Clone, Copy)]
pub(crate) enum Two {
    FirstTwice,
    SecondTwice,
    ThirdTwice,
    FourthTwice,
    Even,
    Odd,
}

impl Two {
    /// In the order of their numbers.
    pub(crate) const ALL: [Self; 6] =
        [Self::FirstTwice, Self::SecondTwice, Self::ThirdTwice, Self::FourthTwice, Self::Even, Self::Odd];

    /// Which they are.
    pub(crate) const fn bytes(self) -> [u32; 2] {
        match self {
            Self::FirstTwice => [0, 0],
            Self::SecondTwice => [1, 1],
            Self::ThirdTwice => [2, 2],
            Self::FourthTwice => [3, 3],
            Self::Even => [0, 2],
            Self::Odd => [1, 3],
        }
    }
}

/// A loop of at most eight rounds, written out: what is taken from [`CodeVectors`] is another thing in each round, and compilers do not always
/// unroll a loop over so much.
macro_rules! unrolled {
    ($v:ident in 0..$len:ident, $round:block) => {
        const { assert!($len <= 8, "more rounds than are written out") };
        unrolled!($v, $len, $round, 0 1 2 3 4 5 6 7);
    };
    ($v:ident, $len:ident, $round:block, $($number:literal)*) => {
        $(if $number < $len {
            let $v = $number;
            $round
        })*
    };
}

pub(crate) use unrolled;

/// The 8 code vectors of 32 inputs, for each of `N` strips.
pub(crate) trait CodeVectors<I, const N: usize> {
    /// Vector `v` of strip `n`. Must be `#[inline(always)]`.
    fn get(&self, n: usize, v: usize) -> I;
    /// Called when vector `v` of strip `n` was multiplied. Must be `#[inline(always)]`.
    #[inline(always)]
    fn done(&self, _n: usize, _v: usize) {}
}

impl<I: Copy, const N: usize> CodeVectors<I, N> for [[I; 8]; N] {
    #[inline(always)]
    fn get(&self, n: usize, v: usize) -> I {
        self[n][v]
    }
}

/// One line of weights spans `16 / LANES` vectors of this instruction set, its *parts*.
pub(crate) trait Products: Copy {
    /// Vector of i32 lanes, or of four bytes in each lane.
    type Int: Copy;
    /// Vector of f32 lanes.
    type Float: Copy;
    /// Rows of a vector: a divisor of 16.
    const LANES: usize;
    /// Vectors of weights that are multiplied side by side with the same inputs: 1 or 2.
    const STRIPS: usize;
    /// Rows of inputs that are multiplied side by side with the same weights, where there are so many: 1, or [`FOUR`].
    const ROWS: usize = 1;
    /// Whether integer scales multiply sums of products while these are 16 bits wide. Then each lane of a scale is two i16 of the same
    /// value, and what `corrections` stand for is left to be subtracted from the totals: [`Products::scaled_dots`].
    const NARROW_SCALES: bool = false;

    /// Runs an operation, compiled for these instructions.
    fn enter(self, operation: impl ProductsOperation);

    /// Part `part` of a line.
    fn load(self, line: &[u8; LINE], part: usize) -> Self::Int;
    /// Writes part `part` of a line.
    fn put(self, x: Self::Int, line: &mut [u8; LINE], part: usize);
    /// Writes the low halves of the lanes as 16-bit numbers `LANES · part..` of a line's first sixteen, the high halves as those of
    /// its second sixteen.
    fn put_halves(self, x: Self::Int, line: &mut [u8; LINE], part: usize);
    /// Four words of the rows of part `part`: a row in each lane, a word in each vector.
    fn words4(self, rows: Columns<'_, 16>, part: usize) -> [Self::Int; 4];
    /// Asks for a line that lies `bytes` behind this one.
    fn prefetch(self, line: &[u8; LINE], bytes: usize);
    /// The compiler is to leave loads and requests before this point before it, and those after it after it, where that is worth it.
    #[inline(always)]
    fn in_order(self) {}
    /// Codes as `dots` take them, made of unsigned ones.
    #[inline(always)]
    fn as_multiplied<F: FormatType>(self, codes: Self::Int) -> Self::Int {
        codes
    }
    /// All lanes the same.
    fn splat(self, x: i32) -> Self::Int;
    /// Sixteen bytes by 4-bit index, for each byte of `codes`.
    fn look_up(self, table: &[u8; 16], codes: Self::Int) -> Self::Int;
    fn and(self, x: Self::Int, y: Self::Int) -> Self::Int;
    fn or(self, x: Self::Int, y: Self::Int) -> Self::Int;
    fn xor(self, x: Self::Int, y: Self::Int) -> Self::Int;
    /// Each lane shifted, zeros in.
    fn shift_left(self, x: Self::Int, bits: u32) -> Self::Int;
    /// Each lane shifted, zeros in.
    fn shift_right(self, x: Self::Int, bits: u32) -> Self::Int;
    /// Each lane shifted, its sign in.
    fn shift_right_signed(self, x: Self::Int, bits: u32) -> Self::Int;
    fn add(self, x: Self::Int, y: Self::Int) -> Self::Int;
    fn mul(self, x: Self::Int, y: Self::Int) -> Self::Int;
    /// `Σ (codes - offset) · x` over 8 code vectors and inputs `4·first..` of `R` records, for `N` strips. `corrections` are
    /// `-offset · Σ x` of each record, from where those begin who multiply unsigned codes.
    fn dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [Self::Int; R],
        codes: &impl CodeVectors<Self::Int, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[Self::Int; R]; N];
    /// As `dots`, of the first and the last four code vectors apart.
    fn half_dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [[Self::Int; R]; 2],
        codes: &impl CodeVectors<Self::Int, N>,
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[[Self::Int; R]; N]; 2];
    /// `Σ scale · (codes - offset) · x`, with a scale for the first and one for the last four code vectors where the format has
    /// sub-blocks of 16, and else one for all. For `NARROW_SCALES` see there.
    #[inline(always)]
    fn scaled_dots<F: FormatType, const N: usize, const R: usize>(
        self,
        corrections: [[Self::Int; R]; 2],
        codes: &impl CodeVectors<Self::Int, N>,
        scales: &[[Self::Int; 2]; N],
        x: [&Record<'_>; R],
        first: usize,
    ) -> [[Self::Int; R]; N] {
        scale_dots::<Self, F, N, R>(self, corrections, codes, scales, x, first)
    }
    /// `Σ (codes - offset) · x` of 32 inputs, as far as can be without scales: [`num_unscaled`] sums of each of `N` strips. `corrections` as for
    /// `half_dots`.
    #[inline(always)]
    fn unscaled_dots<F: FormatType, const N: usize>(
        self,
        corrections: [Self::Int; 2],
        codes: &impl CodeVectors<Self::Int, N>,
        x: &Record<'_>,
        first: usize,
    ) -> [Unscaled<Self::Int>; N] {
        unscaled_dots::<Self, F, N>(self, corrections, codes, x, first)
    }
    /// `total + scale · sum`, of one of these sums and a scale as `scaled_dots` takes it.
    #[inline(always)]
    fn add_scaled<F: FormatType>(self, total: Self::Int, sum: Self::Int, scale: Self::Int) -> Self::Int {
        self.add(total, self.mul(sum, scale))
    }
    /// Numbers of `bits` bits with sign, which begin at two bytes of each lane, as its two i16.
    #[inline(always)]
    fn two_bytes(self, bytes: Self::Int, two: Two, bits: u32) -> Self::Int {
        let [i, j] = two.bytes();
        let number = |at: u32| self.shift_right_signed(self.shift_left(bytes, 32 - bits - 8 * at), 32 - bits);
        self.or(self.and(number(i), self.splat(0xFFFF)), self.shift_left(number(j), 16))
    }
    /// `sum + Σ` of each lane's four codes below 128 times four signed inputs; pairs may saturate at 16 bits.
    fn dot4(self, sum: Self::Int, codes: Self::Int, x: Self::Int) -> Self::Int;
    /// `sum + x₀·y₀ + x₁·y₁` over the two i16 of each lane.
    fn dot_pairs(self, sum: Self::Int, x: Self::Int, y: Self::Int) -> Self::Int;

    /// Rounded to nearest even.
    fn to_float(self, x: Self::Int) -> Self::Float;
    /// 16-bit numbers number `LANES · part..` of a line's sixteen from number `16 · at`: `at` is 0 or 1.
    fn words(self, line: &[u8; LINE], at: usize, part: usize) -> Self::Int;
    /// As `words`, read as f16.
    fn halves(self, line: &[u8; LINE], at: usize, part: usize) -> Self::Float;
    /// As `words`, of bytes: `at` is 0 to 3.
    fn bytes(self, line: &[u8; LINE], at: usize, part: usize) -> Self::Int;
    /// Of a biased exponent `e` in each lane, `2^(e - 128)`.
    fn power_of_two(self, exponents: Self::Int) -> Self::Float;
    /// The bits of each lane read as f32.
    fn as_float(self, x: Self::Int) -> Self::Float;
    fn splat_float(self, x: f32) -> Self::Float;
    fn mul_float(self, x: Self::Float, y: Self::Float) -> Self::Float;
    /// `x · y + z`, rounded once.
    fn fma(self, x: Self::Float, y: Self::Float, z: Self::Float) -> Self::Float;
    /// `z - x · y`, rounded once.
    fn fnma(self, x: Self::Float, y: Self::Float, z: Self::Float) -> Self::Float;
    /// Writes the first `out.len()` lanes.
    fn store(self, x: Self::Float, out: &mut [f32]);
}

/// [`Products::scaled_dots`] from sums of products that are complete before they are scaled.
#[inline(always)]
pub(crate) fn scale_dots<P: Products, F: FormatType, const N: usize, const R: usize>(
    products: P,
    corrections: [[P::Int; R]; 2],
    codes: &impl CodeVectors<P::Int, N>,
    scales: &[[P::Int; 2]; N],
    x: [&Record<'_>; R],
    first: usize,
) -> [[P::Int; R]; N] {
    let mut scaled = [[products.splat(0); R]; N];
    if F::FORMAT.sub_block() == 32 {
        let dots = products.dots::<F, N, R>(corrections[0], codes, x, first);
        for n in 0..N {
            for r in 0..R {
                scaled[n][r] = products.mul(dots[n][r], scales[n][0]);
            }
        }
    } else {
        let [firsts, seconds] = products.half_dots::<F, N, R>(corrections, codes, x, first);
        for n in 0..N {
            for r in 0..R {
                let first = products.mul(firsts[n][r], scales[n][0]);
                scaled[n][r] = products.add(first, products.mul(seconds[n][r], scales[n][1]));
            }
        }
    }
    scaled
}

/// [`Products::unscaled_dots`] that are complete sums.
#[inline(always)]
pub(crate) fn unscaled_dots<P: Products, F: FormatType, const N: usize>(
    products: P,
    corrections: [P::Int; 2],
    codes: &impl CodeVectors<P::Int, N>,
    x: &Record<'_>,
    first: usize,
) -> [Unscaled<P::Int>; N] {
    let mut sums = [[products.splat(0); MAX_UNSCALED]; N];
    if F::FORMAT.sub_block() == 16 {
        let [firsts, seconds] = products.half_dots::<F, N, 1>([[corrections[0]], [corrections[1]]], codes, [x], first);
        for n in 0..N {
            (sums[n][0], sums[n][1]) = (firsts[n][0], seconds[n][0]);
        }
    } else {
        let dots = products.dots::<F, N, 1>([corrections[0]], codes, [x], first);
        for n in 0..N {
            sums[n][0] = dots[n][0];
        }
    }
    sums
}

/// The sums of 32 inputs that wait for their scales: [`num_unscaled`] of them.
pub(crate) type Unscaled<I> = [I; MAX_UNSCALED];

/// Of Q6_K, in pairs.
pub(crate) const MAX_UNSCALED: usize = 4;

/// One for each scale; where scales multiply 16 bits ([`Products::NARROW_SCALES`]), as many as these make necessary.
pub(crate) const fn num_unscaled<P: Products, F: FormatType>() -> usize {
    let scales = 32 / F::FORMAT.sub_block();
    match P::NARROW_SCALES && is_summed_in_pairs(F::FORMAT) {
        true => scales * (8 / scales).div_ceil(pairs_at_once(F::FORMAT)),
        false => scales,
    }
}

/// Whether sums of products are 16 bits wide until they are scaled, where scales are.
pub(crate) const fn is_summed_in_pairs(format: Format) -> bool {
    format.block_weights() == 256 && !is_full_range(format)
}

/// How many pairs of products of at most 127 times the largest code may be added up in 16 bits. Of codes of the full range it is none:
/// these are made signed ([`Products::as_multiplied`]), and then it is one.
pub(crate) const fn pairs_at_once(format: Format) -> usize {
    if is_full_range(format) { 1 } else { (32767 / (2 * 127 * largest_code(format))) as usize }
}

/// Whether unsigned codes take the whole of a byte.
pub(crate) const fn is_full_range(format: Format) -> bool {
    largest_code(format) > 127
}

/// The only number of rows but one that are multiplied side by side: [`Products::ROWS`].
pub(crate) const FOUR: usize = 4;

/// How far the codes in packed bytes are above the integers that they stand for: int8 products want one unsigned side.
/// Formats with a codebook are above by this much after the look-up.
pub(crate) const fn code_offset(format: Format) -> i32 {
    match format {
        Format::Q4_0 => 8,
        Format::Q5_0 => 16,
        Format::Q8_0 | Format::IQ4NL | Format::IQ4XS => 128,
        Format::Q3K => 4,
        Format::Q6K => 32,
        Format::MXFP4 => 12,
        _ => 0,
    }
}

/// The largest unsigned code that is multiplied.
pub(crate) const fn largest_code(format: Format) -> i32 {
    match format {
        Format::Q2K => 3,
        Format::Q3K => 7,
        Format::Q4_0 | Format::Q4_1 | Format::Q4K => 15,
        Format::MXFP4 => 24,
        Format::Q5_0 | Format::Q5_1 | Format::Q5K => 31,
        Format::Q6K => 63,
        _ => 255,
    }
}

/// Sixteen unsigned values of a codebook, where the format has one.
pub(crate) const fn codebook(format: Format) -> Option<[u8; 16]> {
    if !matches!(format, Format::IQ4NL | Format::IQ4XS | Format::MXFP4) {
        return None;
    }
    let mut values = [0; 16];
    let mut code = 0;
    while code < 16 {
        values[code] = (format.code_value(code as u8) as i32 + code_offset(format)) as u8;
        code += 1;
    }
    Some(values)
}
