//! Chunks of formats with blocks of 32 weights: one addition a block.

use super::blocks::{Inputs, Prepared};
use super::codes::{self, Streamed, Strip, is_streamed};
use crate::activations::Record;
use crate::packed::BLOCKS;
use crate::products::{CodeVectors, FOUR, FormatType, Products, code_offset};

/// Adds a chunk of `N` strips times all rows to `sums`.
#[inline(always)]
pub(super) fn add<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    strips: [Strip<'_>; N],
    inputs: Inputs<'_, '_>,
    ahead: usize,
    mut sums: [&mut [P::Float; ROWS]; N],
) {
    let rows = inputs.len().min(ROWS);
    for block in 0..BLOCKS {
        let mut scales = [(products.splat_float(0.0), products.splat_float(0.0)); N];
        for n in 0..N {
            scales[n].0 = codes::block_scale::<P, F>(products, strips[n], block);
            if F::FORMAT.has_min() {
                scales[n].1 = codes::block_min::<P, F>(products, strips[n], block);
            }
        }
        if ROWS == 1 && const { is_streamed(F::FORMAT) } {
            let weights = Streamed::<P, F, N>::new(products, strips, block, ahead);
            add_rows::<P, F, ROWS, N, 1>(products, &weights, &scales, inputs, (0, block), &mut sums);
            continue;
        }
        let mut weights = [[products.splat(0); 8]; N];
        for n in 0..N {
            weights[n] = codes::codes::<P, F, N>(products, strips[n], block, (ahead, true));
        }
        let mut row = 0;
        while P::ROWS == FOUR && ROWS >= FOUR && row + FOUR <= rows {
            add_rows::<P, F, ROWS, N, FOUR>(products, &weights, &scales, inputs, (row, block), &mut sums);
            row += FOUR;
        }
        while row < rows {
            add_rows::<P, F, ROWS, N, 1>(products, &weights, &scales, inputs, (row, block), &mut sums);
            row += 1;
        }
    }
}

/// Adds a chunk of one strip and one row, whose dots are there.
#[inline(always)]
pub(super) fn add_dots<P: Products, F: FormatType>(
    products: P,
    strip: Strip<'_>,
    dots: &[P::Int],
    (record, prepared): (&Record<'_>, &Prepared),
    sum: &mut P::Float,
) {
    for block in 0..BLOCKS {
        let scale = codes::block_scale::<P, F>(products, strip, block);
        let mut scaled = products.mul_float(products.to_float(dots[block]), scale);
        if F::FORMAT.has_min() {
            let min = codes::block_min::<P, F>(products, strip, block);
            scaled = products.fma(min, products.as_float(products.splat(prepared[block])), scaled);
        }
        *sum = products.fma(scaled, products.splat_float(record.scale(block)), *sum);
    }
}

/// Adds the products of a block with inputs of `R` rows from `row` on. `scales` are scale and minimum of each strip.
#[inline(always)]
fn add_rows<P: Products, F: FormatType, const ROWS: usize, const N: usize, const R: usize>(
    products: P,
    weights: &impl CodeVectors<P::Int, N>,
    scales: &[(P::Float, P::Float); N],
    inputs: Inputs<'_, '_>,
    (row, block): (usize, usize),
    sums: &mut [&mut [P::Float; ROWS]; N],
) {
    let records = inputs.rows::<R>(row);
    let mut starts = [products.splat(0); R];
    for r in 0..R {
        starts[r] = products.splat(if code_offset(F::FORMAT) == 0 { 0 } else { inputs.prepared[row + r][block] });
    }
    let dots = products.dots::<F, N, R>(starts, weights, records, 8 * block);
    for r in 0..R {
        let input_scale = products.splat_float(records[r].scale(block));
        let prepared = inputs.prepared[row + r][block];
        for n in 0..N {
            let (scale, min) = scales[n];
            let mut scaled = products.mul_float(products.to_float(dots[n][r]), scale);
            if F::FORMAT.has_min() {
                scaled = products.fma(min, products.as_float(products.splat(prepared)), scaled);
            }
            sums[n][row + r] = products.fma(scaled, input_scale, sums[n][row + r]);
        }
    }
}
