//! Linear layers, one lane an output row, for every instruction set at once.
//!
//! A tile is walked in *steps* ([`walk`]): a few groups against up to [`MANY`] rows of activations. Within a step, chunk after
//! chunk is unpacked once for all rows. Weights stay in registers while the rows pass by; each output has its own lane, so that the
//! order of additions is that of the specification whatever the tile.

pub(crate) mod blocks;
mod blocks256;
mod blocks32;
pub(crate) mod codes;
mod numbers;
mod turns;
mod walk;

use std::ops::Range;

use quant::Format;

use crate::Tile;
use crate::activations::Activations;
use crate::packed::{GROUP, PackedMatrix};
use crate::products::{FOUR, FormatType, Products, formats};
use walk::{Manner, Walk};

/// Rows of activations that share an unpacked chunk. Their records (10 KiB) and sums stay in the first-level cache.
const MANY: usize = 32;

/// Rows whose sums take so little room that clearing it costs nothing beside a small tile.
const FEW: usize = 8;

/// Bytes of weights whose groups are taken together for all rows: they stay in the second-level cache.
const RESIDENT_BYTES: usize = 384 << 10;

/// `out[row, col] = Σ weights[col, k] · activations[row, k]` for the rows and columns of the tile.
pub(crate) fn linear<P: Products>(products: P, weights: &PackedMatrix, activations: &Activations, out: &mut Tile<'_>) {
    linear_in(Manner::detect(), products, weights, activations, out);
}

fn linear_in<P: Products>(
    manner: Manner,
    products: P,
    weights: &PackedMatrix,
    activations: &Activations,
    out: &mut Tile<'_>,
) {
    let (groups, rows) = (out.cols().start / GROUP..out.cols().end.div_ceil(GROUP), out.rows());
    let is_numbers = weights.format().block_weights() == 1;
    let many = if is_numbers { numbers::many::<P>() } else { MANY };
    // A single block of rows reads the weights once: let it run on.
    let resident = match rows.len() <= many {
        true => groups.len().max(1),
        false => (RESIDENT_BYTES / weights.group(0).as_flattened().len()).max(1).next_multiple_of(walk::WIDEST),
    };
    let strips = if is_numbers { numbers::strips::<P> } else { blocks::strips::<P> };
    for first in groups.clone().step_by(resident) {
        let groups = first..groups.end.min(first + resident);
        for first in rows.clone().step_by(many) {
            let rows = first..rows.end.min(first + many);
            let walk = if P::LANES < GROUP && rows.len() == 1 {
                Walk::near(groups.clone(), P::LANES)
            } else {
                let streamed = rows.len() == 1 && codes::is_streamed(weights.format());
                Walk::new(manner, groups.clone(), rows.len(), (P::LANES, strips(rows.len())), streamed)
            };
            multiply(products, &Block { weights, activations, walk, rows }, out);
        }
    }
}

/// Some groups of weights times up to [`MANY`] rows of activations.
struct Block<'a> {
    weights: &'a PackedMatrix,
    activations: &'a Activations,
    walk: Walk,
    rows: Range<usize>,
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
        1 if P::LANES == GROUP / 4 => products.enter(turns::Turns::<F, 4>::new(block, out)),
        1 if P::LANES == GROUP / 2 => products.enter(turns::Turns::<F, 2>::new(block, out)),
        1 => products.enter(blocks::Blocks::<F, 1>::new(block, out)),
        2..FOUR if P::ROWS == FOUR => products.enter(blocks::Blocks::<F, { FOUR - 1 }>::new(block, out)),
        ..=FEW => products.enter(blocks::Blocks::<F, FEW>::new(block, out)),
        _ => products.enter(blocks::Blocks::<F, MANY>::new(block, out)),
    }
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use quant::Format;

    use super::*;
    use crate::{ActivationFormat, Bands, Grid, Isa, Pool};

    /// On which processor a manner is chosen must not matter.
    #[test]
    fn all_manners_give_the_same_bits() {
        let Some(Isa::Avx2(isa)) = Isa::from_name("avx2") else { return };
        let (rows_of_weights, cols) = (16 * 11, 768);
        for format in [Format::Q4K, Format::Q8_0, Format::F16] {
            let mut random = testkit::Random::new(1);
            let bytes = rows_of_weights * format.row_bytes(cols).unwrap();
            // Bytes up to 63 are small scales, and no NaN.
            let file: Vec<u8> = (0..bytes).map(|_| random.bits() as u8 & 0x3F).collect();
            let weights = PackedMatrix::from_rows(format, rows_of_weights, cols, &file).unwrap();
            for rows in [1, 2, 5, 16, 17, 40] {
                let mut x = Activations::new(ActivationFormat::for_weights(format), rows, cols);
                x.write(Isa::Scalar, &random.floats(rows * cols));
                let [in_order, apart] = [Manner::InOrder, Manner::Apart].map(|manner| {
                    let mut out = vec![0.0; rows * rows_of_weights];
                    let grid = Grid::new(&mut out, rows_of_weights, Bands::Every(rows), rows_of_weights);
                    Pool::new(1).unwrap().for_each_tile(&mut [grid], |_, mut tile| {
                        linear_in(manner, crate::x86_64::avx2::EightRows::of(isa), &weights, &x, &mut tile);
                    });
                    out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
                });
                assert!(in_order == apart, "{format}, {rows} rows");
            }
        }
    }
}
