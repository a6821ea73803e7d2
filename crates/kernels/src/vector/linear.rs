//! Linear layers, one lane an output row, for every instruction set at once.
//!
//! A tile is walked in *steps*: a few groups from distant places of the tile, because several streams of weights arrive
//! faster from memory than one, against up to [`MANY`] rows of activations. Within a step, chunk after chunk is
//! unpacked once for all rows. Weights stay in registers while the rows pass by; each output has its own lane, so that the
//! order of additions is that of the specification whatever the tile.

pub(crate) mod blocks;
mod blocks256;
mod blocks32;
pub(crate) mod codes;
mod numbers;

use std::ops::Range;

use quant::Format;

use crate::Tile;
use crate::activations::Activations;
use crate::packed::{GROUP, PackedMatrix};
use crate::products::{FormatType, Products, formats};

/// Rows of activations that share an unpacked chunk. Their records (10 KiB) and sums stay in the first-level cache.
const MANY: usize = 32;

/// Most streams of weights in a step: what has to be prepared of the inputs is shared by so many groups.
const STREAMS: usize = 4;

/// Streams where the weights' way from memory is what takes time, and rows for which it is. By measurement (Zen 5): two
/// streams reach 80–90 % of what a plain read does, four 65–80 %.
const DECODE_STREAMS: usize = 2;
const DECODE_ROWS: usize = 4;

/// Bytes of weights whose groups are taken together for all rows: they stay in the second-level cache.
const RESIDENT_BYTES: usize = 384 << 10;

/// `out[row, col] = Σ weights[col, k] · activations[row, k]` for the rows and columns of the tile.
pub(crate) fn linear<P: Products>(products: P, weights: &PackedMatrix, activations: &Activations, out: &mut Tile<'_>) {
    let (groups, rows) = (out.cols().start / GROUP..out.cols().end.div_ceil(GROUP), out.rows());
    // A single block of rows reads the weights once: let the streams run on.
    let resident = match rows.len() <= MANY {
        true => groups.len().max(1),
        false => (RESIDENT_BYTES / weights.group(0).as_flattened().len()).max(1).next_multiple_of(STREAMS),
    };
    for first in groups.clone().step_by(resident) {
        let groups = first..groups.end.min(first + resident);
        for first in rows.clone().step_by(MANY) {
            let rows = first..rows.end.min(first + MANY);
            multiply(products, &Block { weights, activations, groups: groups.clone(), rows }, out);
        }
    }
}

/// Some groups of weights times up to [`MANY`] rows of activations.
struct Block<'a> {
    weights: &'a PackedMatrix,
    activations: &'a Activations,
    groups: Range<usize>,
    rows: Range<usize>,
}

impl Block<'_> {
    /// Narrow vectors make many strips of a group, and a step has room for [`blocks::MAX_STRIPS`].
    fn num_streams(&self, lanes: usize) -> usize {
        let streams = if self.rows.len() <= DECODE_ROWS { DECODE_STREAMS } else { STREAMS };
        streams.min(blocks::MAX_STRIPS * lanes / GROUP)
    }

    fn num_steps(&self, lanes: usize) -> usize {
        self.groups.len().div_ceil(self.num_streams(lanes))
    }

    /// The groups that belong together in a step: one of each stream.
    fn step(&self, step: usize, lanes: usize) -> Step {
        let (mut groups, mut len) = ([0; STREAMS], 0);
        let streams = self.num_streams(lanes);
        let start = |stream: usize| self.groups.start + self.groups.len() * stream / streams;
        for stream in 0..streams {
            if start(stream) + step < start(stream + 1) {
                groups[len] = start(stream) + step;
                len += 1;
            }
        }
        Step { groups, len }
    }
}

/// Up to [`STREAMS`] groups of weights.
#[derive(Clone, Copy)]
struct Step {
    groups: [usize; STREAMS],
    len: usize,
}

impl Step {
    /// Vectors of `lanes` rows.
    #[inline(always)]
    fn num_strips(&self, lanes: usize) -> usize {
        self.len * (GROUP / lanes)
    }

    /// Group and part of a strip.
    #[inline(always)]
    fn strip(&self, index: usize, lanes: usize) -> (usize, usize) {
        let parts = GROUP / lanes;
        (self.groups[index / parts], index % parts)
    }
}

macro_rules! multiply_by_format {
    (numbers: $($number:ident)*; blocks: $($block:ident)*) => {
        fn multiply<P: Products>(products: P, block: &Block<'_>, out: &mut Tile<'_>) {
            match block.weights.format() {
                $(Format::$number => products.enter(numbers::Numbers::<formats::$number>::new(block, out)),)*
                $(Format::$block => multiply_blocks::<P, formats::$block>(products, block, out),)*
                other => unreachable!("{other} has no kernel"),
            }
        }
    };
}

multiply_by_format!(
    numbers: F32 F16 BF16;
    blocks: Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2K Q3K Q4K Q5K Q6K IQ4NL IQ4XS MXFP4
);

fn multiply_blocks<P: Products, F: FormatType>(products: P, block: &Block<'_>, out: &mut Tile<'_>) {
    match block.rows.len() {
        1 => products.enter(blocks::Blocks::<F, 1>::new(block, out)),
        _ => products.enter(blocks::Blocks::<F, MANY>::new(block, out)),
    }
}
