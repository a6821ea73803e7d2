//! Packed bytes to vectors: codes, scales, minimums. The layout is that of [`crate::packed`].

use std::marker::PhantomData;

use quant::Format;

use crate::aligned::LINE;
use crate::packed::{BLOCKS, GROUP, Layout, Lines, Piece, Pieces};
use crate::products::{CodeVectors, FormatType, Products, Two, codebook};

/// A vector's worth of rows of one chunk.
#[derive(Clone, Copy)]
pub(crate) struct Strip<'a> {
    pub(crate) lines: &'a Lines,
    pub(crate) part: usize,
}

/// The 8 code vectors of inputs `32·block..`, as they are multiplied, after the codebook. Asks for lines that lie
/// `ahead` bytes behind this chunk's, one by one and in their order: many at once, or in another order, come later. Unless
/// `all` lines are to be asked for, [`ask_for_rest`] is left to do. `N` strips are multiplied side by side.
///
/// The index of each line that is asked for is checked, as in [`Streamed`] it is not: the branch keeps the request where it stands, and
/// without it Q5_K and Q6_K are a tenth slower.
#[inline(always)]
pub(crate) fn codes<P: Products, F: FormatType, const N: usize>(
    products: P,
    strip: Strip<'_>,
    block: usize,
    (ahead, all): (usize, bool),
) -> [P::Int; 8] {
    // Compilers do not always unroll a loop over so much.
    [
        asked::<P, F, N, 0>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 1>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 2>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 3>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 4>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 5>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 6>(products, strip, block, (ahead, all)),
        asked::<P, F, N, 7>(products, strip, block, (ahead, all)),
    ]
}

/// Code vector `V` of a block, after a request.
#[inline(always)]
fn asked<P: Products, F: FormatType, const N: usize, const V: usize>(
    products: P,
    strip: Strip<'_>,
    block: usize,
    (ahead, all): (usize, bool),
) -> P::Int {
    ask::<P, F, N, true>(products, strip, (block, V), (ahead, all));
    vector::<P, F, V>(products, strip, block)
}

/// The code vectors of a block, each unpacked when it is multiplied.
pub(super) struct Unpacked<'a, P, F, const N: usize> {
    products: P,
    strips: [Strip<'a>; N],
    block: usize,
    format: PhantomData<F>,
}

impl<'a, P, F, const N: usize> Unpacked<'a, P, F, N> {
    #[inline(always)]
    pub(super) fn new(products: P, strips: [Strip<'a>; N], block: usize) -> Self {
        Self { products, strips, block, format: PhantomData }
    }
}

impl<P: Products, F: FormatType, const N: usize> CodeVectors<P::Int, N> for Unpacked<'_, P, F, N> {
    #[inline(always)]
    fn get(&self, n: usize, v: usize) -> P::Int {
        code_vector::<P, F>(self.products, self.strips[n], self.block, v)
    }
}

/// Code vector `v` of a block, as it is multiplied.
#[inline(always)]
fn code_vector<P: Products, F: FormatType>(products: P, strip: Strip<'_>, block: usize, v: usize) -> P::Int {
    let layout = const { Layout::of(F::FORMAT) };
    if const { 8 % Layout::of(F::FORMAT).bits == 0 } {
        // All of them whole.
        let Pieces(codes, ..) = Pieces::of(layout.bits, v);
        return as_multiplied::<P, F>(products, in_place(products, strip, layout.codes(block), codes));
    }
    match v {
        0 => vector::<P, F, 0>(products, strip, block),
        1 => vector::<P, F, 1>(products, strip, block),
        2 => vector::<P, F, 2>(products, strip, block),
        3 => vector::<P, F, 3>(products, strip, block),
        4 => vector::<P, F, 4>(products, strip, block),
        5 => vector::<P, F, 5>(products, strip, block),
        6 => vector::<P, F, 6>(products, strip, block),
        _ => vector::<P, F, 7>(products, strip, block),
    }
}

/// Code vector `V` of a block, as it is multiplied.
#[inline(always)]
fn vector<P: Products, F: FormatType, const V: usize>(products: P, strip: Strip<'_>, block: usize) -> P::Int {
    let layout = const { Layout::of(F::FORMAT) };
    let Pieces(first, second, third) = const { Pieces::of(Layout::of(F::FORMAT).bits, V) };
    let at = layout.codes(block);
    let mut codes = in_place(products, strip, at, first);
    if let Some(second) = second {
        codes = products.or(codes, in_place(products, strip, at, second));
    }
    if let Some(third) = third {
        codes = products.or(codes, in_place(products, strip, at, third));
    }
    as_multiplied::<P, F>(products, codes)
}

/// Codes after the codebook.
#[inline(always)]
fn as_multiplied<P: Products, F: FormatType>(products: P, codes: P::Int) -> P::Int {
    match const { codebook(F::FORMAT) } {
        Some(table) => products.as_multiplied::<F>(products.look_up(&table, codes)),
        None => products.as_multiplied::<F>(codes),
    }
}

/// The code vectors of a block for a single row of inputs: each is unpacked, and lines asked for, when it is multiplied. Where all
/// are unpacked first, the loads of lines that are there stand behind requests for lines that are not, and wait.
pub(crate) struct Streamed<'a, P, F, const N: usize> {
    products: P,
    strips: [Strip<'a>; N],
    block: usize,
    ahead: usize,
    format: PhantomData<F>,
}

impl<'a, P, F, const N: usize> Streamed<'a, P, F, N> {
    /// Of inputs `32·block..`; lines are asked for that lie `ahead` bytes behind this chunk's.
    #[inline(always)]
    pub(crate) fn new(products: P, strips: [Strip<'a>; N], block: usize, ahead: usize) -> Self {
        Self { products, strips, block, ahead, format: PhantomData }
    }
}

/// Whether a single row of inputs takes the code vectors of a format as they come: those that are half a byte each and nothing more. Elsewhere
/// measurement found no gain, or a loss.
pub(super) const fn is_streamed(format: Format) -> bool {
    matches!(format, Format::Q4_0 | Format::Q4_1 | Format::Q4K)
}

impl<P: Products, F: FormatType, const N: usize> CodeVectors<P::Int, N> for Streamed<'_, P, F, N> {
    #[inline(always)]
    fn get(&self, n: usize, v: usize) -> P::Int {
        code_vector::<P, F>(self.products, self.strips[n], self.block, v)
    }

    #[inline(always)]
    fn done(&self, n: usize, v: usize) {
        ask::<P, F, N, false>(self.products, self.strips[n], (self.block, v), (self.ahead, true));
        self.products.in_order();
    }
}

/// Asks for lines while vector `v` of a block's codes is unpacked. Where a vector is a part of a line, parts are unpacked one after the
/// other, `N` at a time, and each `N` ask for their share of a chunk's lines: memory works all the while.
#[inline(always)]
fn ask<P: Products, F: FormatType, const N: usize, const CHECKED: bool>(
    products: P,
    strip: Strip<'_>,
    (block, v): (usize, usize),
    (ahead, all): (usize, bool),
) {
    let (lines, blocks) = const { (Layout::of(F::FORMAT).lines(), paced_blocks::<P>(N)) };
    // As many lines for each block, and one of the remainder for each of the first.
    let (each, rest) = (lines / blocks, if all { lines % blocks } else { 0 });
    let block = if blocks == BLOCKS { block } else { strip.part / N * BLOCKS + block };
    if P::LANES < GROUP && N > 1 && !strip.part.is_multiple_of(N) {
        return;
    }
    let first = block * each + block.min(rest);
    for line in v * each / 8..(v + 1) * each / 8 {
        ask_for_line::<P, CHECKED>(products, strip, first + line, ahead);
    }
    if v == 7 && block < rest {
        ask_for_line::<P, CHECKED>(products, strip, first + each, ahead);
    }
}

/// Asks for what lies `ahead` bytes behind a line, whose index is `CHECKED` ([`codes`]) or not.
#[inline(always)]
fn ask_for_line<P: Products, const CHECKED: bool>(products: P, strip: Strip<'_>, line: usize, ahead: usize) {
    match CHECKED {
        true => products.prefetch(&strip.lines[line], ahead),
        false => products.prefetch(&strip.lines[0], line * LINE + ahead),
    }
}

/// Blocks in all the parts of a chunk that come one after the other, `N` parts at a time.
const fn paced_blocks<P: Products>(n: usize) -> usize {
    if P::LANES * n < GROUP { BLOCKS * GROUP / (P::LANES * n) } else { BLOCKS }
}

/// Asks for the last lines of a chunk, those that are left over in [`ask`], `ahead` bytes behind them. Then [`codes`] does the same for every block,
/// which is less work; for a single row of inputs, the even pace counts for more.
#[inline(always)]
pub(crate) fn ask_for_rest<P: Products, F: FormatType, const N: usize>(products: P, strip: Strip<'_>, ahead: usize) {
    let (lines, blocks) = const { (Layout::of(F::FORMAT).lines(), paced_blocks::<P>(N)) };
    if strip.part == 0 {
        for line in lines / blocks * blocks..lines {
            products.prefetch(&strip.lines[line], ahead);
        }
    }
}

/// Some bits of a block's lines, where the codes have them.
#[inline(always)]
fn in_place<P: Products>(products: P, strip: Strip<'_>, first: usize, piece: Piece) -> P::Int {
    let line = products.load(&strip.lines[first + piece.line], strip.part);
    if piece.bits == 8 {
        return line;
    }
    let shifted = match piece.from >= piece.to {
        true => products.shift_right(line, (piece.from - piece.to) as u32),
        false => products.shift_left(line, (piece.to - piece.from) as u32),
    };
    products.and(shifted, products.splat(piece.mask() as i32))
}

/// Scales of a 32-weight format.
#[inline(always)]
pub(crate) fn block_scale<P: Products, F: FormatType>(products: P, strip: Strip<'_>, block: usize) -> P::Float {
    let scales = const { Layout::of(F::FORMAT).scales() };
    match F::FORMAT {
        Format::MXFP4 => {
            let exponents = products.bytes(&strip.lines[scales + block / 4], block % 4, strip.part);
            products.power_of_two(exponents)
        }
        _ => products.halves(&strip.lines[scales + block / 2], block % 2, strip.part),
    }
}

/// Minimums of a 32-weight format that has them.
#[inline(always)]
pub(crate) fn block_min<P: Products, F: FormatType>(products: P, strip: Strip<'_>, block: usize) -> P::Float {
    let mins = const { Layout::of(F::FORMAT).scales() + BLOCKS / 2 };
    products.halves(&strip.lines[mins + block / 2], block % 2, strip.part)
}

/// `d` and `dmin` of a 256-weight format.
#[inline(always)]
pub(crate) fn super_scales<P: Products, F: FormatType>(products: P, strip: Strip<'_>) -> (P::Float, P::Float) {
    let last = &strip.lines[const { Layout::of(F::FORMAT).lines() } - 1];
    let at = if matches!(F::FORMAT, Format::IQ4XS) { 1 } else { 0 };
    (products.halves(last, at, strip.part), products.halves(last, 1, strip.part))
}

/// Integer scales of all sub-blocks, one i32 a lane, or two i16 of the same value for [`Products::NARROW_SCALES`].
#[inline(always)]
pub(crate) fn sub_scales<P: Products, F: FormatType>(products: P, strip: Strip<'_>) -> [P::Int; 16] {
    let mut scales = [products.splat(0); 16];
    match F::FORMAT {
        Format::IQ4XS => {
            iq4_scales::<P, F>(products, strip, &mut scales);
            if P::NARROW_SCALES {
                for scale in &mut scales[..8] {
                    let low = products.and(*scale, products.splat(0xFFFF));
                    *scale = products.or(low, products.shift_left(*scale, 16));
                }
            }
        }
        _ => {
            let (bytes, bits) = scale_bytes::<P, F>(products, strip);
            for j in 0..256 / F::FORMAT.sub_block() {
                scales[j] = if P::NARROW_SCALES {
                    products.two_bytes(bytes[j / 4], Two::ALL[j % 4], bits)
                } else {
                    let top = products.shift_left(bytes[j / 4], 32 - bits - 8 * (j as u32 % 4));
                    products.shift_right_signed(top, 32 - bits)
                };
            }
        }
    }
    scales
}

/// Scales four to a lane, sub-block `4q + j` in byte `j` of vector `q`: signed numbers of so many bits.
#[inline(always)]
fn scale_bytes<P: Products, F: FormatType>(products: P, strip: Strip<'_>) -> ([P::Int; 4], u32) {
    let nibbles = products.splat(0x0F0F_0F0F);
    let mut bytes = [products.splat(0); 4];
    match F::FORMAT {
        Format::Q2K => {
            for q in 0..4 {
                bytes[q] = products.and(scale_line::<P, F>(products, strip, q), nibbles);
            }
            (bytes, 8)
        }
        Format::Q6K => {
            for q in 0..4 {
                bytes[q] = scale_line::<P, F>(products, strip, q);
            }
            (bytes, 8)
        }
        Format::Q3K => {
            // Six bits, 32 too large: with the topmost turned over they are a signed number.
            let over = products.splat(0x2020_2020);
            for q in 0..4 {
                let low = products
                    .and(products.shift_right(scale_line::<P, F>(products, strip, q % 2), 4 * (q as u32 / 2)), nibbles);
                let high = products.shift_right(scale_line::<P, F>(products, strip, 2), 2 * q as u32);
                let high = products.shift_left(products.and(high, products.splat(0x0303_0303)), 4);
                bytes[q] = products.xor(products.or(low, high), over);
            }
            (bytes, 6)
        }
        _ => {
            let (first, last) = (scale_line::<P, F>(products, strip, 0), scale_line::<P, F>(products, strip, 2));
            bytes[0] = products.and(first, products.splat(0x3F3F_3F3F));
            let high = products.and(products.shift_right(first, 2), products.splat(0x3030_3030));
            bytes[1] = products.or(products.and(last, nibbles), high);
            (bytes, 8)
        }
    }
}

/// Line `q` of the scales.
#[inline(always)]
fn scale_line<P: Products, F: FormatType>(products: P, strip: Strip<'_>, q: usize) -> P::Int {
    products.load(&strip.lines[const { Layout::of(F::FORMAT).scales() } + q], strip.part)
}

#[inline(always)]
fn iq4_scales<P: Products, F: FormatType>(products: P, strip: Strip<'_>, scales: &mut [P::Int; 16]) {
    let first = const { Layout::of(F::FORMAT).scales() };
    let low = products.load(&strip.lines[first], strip.part);
    let high = products.shift_left(products.words(&strip.lines[first + 1], 0, strip.part), 4);
    for j in 0..8 {
        let low = products.and(products.shift_right(low, 4 * j), products.splat(15));
        let high = products.and(products.shift_right(high, 2 * j), products.splat(0x30));
        scales[j as usize] = products.add(products.or(low, high), products.splat(-32));
    }
}

/// Scales of all sub-blocks of 16, two i16 a lane, in the order of [`mins`].
#[inline(always)]
pub(crate) fn scale_pairs<P: Products, F: FormatType>(products: P, strip: Strip<'_>) -> [P::Int; 8] {
    let (bytes, bits) = scale_bytes::<P, F>(products, strip);
    let mut pairs = [products.splat(0); 8];
    for q in 0..4 {
        pairs[2 * q] = products.two_bytes(bytes[q], Two::Even, bits);
        pairs[2 * q + 1] = products.two_bytes(bytes[q], Two::Odd, bits);
    }
    pairs
}

/// Minimums of all sub-blocks of a format that has them, two i16 a lane: of each four, 0 and 2, then 1 and 3.
#[inline(always)]
pub(crate) fn mins<P: Products, F: FormatType>(products: P, strip: Strip<'_>) -> [P::Int; 8] {
    let nibbles = products.splat(0x0F0F_0F0F);
    let mut bytes = [products.splat(0); 4];
    match F::FORMAT {
        Format::Q2K => {
            for q in 0..4 {
                bytes[q] = products.and(products.shift_right(scale_line::<P, F>(products, strip, q), 4), nibbles);
            }
        }
        Format::Q4K | Format::Q5K => {
            let (first, last) = (scale_line::<P, F>(products, strip, 1), scale_line::<P, F>(products, strip, 2));
            bytes[0] = products.and(first, products.splat(0x3F3F_3F3F));
            let high = products.and(products.shift_right(first, 2), products.splat(0x3030_3030));
            bytes[1] = products.or(products.and(products.shift_right(last, 4), nibbles), high);
        }
        _ => {}
    }
    let mut pairs = [products.splat(0); 8];
    for q in 0..4 {
        pairs[2 * q] = products.and(bytes[q], products.splat(0x00FF_00FF));
        pairs[2 * q + 1] = products.and(products.shift_right(bytes[q], 8), products.splat(0x00FF_00FF));
    }
    pairs
}
