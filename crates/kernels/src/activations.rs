//! Inputs of linear layers, in the number format that the weights' format calls for.
//!
//! Rows are written one by one, each on its own, so that threads can share the work ([`Activations::rows_mut`]), and are
//! shared by all matrices with the same input. Quantising is part of the arithmetic: docs/numerics.md.
//!
//! A quantised row is a sequence of *records* of 320 bytes, one for each 256 inputs: 256 int8 codes, 8 f32 scales, one for each
//! 32 inputs, 16 exact i16 sums of 16 codes. In Q8x256 one scale stands for all, and in place of the last four are 8 sums of 32
//! codes ([`Record::pairs`]). Inputs are padded with zeros to a whole record. Rows are an odd number of cache lines apart, so that
//! the same record of many rows does not meet in few sets of the cache.

use quant::Format;

use crate::aligned::{AlignedBytes, LINE};
use crate::packed::CHUNK;
use crate::{Bands, Grid, Isa};

/// How the inputs of a linear layer are stored. Part of the numerics id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivationFormat {
    /// int8 with a scale for each 32 inputs: for weights in blocks of 32.
    Q8x32,
    /// int8 with a scale for each 256 inputs: for weights in blocks of 256.
    Q8x256,
    /// As they are: for f32, f16 and bf16 weights.
    F32,
}

/// Inputs `[rows, cols]` of a linear layer.
#[derive(Debug)]
pub struct Activations {
    format: ActivationFormat,
    rows: usize,
    cols: usize,
    bytes: AlignedBytes,
}

/// 256 quantised inputs of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<'a>(&'a [[u8; LINE]; RECORD_LINES]);

/// All records of a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'a>(&'a [[[u8; LINE]; RECORD_LINES]]);

/// Rows that are read together as a tile: [`Activations::records`].
pub(crate) const TILE_ROWS: usize = 16;

const RECORD_LINES: usize = 5;
const RECORD: usize = RECORD_LINES * LINE;
// Where scales and sums begin in a record.
const SCALES: usize = CHUNK;
const PAIRS: usize = CHUNK + 16;
const SUMS: usize = CHUNK + 32;

impl ActivationFormat {
    /// The format of inputs that are multiplied with weights of `weights`.
    pub const fn for_weights(weights: Format) -> Self {
        match weights.block_weights() {
            1 => Self::F32,
            32 => Self::Q8x32,
            _ => Self::Q8x256,
        }
    }

    /// Writes a row of inputs: `x` as f32, `row` one row of [`Activations::rows_mut`].
    ///
    /// # Panics
    /// `row` is not as long as a row of `x.len()` inputs.
    pub fn write_row(self, isa: Isa, x: &[f32], row: &mut [u8]) {
        assert_eq!(row.len(), self.row_bytes(x.len()), "bytes of a row of {} inputs", x.len());
        match self {
            Self::F32 => row.as_chunks_mut().0.iter_mut().zip(x).for_each(|(to, x)| *to = x.to_ne_bytes()),
            Self::Q8x32 => quantise::<32>(isa, x, row),
            Self::Q8x256 => quantise::<CHUNK>(isa, x, row),
        }
    }

    fn row_bytes(self, cols: usize) -> usize {
        let lines = match self {
            Self::F32 => cols.div_ceil(LINE / 4),
            Self::Q8x32 | Self::Q8x256 => cols.div_ceil(CHUNK) * RECORD_LINES,
        };
        (lines | 1) * LINE
    }

    /// From each quantised row on there is memory for a tile of rows, whatever is in those that are not there.
    fn memory_bytes(self, rows: usize, cols: usize) -> usize {
        let padding = if self == Self::F32 || rows == 0 { 0 } else { TILE_ROWS - 1 };
        (rows + padding) * self.row_bytes(cols)
    }
}

impl Activations {
    /// Inputs to be filled through [`Activations::rows_mut`]. To use the memory again, see [`Activations::reshape`].
    ///
    /// # Panics
    /// Memory is short.
    pub fn new(format: ActivationFormat, rows: usize, cols: usize) -> Self {
        Self { format, rows, cols, bytes: allocate(format.memory_bytes(rows, cols)) }
    }

    /// Other inputs in the same memory, which grows where it must. The contents are void until rows are written.
    ///
    /// # Panics
    /// Memory is short.
    pub fn reshape(&mut self, format: ActivationFormat, rows: usize, cols: usize) {
        (self.format, self.rows, self.cols) = (format, rows, cols);
        if self.bytes.len() < format.memory_bytes(rows, cols) {
            self.bytes = allocate(format.memory_bytes(rows, cols));
        }
    }

    /// How the inputs are stored.
    pub fn format(&self) -> ActivationFormat {
        self.format
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of a row.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// The bytes as a grid of `[rows, bytes of a row]` in bands of `per_tile` rows, for [`ActivationFormat::write_row`].
    pub fn rows_mut(&mut self, per_tile: usize) -> Grid<'_, u8> {
        let row_bytes = self.format.row_bytes(self.cols);
        Grid::new(&mut self.bytes[..self.rows * row_bytes], row_bytes, Bands::Every(per_tile), row_bytes)
    }

    /// Writes all rows of `x`, `[rows, cols]`, on this thread.
    ///
    /// # Panics
    /// `x` has another size.
    pub fn write(&mut self, isa: Isa, x: &[f32]) {
        assert_eq!(x.len(), self.rows * self.cols, "inputs of {}×{}", self.rows, self.cols);
        let row_bytes = self.format.row_bytes(self.cols);
        for (x, row) in x.chunks_exact(self.cols).zip(self.bytes.chunks_exact_mut(row_bytes)) {
            self.format.write_row(isa, x, row);
        }
    }

    /// Record `chunk` of a quantised row.
    pub(crate) fn record(&self, row: usize, chunk: usize) -> Record<'_> {
        let records = self.row(row).as_chunks().0;
        Record(&records[chunk])
    }

    /// The records of a quantised row.
    pub(crate) fn row_records(&self, row: usize) -> Records<'_> {
        Records(self.row(row).as_chunks().0)
    }

    /// The bytes from record `chunk` of a quantised row on, and how far the same record of the next row is. There is memory for
    /// [`TILE_ROWS`] rows; what is in those beyond the last one is void.
    #[cfg(target_arch = "x86_64")]
    pub(crate) fn records(&self, row: usize, chunk: usize) -> (&[u8], usize) {
        let row_bytes = self.format.row_bytes(self.cols);
        (&self.bytes[row * row_bytes + chunk * RECORD..], row_bytes)
    }

    /// The inputs of a row of plain numbers, padded.
    pub(crate) fn numbers(&self, row: usize) -> &[[u8; 4]] {
        self.row(row).as_flattened().as_chunks().0
    }

    fn row(&self, row: usize) -> &[[u8; LINE]] {
        let row_lines = self.format.row_bytes(self.cols) / LINE;
        &self.bytes.as_chunks().0[row * row_lines..(row + 1) * row_lines]
    }
}

impl<'a> Records<'a> {
    /// The record of a chunk.
    #[inline(always)]
    pub(crate) fn get(self, chunk: usize) -> Record<'a> {
        Record(&self.0[chunk])
    }
}

impl Record<'_> {
    /// Four consecutive codes, int8, the first in the lowest byte: inputs `4·i..4·i + 4`.
    #[inline(always)]
    pub(crate) fn codes4(&self, i: usize) -> i32 {
        i32::from_le_bytes(self.field(4 * i))
    }

    /// The scale of inputs `32·block..`; of the whole record in Q8x256, where `block` is 0.
    #[inline(always)]
    pub(crate) fn scale(&self, block: usize) -> f32 {
        f32::from_ne_bytes(self.field(SCALES + 4 * block))
    }

    /// The sum of codes `16·j..16·j + 16`.
    #[inline(always)]
    pub(crate) fn sum16(&self, j: usize) -> i32 {
        i32::from(i16::from_ne_bytes(self.field(SUMS + 2 * j)))
    }

    /// The sum of codes `32·j..32·j + 32`.
    #[inline(always)]
    pub(crate) fn sum32(&self, j: usize) -> i32 {
        self.sum16(2 * j) + self.sum16(2 * j + 1)
    }

    /// In Q8x256, sums of 32 codes, two i16 a number, as minimums are packed: of each four, 0 and 2, then 1 and 3.
    #[inline(always)]
    pub(crate) fn pairs(&self) -> [i32; 4] {
        let mut pairs = [0; 4];
        for (j, pair) in pairs.iter_mut().enumerate() {
            *pair = i32::from_ne_bytes(self.field(PAIRS + 4 * j));
        }
        pairs
    }

    #[inline(always)]
    fn field<const N: usize>(&self, at: usize) -> [u8; N] {
        let bytes = &self.0.as_flattened()[at..at + N];
        std::array::from_fn(|i| bytes[i])
    }
}

fn allocate(bytes: usize) -> AlignedBytes {
    AlignedBytes::zeroed(bytes).unwrap_or_else(|error| panic!("{bytes} bytes of activations: {error}"))
}

fn quantise<const BLOCK: usize>(isa: Isa, x: &[f32], row: &mut [u8]) {
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the token is proof that the processor has the features.
        Isa::Avx2(_) | Isa::AvxVnni(_) => unsafe { quantise_avx2::<BLOCK>(x, row) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Isa::Avx512(_) | Isa::Amx(_) => unsafe { quantise_avx512::<BLOCK>(x, row) },
        _ => quantise_row::<BLOCK>(x, row),
    }
}

// The same Rust code, compiled for wider vectors: it has no sum whose order could change.

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn quantise_avx2<const BLOCK: usize>(x: &[f32], row: &mut [u8]) {
    quantise_row::<BLOCK>(x, row);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
fn quantise_avx512<const BLOCK: usize>(x: &[f32], row: &mut [u8]) {
    quantise_row::<BLOCK>(x, row);
}

#[inline(always)]
fn quantise_row<const BLOCK: usize>(x: &[f32], row: &mut [u8]) {
    for (x, record) in x.chunks(CHUNK).zip(row.as_chunks_mut::<RECORD>().0) {
        match x.as_array() {
            Some(x) => quantise_record::<BLOCK>(x, record),
            None => {
                let mut padded = [0.0; CHUNK];
                padded[..x.len()].copy_from_slice(x);
                quantise_record::<BLOCK>(&padded, record);
            }
        }
    }
}

#[inline(always)]
fn quantise_record<const BLOCK: usize>(x: &[f32; CHUNK], record: &mut [u8; RECORD]) {
    let (codes, rest) = record.split_at_mut(SCALES);
    let (scales, sums) = rest.split_at_mut(SUMS - SCALES);
    let blocks = x.as_chunks::<BLOCK>().0.iter().zip(codes.as_chunks_mut::<BLOCK>().0);
    for ((x, codes), scale) in blocks.zip(scales.as_chunks_mut().0) {
        let (step, inverse) = scale_and_inverse(x);
        *scale = step.to_ne_bytes();
        if inverse == 0.0 {
            codes.fill(0);
            continue;
        }
        for (code, x) in codes.iter_mut().zip(x) {
            *code = round(x * inverse) as u8;
        }
    }
    for (sum, codes) in sums.as_chunks_mut().0.iter_mut().zip(codes.as_chunks::<16>().0) {
        // As unsigned bytes, of which processors add many at once.
        let above = codes.iter().map(|code| u32::from(code ^ 0x80)).sum::<u32>();
        *sum = (above as i16 - 16 * 0x80).to_ne_bytes();
    }
    if BLOCK == CHUNK {
        write_pairs(record);
    }
}

/// See [`Record::pairs`].
#[inline(always)]
fn write_pairs(record: &mut [u8; RECORD]) {
    let sums: [i16; 8] = std::array::from_fn(|j| {
        let [a, b, c, d] = std::array::from_fn(|i| record[SUMS + 4 * j + i]);
        i16::from_ne_bytes([a, b]) + i16::from_ne_bytes([c, d])
    });
    for (j, pair) in record[PAIRS..SUMS].as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let first = j / 2 * 4 + j % 2;
        *pair = (i32::from(sums[first] as u16) | i32::from(sums[first + 2]) << 16).to_ne_bytes();
    }
}

/// To the nearest integer, ties to even, for magnitudes below 2²²: beside 1.5 · 2²³ an f32 has no room for a fraction.
#[inline(always)]
fn round(x: f32) -> i32 {
    const SHIFT: f32 = 12_582_912.0;
    ((x + SHIFT).to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32)
}

/// `largest / 127` and `127 / largest`. Blocks below 2⁻¹⁰⁰ become zeros; blocks with an infinity or NaN get a NaN scale, so that
/// every output that they reach is NaN.
#[inline(always)]
fn scale_and_inverse(x: &[f32]) -> (f32, f32) {
    // As integers, magnitudes are ordered like the numbers, and NaN above all.
    let largest = x.iter().fold(0, |largest, x| largest.max(x.to_bits() & 0x7FFF_FFFF));
    let largest = f32::from_bits(largest);
    if !largest.is_finite() {
        return (f32::NAN, 0.0);
    }
    if largest < f32::from_bits((127 - 100) << 23) {
        return (0.0, 0.0);
    }
    (largest / 127.0, 127.0 / largest)
}
