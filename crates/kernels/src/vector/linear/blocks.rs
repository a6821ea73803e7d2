//! Steps over block formats: chunk after chunk, for all rows.

use std::marker::PhantomData;

use super::codes::Strip;
use super::walk::{Step, WIDEST};
use super::{Block, blocks32, blocks256};
use crate::Tile;
use crate::activations::{Record, Records};
use crate::aligned::LINE;
use crate::packed::{CHUNK, GROUP, Layout};
use crate::products::{FormatType, Products, ProductsOperation, code_offset, largest_code};

/// A block of weights of format `F`, with room for `ROWS` rows.
pub(super) struct Blocks<'a, 'b, 'c, F, const ROWS: usize> {
    block: &'a Block<'b>,
    out: &'a mut Tile<'c>,
    format: PhantomData<F>,
}

/// What is needed of the inputs beside codes and scales, once for all strips of a step: in formats with minimums the sums that
/// these are multiplied with, elsewhere the sums of products when the weights are 0.
pub(crate) type Prepared = [i32; 16];

/// Most strips of a step: four groups in two parts, or two in four.
pub(super) const MAX_STRIPS: usize = 2 * WIDEST;

/// Strips that are multiplied side by side, so that they share the inputs. A single row's inputs are little work, not worth a second
/// group that lies elsewhere; and a second strip is not worth its registers where rows do not share the weights.
pub(super) const fn strips<P: Products>(rows: usize) -> usize {
    if rows < P::ROWS || rows == 1 { 1 } else { P::STRIPS }
}

impl<'a, 'b, 'c, F: FormatType, const ROWS: usize> Blocks<'a, 'b, 'c, F, ROWS> {
    pub(super) fn new(block: &'a Block<'b>, out: &'a mut Tile<'c>) -> Self {
        assert!(block.rows.len() <= ROWS, "{} rows in a block of {ROWS}", block.rows.len());
        Self { block, out, format: PhantomData }
    }
}

/// Where a step works. Rows beyond those of the block are void.
struct Scratch<'a, P: Products, const ROWS: usize> {
    /// All records of each row.
    rows: [Records<'a>; ROWS],
    /// Those of a chunk.
    records: [Record<'a>; ROWS],
    prepared: [Prepared; ROWS],
    /// Of each strip, and of a strip that is multiplied to make the number even.
    sums: [[P::Float; ROWS]; MAX_STRIPS + 1],
    totals: [[P::Int; ROWS]; 2],
}

impl<F: FormatType, const ROWS: usize> ProductsOperation for Blocks<'_, '_, '_, F, ROWS> {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        let Self { block, out, .. } = self;
        let first = block.activations.row_records(block.rows.start);
        let mut scratch = Scratch::<P, ROWS> {
            rows: [first; ROWS],
            records: [first.get(0); ROWS],
            prepared: [[0; 16]; ROWS],
            sums: [[products.splat_float(0.0); ROWS]; MAX_STRIPS + 1],
            totals: [[products.splat(0); ROWS]; 2],
        };
        let rows = if ROWS == 1 { 1 } else { block.rows.len().min(ROWS) };
        for row in 0..rows {
            scratch.rows[row] = block.activations.row_records(block.rows.start + row);
        }
        for step in 0..block.walk.num_steps() {
            let step = block.walk.step(block.weights, step);
            for index in 0..step.num_strips(P::LANES) {
                scratch.sums[index][..rows].fill(products.splat_float(0.0));
            }
            for chunk in 0..block.weights.cols().div_ceil(CHUNK) {
                add_chunk::<P, F, ROWS>(products, block, &step, chunk, rows, &mut scratch);
            }
            write(products, block, &step, &scratch.sums, out);
        }
    }
}

#[inline(always)]
fn add_chunk<'a, P: Products, F: FormatType, const ROWS: usize>(
    products: P,
    block: &Block<'a>,
    step: &Step<'a>,
    chunk: usize,
    rows: usize,
    scratch: &mut Scratch<'a, P, ROWS>,
) {
    for row in 0..rows {
        scratch.records[row] = scratch.rows[row].get(chunk);
        scratch.prepared[row] = prepare::<F>(&scratch.records[row], is_late::<P, F>());
    }
    let inputs = Inputs { records: &scratch.records[..rows], prepared: &scratch.prepared[..rows] };
    let chunk_bytes = const { Layout::of(F::FORMAT).lines() } * LINE;
    let num_chunks = block.weights.cols().div_ceil(CHUNK);
    let ahead = block.walk.ahead((num_chunks - chunk) * chunk_bytes, num_chunks * chunk_bytes);
    let num_strips = step.num_strips(P::LANES);
    let (sums, spare) = scratch.sums.split_at_mut(MAX_STRIPS);
    for index in (0..num_strips).step_by(strips::<P>(ROWS)) {
        let first = strip::<P, F>(step, chunk, index);
        if strips::<P>(ROWS) == 1 {
            add_strips::<P, F, ROWS, 1>(products, [first], inputs, ahead, &mut scratch.totals, [&mut sums[index]]);
        } else if let [sums, sums_of_second, ..] = &mut sums[index..] {
            let last = index + 1 == num_strips;
            let second = if last { first } else { strip::<P, F>(step, chunk, index + 1) };
            let sums = [sums, if last { &mut spare[0] } else { sums_of_second }];
            add_strips::<P, F, ROWS, 2>(products, [first, second], inputs, ahead, &mut scratch.totals, sums);
        }
    }
}

#[inline(always)]
fn strip<'a, P: Products, F: FormatType>(step: &Step<'a>, chunk: usize, index: usize) -> Strip<'a> {
    let lines = const { Layout::of(F::FORMAT).lines() };
    let (_, group, part) = step.strip(index, P::LANES);
    Strip { lines: &group[chunk * lines..][..lines], part }
}

/// The inputs of a chunk, of the same number of rows.
#[derive(Clone, Copy)]
pub(super) struct Inputs<'a, 'b> {
    pub(super) records: &'b [Record<'a>],
    pub(super) prepared: &'b [Prepared],
}

impl<'a, 'b> Inputs<'a, 'b> {
    /// Rows, of which the slices have the same number; said so that no index need be checked.
    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.records.len().min(self.prepared.len())
    }

    /// The records of rows `first..first + R`.
    #[inline(always)]
    pub(super) fn rows<const R: usize>(&self, first: usize) -> [&'b Record<'a>; R] {
        let mut rows = [&self.records[first]; R];
        for r in 1..R {
            rows[r] = &self.records[first + r];
        }
        rows
    }
}

#[inline(always)]
fn add_strips<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    strips: [Strip<'_>; N],
    inputs: Inputs<'_, '_>,
    ahead: usize,
    totals: &mut [[P::Int; ROWS]; 2],
    sums: [&mut [P::Float; ROWS]; N],
) {
    match F::FORMAT.block_weights() {
        32 => blocks32::add::<P, F, ROWS, N>(products, strips, inputs, ahead, sums),
        _ => blocks256::add::<P, F, ROWS, N>(products, strips, inputs, ahead, totals, sums),
    }
}

/// Whether unsigned codes are multiplied as they are, and what their offset makes of it is subtracted from a chunk's totals.
pub(super) const fn is_late<P: Products, F: FormatType>() -> bool {
    P::NARROW_SCALES && F::FORMAT.block_weights() == 256 && code_offset(F::FORMAT) > 0 && largest_code(F::FORMAT) < 128
}

/// `in_pairs`: the sums of 16 inputs as for minimums, whether or not the format has them.
#[inline(always)]
pub(crate) fn prepare<F: FormatType>(record: &Record<'_>, in_pairs: bool) -> Prepared {
    let mut prepared = [0; 16];
    let offset = -code_offset(F::FORMAT);
    match (F::FORMAT.has_min() || in_pairs, F::FORMAT.sub_block()) {
        (true, _) if F::FORMAT.block_weights() == 32 => {
            for j in 0..8 {
                prepared[j] = (record.sum32(j) as f32).to_bits() as i32;
            }
        }
        // Pairs of i16 as `codes::mins` has them: sums 0 and 2, 1 and 3, of each four.
        (true, 16) => {
            for j in 0..8 {
                let first = j / 2 * 4 + j % 2;
                prepared[j] = record.sum16(first) & 0xFFFF | record.sum16(first + 2) << 16;
            }
        }
        (true, _) => prepared[..4].copy_from_slice(&record.pairs()),
        (false, 16) => {
            for j in 0..16 {
                prepared[j] = offset * record.sum16(j);
            }
        }
        (false, _) => {
            for j in 0..8 {
                prepared[j] = offset * record.sum32(j);
            }
        }
    }
    prepared
}

#[inline(always)]
pub(super) fn write<P: Products, const ROWS: usize>(
    products: P,
    block: &Block<'_>,
    step: &Step<'_>,
    sums: &[[P::Float; ROWS]],
    out: &mut Tile<'_>,
) {
    let cols = out.cols();
    for index in 0..step.num_strips(P::LANES) {
        let (group, _, part) = step.strip(index, P::LANES);
        let first = group * GROUP + part * P::LANES;
        let end = cols.end.min(first + P::LANES);
        for row in 0..block.rows.len().min(ROWS) {
            if first < end {
                let out = &mut out.row_mut(block.rows.start + row)[first - cols.start..end - cols.start];
                products.store(sums[index][row], out);
            }
        }
    }
}
