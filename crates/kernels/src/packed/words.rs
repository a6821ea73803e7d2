//! Whole groups of the formats that most files use, packed sixteen rows at a time.
//!
//! A word is four codes of a row. The same word of all rows is a line, and lines are what a chunk is made of: whole code vectors,
//! and above them [`Pieces`] of the last ones. The files' nibbles and bits lie in words of four codes as well, so that masks and
//! shifts are all it takes. The bytes are those of [`super::chunk`], which is the specification and packs what is not named
//! here.

use quant::Format;

use super::chunk::Lines;
use super::layout::{CHUNK, GROUP, Layout, Piece, Pieces};
use crate::Isa;
use crate::aligned::LINE;
use crate::products::{Products, ProductsOperation};

/// Sixteen rows of a file, `stride` bytes apart.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    bytes: &'a [u8],
    stride: usize,
}

impl<'a> Rows<'a> {
    /// From byte `at` of the first row on.
    fn from(self, at: usize) -> Self {
        Self { bytes: &self.bytes[at..], ..self }
    }

    /// Bytes `at..at + N` of all rows.
    ///
    /// # Panics
    /// The rows end before.
    #[inline(always)]
    pub(crate) fn columns<const N: usize>(self, at: usize) -> Columns<'a, N> {
        assert!(at + 15 * self.stride + N <= self.bytes.len(), "{N} bytes at {at} of rows of {}", self.stride);
        Columns { first: &self.bytes[at..], stride: self.stride }
    }
}

/// `N` bytes of each of sixteen rows.
#[derive(Clone, Copy)]
pub(crate) struct Columns<'a, const N: usize> {
    /// From those of the first row on; the last row's are inside.
    first: &'a [u8],
    stride: usize,
}

impl<const N: usize> Columns<'_, N> {
    /// Those of row `lane`, of 16.
    #[inline(always)]
    pub(crate) fn row(&self, lane: usize) -> &[u8; N] {
        assert!(lane < GROUP);
        // SAFETY: the bytes of the last of 16 rows are inside, so those of every row are.
        unsafe { &*self.first.as_ptr().add(lane * self.stride).cast() }
    }
}

/// Packs whole chunks of a group of 16 rows, `stride` bytes apart; `false`, and nothing done, where another way is needed.
pub(super) fn pack(isa: Isa, format: Format, file: &[u8], stride: usize, chunks: &mut Lines) -> bool {
    let packed = matches!(format, Format::Q4_0 | Format::Q8_0 | Format::Q4K | Format::Q5K | Format::Q6K);
    if !packed || file.len() != GROUP * stride {
        return false;
    }
    isa.run_products(Pack { format, rows: Rows { bytes: file, stride }, chunks }).is_some()
}

struct Pack<'a> {
    format: Format,
    rows: Rows<'a>,
    chunks: &'a mut Lines,
}

impl ProductsOperation for Pack<'_> {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        let layout = Layout::of(self.format);
        let chunk_bytes = CHUNK / self.format.block_weights() * self.format.block_bytes();
        for (index, chunk) in self.chunks.chunks_exact_mut(layout.lines()).enumerate() {
            let rows = self.rows.from(index * chunk_bytes);
            for part in 0..GROUP / P::LANES {
                let column = Column { products, rows, part };
                match self.format {
                    Format::Q4_0 => column.q4_0(chunk),
                    Format::Q8_0 => column.q8_0(chunk),
                    Format::Q4K => column.q4_k(chunk),
                    Format::Q5K => column.q5_k(chunk),
                    _ => column.q6_k(chunk),
                }
            }
            halves(self.format, rows, &mut chunk[layout.scales()..]);
        }
    }
}

/// Packs the first inputs of a group of 16 rows of plain numbers, `stride` bytes apart; returns how many.
pub(super) fn pack_numbers(isa: Isa, format: Format, file: &[u8], stride: usize, lines: &mut Lines) -> usize {
    let wide = format.block_bytes() == 4;
    let inputs = stride / 16 * 16 / format.block_bytes();
    if file.len() != GROUP * stride {
        return 0;
    }
    let numbers = Numbers { wide, rows: Rows { bytes: file, stride }, lines };
    isa.run_products(numbers).map_or(0, |_| inputs)
}

/// Numbers of four bytes (`wide`) or two.
struct Numbers<'a> {
    wide: bool,
    rows: Rows<'a>,
    lines: &'a mut Lines,
}

impl ProductsOperation for Numbers<'_> {
    /// An f32 of all rows is a line; a pair of 16-bit numbers is one too, the first of all rows and then the second.
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        for (index, lines) in self.lines.as_chunks_mut::<4>().0[..self.rows.stride / 16].iter_mut().enumerate() {
            for part in 0..GROUP / P::LANES {
                let words = products.words4(self.rows.columns(16 * index), part);
                for l in 0..4 {
                    match self.wide {
                        true => products.put(words[l], &mut lines[l], part),
                        false => products.put_halves(words[l], &mut lines[l], part),
                    }
                }
            }
        }
    }
}

/// The f16 scales: the first of each block, and the second of those that have minimums.
#[inline(always)]
fn halves(format: Format, rows: Rows<'_>, scales: &mut Lines) {
    match format {
        Format::Q4_0 | Format::Q8_0 => {
            for block in 0..8 {
                put_scales(rows, block * format.block_bytes(), &mut scales[block / 2], block % 2);
            }
        }
        Format::Q6K => {
            put_scales(rows, 208, &mut scales[4], 0);
            scales[4][LINE / 2..].fill(0);
        }
        _ => {
            put_scales(rows, 0, &mut scales[3], 0);
            put_scales(rows, 2, &mut scales[3], 1);
        }
    }
}

/// Bytes `at` and `at + 1` of all rows, as half number `half` of a line.
#[inline(always)]
fn put_scales(rows: Rows<'_>, at: usize, line: &mut [u8; LINE], half: usize) {
    let columns = rows.columns::<2>(at);
    for (lane, into) in line[LINE / 2 * half..][..LINE / 2].as_chunks_mut().0.iter_mut().enumerate() {
        *into = *columns.row(lane);
    }
}

const Q4_K: Layout = Layout::of(Format::Q4K);
const Q5_K: Layout = Layout::of(Format::Q5K);
const Q6_K: Layout = Layout::of(Format::Q6K);

/// The low four bits of each byte.
const NIBBLES: i32 = 0x0F0F_0F0F;

/// A vector's worth of rows.
#[derive(Clone, Copy)]
struct Column<'a, P> {
    products: P,
    rows: Rows<'a>,
    part: usize,
}

impl<P: Products> Column<'_, P> {
    /// Eight times `d`, `qs[16]`: nibbles lie as they should.
    #[inline(always)]
    fn q4_0(self, chunk: &mut Lines) {
        for block in 0..8 {
            let words = self.words4(18 * block + 2);
            for l in 0..4 {
                self.put(words[l], chunk, 4 * block + l);
            }
        }
    }

    /// Eight times `d`, `qs[32]`: int8 becomes unsigned by adding 128.
    #[inline(always)]
    fn q8_0(self, chunk: &mut Lines) {
        for block in 0..8 {
            let words = self.words8(34 * block + 2);
            for l in 0..8 {
                self.put(
                    self.products.xor(words[l], self.products.splat(0x8080_8080_u32 as i32)),
                    chunk,
                    8 * block + l,
                );
            }
        }
    }

    /// `d`, `dmin`, `scales[12]`, `qs[128]`.
    #[inline(always)]
    fn q4_k(self, chunk: &mut Lines) {
        self.nibbles_by_64(Q4_K, 16, chunk);
        self.scales(Q4_K, chunk);
    }

    /// As Q4_K, with `qh[32]` before `qs`: bit `b` of its bytes is the fifth bit of block `b`.
    #[inline(always)]
    fn q5_k(self, chunk: &mut Lines) {
        let high = self.words8(16);
        for pair in 0..4 {
            let low = self.words8(48 + 32 * pair);
            for half in 0..2 {
                let block = 2 * pair + half;
                let mut codes = [self.products.splat(0); 8];
                for v in 0..8 {
                    let above = self.field(high[v], block as u32, 0x0101_0101, 4);
                    codes[v] = self.products.or(self.field(low[v], 4 * half as u32, NIBBLES, 0), above);
                }
                self.codes::<{ Q5_K.bits }>(&codes, chunk, Q5_K.codes(block));
            }
        }
        self.scales(Q5_K, chunk);
    }

    /// `ql[128]`, `qh[64]`, `scales[16]`, `d`; the quarters of each half as [`quant::Codes256::read`] has them.
    #[inline(always)]
    fn q6_k(self, chunk: &mut Lines) {
        for half in 0..2 {
            let low = [self.words8(64 * half), self.words8(64 * half + 32)];
            let high = self.words8(128 + 32 * half);
            for quarter in 0..4 {
                let (block, low, shift) = (4 * half + quarter, low[quarter % 2], 4 * (quarter as u32 / 2));
                let mut codes = [self.products.splat(0); 8];
                for v in 0..8 {
                    let above = self.field(high[v], 2 * quarter as u32, 0x0303_0303, 4);
                    codes[v] = self.products.or(self.field(low[v], shift, NIBBLES, 0), above);
                }
                self.codes::<{ Q6_K.bits }>(&codes, chunk, Q6_K.codes(block));
            }
        }
        let scales = self.words4(192);
        for l in 0..4 {
            self.put(scales[l], chunk, Q6_K.scales() + l);
        }
    }

    /// From byte `at` on, eight words are 32 weights in the low nibbles and the next 32 in the high ones.
    #[inline(always)]
    fn nibbles_by_64(self, layout: Layout, at: usize, chunk: &mut Lines) {
        for pair in 0..4 {
            let (first_block, second_block) = (layout.codes(2 * pair), layout.codes(2 * pair + 1));
            let words = self.words8(at + 32 * pair);
            for l in 0..4 {
                let (first, second) = (words[l], words[l + 4]);
                let low = self.products.or(self.field(first, 0, NIBBLES, 0), self.field(second, 0, NIBBLES, 4));
                self.put(low, chunk, first_block + l);
                let above = self.products.and(second, self.products.splat(!NIBBLES));
                self.put(self.products.or(self.field(first, 4, NIBBLES, 0), above), chunk, second_block + l);
            }
        }
    }

    /// The codes of a block, whose lines begin with line `first`.
    #[inline(always)]
    fn codes<const BITS: usize>(self, codes: &[P::Int; 8], chunk: &mut Lines, first: usize) {
        let mut lines = [self.products.splat(0); BITS];
        // Compilers do not always unroll a loop over so much.
        self.add_vector::<BITS, 0>(codes, &mut lines);
        self.add_vector::<BITS, 1>(codes, &mut lines);
        self.add_vector::<BITS, 2>(codes, &mut lines);
        self.add_vector::<BITS, 3>(codes, &mut lines);
        self.add_vector::<BITS, 4>(codes, &mut lines);
        self.add_vector::<BITS, 5>(codes, &mut lines);
        self.add_vector::<BITS, 6>(codes, &mut lines);
        self.add_vector::<BITS, 7>(codes, &mut lines);
        for l in 0..BITS {
            self.put(lines[l], chunk, first + l);
        }
    }

    #[inline(always)]
    fn add_vector<const BITS: usize, const V: usize>(self, codes: &[P::Int; 8], lines: &mut [P::Int; BITS]) {
        let Pieces(first, second, third) = const { Pieces::of(BITS, V) };
        self.add_piece(codes[V], first, lines);
        if let Some(second) = second {
            self.add_piece(codes[V], second, lines);
        }
        if let Some(third) = third {
            self.add_piece(codes[V], third, lines);
        }
    }

    #[inline(always)]
    fn add_piece(self, codes: P::Int, piece: Piece, lines: &mut [P::Int]) {
        let mask = (piece.mask() >> piece.to) as i32;
        let bits = self.field(codes, piece.to as u32, mask, piece.from as u32);
        lines[piece.line] = self.products.or(lines[piece.line], bits);
    }

    /// The twelve bytes of scales and minimums of Q4_K and Q5_K.
    #[inline(always)]
    fn scales(self, layout: Layout, chunk: &mut Lines) {
        let words = self.words4(0);
        for l in 0..3 {
            self.put(words[1 + l], chunk, layout.scales() + l);
        }
    }

    /// `(word >> from & mask) << to`.
    #[inline(always)]
    fn field(self, word: P::Int, from: u32, mask: i32, to: u32) -> P::Int {
        let field = self.products.and(self.products.shift_right(word, from), self.products.splat(mask));
        self.products.shift_left(field, to)
    }

    /// The four words from byte `at` on.
    #[inline(always)]
    fn words4(self, at: usize) -> [P::Int; 4] {
        self.products.words4(self.rows.columns(at), self.part)
    }

    #[inline(always)]
    fn words8(self, at: usize) -> [P::Int; 8] {
        let [a, b] = [self.words4(at), self.words4(at + 16)];
        [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]]
    }

    #[inline(always)]
    fn put(self, line: P::Int, chunk: &mut Lines, index: usize) {
        self.products.put(line, &mut chunk[index], self.part);
    }
}
