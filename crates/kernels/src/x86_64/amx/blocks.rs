//! Block formats in tiles: some groups of weights at a time against some rows of activations, chunk after chunk.

use std::arch::x86_64::*;
use std::ops::Range;

use quant::Format;

use super::tiles::{Shape, Sums, Tiles};
use super::weights::{Weights, are_negative, are_split};
use crate::Tile;
use crate::activations::{Activations, Record, TILE_ROWS};
use crate::isa::Avx512;
use crate::packed::{BLOCKS, CHUNK, GROUP, Layout, PackedMatrix};
use crate::products::{FormatType, Products, formats};
use crate::vector::linear::blocks::{Prepared, prepare};
use crate::vector::linear::codes::{self, Strip};

/// Rows of activations that share the weights' tiles, and groups of weights that share the rows' records. With the tiles of
/// one group (8 KiB) the records of a chunk (16 KiB) and the sums (16 KiB) stay in a first-level cache of 48 KiB.
const ROWS: usize = 64;
const GROUPS: usize = 4;

// The registers: four of sums, two of activations, two of weights.
const FIRST: usize = 4;
const SECOND: usize = 5;
const HIGH: usize = 6;
const LOW: usize = 7;

/// Shapes of the registers: 64 inputs at a time, or 32 where each block has a scale of its own.
pub(super) fn shapes(format: Format) -> [Shape; 8] {
    let mut shapes = [Shape::FULL; 8];
    if format.block_weights() == 32 {
        shapes[FIRST..=SECOND].fill(Shape { rows: 16, row_bytes: 32 });
        shapes[HIGH..=LOW].fill(Shape { rows: 8, row_bytes: 64 });
    }
    shapes
}

/// As [`crate::linear`], for block formats, on a unit with registers of these [`shapes`].
pub(super) fn linear<T: Tiles>(
    isa: Avx512,
    unit: &mut T,
    weights: &PackedMatrix,
    activations: &Activations,
    out: &mut Tile<'_>,
) {
    let groups = out.cols().start / GROUP..out.cols().end.div_ceil(GROUP);
    for first in groups.clone().step_by(GROUPS) {
        let groups = first..groups.end.min(first + GROUPS);
        for first in out.rows().step_by(ROWS) {
            let rows = first..out.rows().end.min(first + ROWS);
            Block { weights, activations, groups: groups.clone(), rows }.multiply(isa, unit, out);
        }
    }
}

/// Up to [`GROUPS`] groups of weights times up to [`ROWS`] rows of activations.
struct Block<'a> {
    weights: &'a PackedMatrix,
    activations: &'a Activations,
    groups: Range<usize>,
    rows: Range<usize>,
}

/// The inputs of a chunk, of up to [`ROWS`] rows.
struct Inputs<'a> {
    records: [Record<'a>; ROWS],
    prepared: [Prepared; ROWS],
    rows: usize,
    /// The records' bytes, and how far one is from the next.
    bytes: &'a [u8],
    stride: usize,
}

/// Where a block works.
struct Scratch {
    weights: Weights,
    products: Products16,
}

/// What four registers of sums hold.
#[repr(align(64))]
struct Products16([Sums; 4]);

macro_rules! multiply_by_format {
    ($($format:ident)*) => {
        impl Block<'_> {
            fn multiply<T: Tiles>(&self, isa: Avx512, unit: &mut T, out: &mut Tile<'_>) {
                match self.weights.format() {
                    // SAFETY: `isa` is the proof that the processor has the instructions.
                    $(Format::$format => unsafe { self.multiply_as::<formats::$format, T>(isa, unit, out) },)*
                    other => unreachable!("{other} has no tiles"),
                }
            }
        }
    };
}

multiply_by_format!(Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2K Q3K Q4K Q5K Q6K IQ4NL IQ4XS MXFP4);

impl Block<'_> {
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")]
    fn multiply_as<F: FormatType, T: Tiles>(&self, isa: Avx512, unit: &mut T, out: &mut Tile<'_>) {
        let lines = const { Layout::of(F::FORMAT).lines() };
        let mut sums = [[isa.splat_float(0.0); ROWS]; GROUPS];
        let mut scratch = Scratch { weights: Weights::new(), products: Products16([[[0; 16]; 16]; 4]) };
        for chunk in 0..self.weights.cols().div_ceil(CHUNK) {
            let inputs = self.inputs::<F>(chunk);
            for (group, sums) in self.groups.clone().zip(&mut sums) {
                let strip = Strip { lines: &self.weights.group(group)[chunk * lines..][..lines], part: 0 };
                match F::FORMAT.block_weights() {
                    32 => add32::<F, T>(isa, unit, strip, &inputs, &mut scratch, sums),
                    _ => add256::<F, T>(isa, unit, strip, &inputs, &mut scratch, sums),
                }
            }
        }
        self.write(isa, &sums, out);
    }

    #[inline(always)]
    fn inputs<F: FormatType>(&self, chunk: usize) -> Inputs<'_> {
        let (bytes, stride) = self.activations.records(self.rows.start, chunk);
        let mut records = [self.activations.record(self.rows.start, chunk); ROWS];
        let mut prepared = [[0; 16]; ROWS];
        for (i, row) in self.rows.clone().enumerate() {
            records[i] = self.activations.record(row, chunk);
            if F::FORMAT.has_min() {
                prepared[i] = prepare::<F>(&records[i], false);
            }
        }
        Inputs { records, prepared, rows: self.rows.len().min(ROWS), bytes, stride }
    }

    #[inline(always)]
    fn write(&self, isa: Avx512, sums: &[[__m512; ROWS]; GROUPS], out: &mut Tile<'_>) {
        let cols = out.cols();
        for (group, sums) in self.groups.clone().zip(sums) {
            let (first, end) = (group * GROUP, cols.end.min((group + 1) * GROUP));
            for (row, sum) in self.rows.clone().zip(sums) {
                isa.store(*sum, &mut out.row_mut(row)[first - cols.start..end - cols.start]);
            }
        }
    }
}

impl Inputs<'_> {
    /// Rows in pairs of tiles, and whether the second has any.
    #[inline(always)]
    fn pairs(&self) -> impl Iterator<Item = (usize, bool)> {
        let rows = self.rows;
        (0..rows).step_by(2 * TILE_ROWS).map(move |first| (first, first + TILE_ROWS < rows))
    }

    /// Inputs `input..` of a tile of rows.
    #[inline(always)]
    fn tile(&self, row: usize, input: usize) -> &[u8] {
        &self.bytes[row * self.stride + input..]
    }
}

/// Adds a chunk of a format with blocks of 256 weights: integers throughout, one addition a chunk.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")]
fn add256<F: FormatType, T: Tiles>(
    isa: Avx512,
    unit: &mut T,
    strip: Strip<'_>,
    inputs: &Inputs<'_>,
    scratch: &mut Scratch,
    sums: &mut [__m512; ROWS],
) {
    scratch.weights.unpack_scaled::<F>(isa, strip);
    let (scale, min_scale) = codes::super_scales::<Avx512, F>(isa, strip);
    let mins = codes::mins::<Avx512, F>(isa, strip);
    let Products16([high, low, second_high, second_low]) = &mut scratch.products;
    for (first, has_second) in inputs.pairs() {
        multiply256::<F, T>(unit, &scratch.weights, inputs, first, has_second);
        if are_split(F::FORMAT) {
            unit.store::<0>(high);
        }
        unit.store::<1>(low);
        if has_second {
            if are_split(F::FORMAT) {
                unit.store::<2>(second_high);
            }
            unit.store::<3>(second_low);
        }
        for row in first..inputs.rows.min(first + 2 * TILE_ROWS) {
            let (high, low) = if row < first + TILE_ROWS { (&*high, &*low) } else { (&*second_high, &*second_low) };
            let total = total::<F>(isa, &high[row % TILE_ROWS], &low[row % TILE_ROWS]);
            let mut scaled = isa.mul_float(isa.to_float(total), scale);
            if F::FORMAT.has_min() {
                let mut total = isa.splat(0);
                for j in 0..128 / F::FORMAT.sub_block() {
                    total = isa.dot_pairs(total, mins[j], isa.splat(inputs.prepared[row][j]));
                }
                scaled = isa.fnma(isa.to_float(total), min_scale, scaled);
            }
            let input_scale = isa.splat_float(inputs.records[row].scale(0));
            sums[row] = isa.fma(scaled, input_scale, sums[row]);
        }
    }
}

/// A chunk of one or two tiles of rows, into registers 0 (high) and 1 (low), 2 and 3.
#[inline(always)]
fn multiply256<F: FormatType, T: Tiles>(
    unit: &mut T,
    weights: &Weights,
    inputs: &Inputs<'_>,
    first: usize,
    has_second: bool,
) {
    unit.zero::<0>();
    unit.zero::<1>();
    unit.zero::<2>();
    unit.zero::<3>();
    for tile in 0..CHUNK / 64 {
        unit.load::<LOW>(weights.low(tile), 64);
        unit.load::<FIRST>(inputs.tile(first, 64 * tile), inputs.stride);
        unit.multiply::<1, FIRST, LOW>();
        if are_split(F::FORMAT) {
            unit.load::<HIGH>(weights.high(tile), 64);
            unit.multiply::<0, FIRST, HIGH>();
        }
        if has_second {
            unit.load::<SECOND>(inputs.tile(first + TILE_ROWS, 64 * tile), inputs.stride);
            unit.multiply::<3, SECOND, LOW>();
            if are_split(F::FORMAT) {
                unit.multiply::<2, SECOND, HIGH>();
            }
        }
    }
}

/// The integer sums of one row.
#[inline(always)]
fn total<F: FormatType>(isa: Avx512, high: &[i32; 16], low: &[i32; 16]) -> __m512i {
    let low = isa.load(integers(low), 0);
    if are_negative(F::FORMAT) {
        // Sums stay far from the lowest i32, so that all bits turned over and one added are the opposite.
        return isa.add(isa.xor(low, isa.splat(-1)), isa.splat(1));
    }
    match are_split(F::FORMAT) {
        true => isa.add(isa.shift_left(isa.load(integers(high), 0), 6), low),
        false => low,
    }
}

/// Adds a chunk of a format with blocks of 32 weights: one addition a block.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")]
fn add32<F: FormatType, T: Tiles>(
    isa: Avx512,
    unit: &mut T,
    strip: Strip<'_>,
    inputs: &Inputs<'_>,
    scratch: &mut Scratch,
    sums: &mut [__m512; ROWS],
) {
    scratch.weights.unpack::<F>(isa, strip);
    for pair in 0..BLOCKS / 2 {
        let blocks = [2 * pair, 2 * pair + 1];
        let (mut scales, mut mins) = ([isa.splat_float(0.0); 2], [isa.splat_float(0.0); 2]);
        for (b, block) in blocks.into_iter().enumerate() {
            scales[b] = codes::block_scale::<Avx512, F>(isa, strip, block);
            if F::FORMAT.has_min() {
                mins[b] = codes::block_min::<Avx512, F>(isa, strip, block);
            }
        }
        for (first, has_second) in inputs.pairs() {
            multiply32(unit, &scratch.weights, inputs, (first, has_second), blocks);
            let Products16(products) = &mut scratch.products;
            unit.store::<0>(&mut products[0]);
            unit.store::<1>(&mut products[1]);
            if has_second {
                unit.store::<2>(&mut products[2]);
                unit.store::<3>(&mut products[3]);
            }
            for row in first..inputs.rows.min(first + 2 * TILE_ROWS) {
                let tile = (row - first) / TILE_ROWS * 2;
                for (b, block) in blocks.into_iter().enumerate() {
                    let dots = isa.load(integers(&products[tile + b][row % TILE_ROWS]), 0);
                    let mut scaled = isa.mul_float(isa.to_float(dots), scales[b]);
                    if F::FORMAT.has_min() {
                        let sum = isa.as_float(isa.splat(inputs.prepared[row][block]));
                        scaled = isa.fma(mins[b], sum, scaled);
                    }
                    let input_scale = isa.splat_float(inputs.records[row].scale(block));
                    sums[row] = isa.fma(scaled, input_scale, sums[row]);
                }
            }
        }
    }
}

/// Two blocks of one or two tiles of rows, into registers 0 and 1, 2 and 3.
#[inline(always)]
fn multiply32<T: Tiles>(
    unit: &mut T,
    weights: &Weights,
    inputs: &Inputs<'_>,
    (first, has_second): (usize, bool),
    blocks: [usize; 2],
) {
    unit.zero::<0>();
    unit.zero::<1>();
    unit.zero::<2>();
    unit.zero::<3>();
    unit.load::<HIGH>(weights.block(blocks[0]), 64);
    unit.load::<LOW>(weights.block(blocks[1]), 64);
    unit.load::<FIRST>(inputs.tile(first, 32 * blocks[0]), inputs.stride);
    unit.multiply::<0, FIRST, HIGH>();
    unit.load::<FIRST>(inputs.tile(first, 32 * blocks[1]), inputs.stride);
    unit.multiply::<1, FIRST, LOW>();
    if has_second {
        unit.load::<SECOND>(inputs.tile(first + TILE_ROWS, 32 * blocks[0]), inputs.stride);
        unit.multiply::<2, SECOND, HIGH>();
        unit.load::<SECOND>(inputs.tile(first + TILE_ROWS, 32 * blocks[1]), inputs.stride);
        unit.multiply::<3, SECOND, LOW>();
    }
}

/// A row of sums as a line.
#[inline(always)]
fn integers(row: &[i32; 16]) -> &[u8; 64] {
    // SAFETY: sixteen i32 are 64 bytes, and bytes may lie anywhere.
    unsafe { &*std::ptr::from_ref(row).cast() }
}
