//! Chunks of formats with blocks of 32 weights: one addition a block.

use super::blocks::Inputs;
use super::codes::{self, Streamed, Strip, is_streamed};
use crate::packed::BLOCKS;
use crate::products::{CodeVectors, FormatType, Products, code_offset};

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
            add_row::<P, F, ROWS, N>(products, &weights, &scales, inputs, (0, block), &mut sums);
            continue;
        }
        let mut weights = [[products.splat(0); 8]; N];
        for n in 0..N {
            weights[n] = codes::codes::<P, F>(products, strips[n], block, (ahead, true));
        }
        for row in 0..rows {
            add_row::<P, F, ROWS, N>(products, &weights, &scales, inputs, (row, block), &mut sums);
        }
    }
}

/// Adds the products of a block with inputs of a row. `scales` are scale and minimum of each strip.
#[inline(always)]
fn add_row<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    weights: &impl CodeVectors<P::Int, N>,
    scales: &[(P::Float, P::Float); N],
    inputs: Inputs<'_, '_>,
    (row, block): (usize, usize),
    sums: &mut [&mut [P::Float; ROWS]; N],
) {
    let (record, prepared) = (&inputs.records[row], inputs.prepared[row][block]);
    let start = products.splat(if code_offset(F::FORMAT) == 0 { 0 } else { prepared });
    let input_scale = products.splat_float(record.scale(block));
    let dots = products.dots::<F, N>([start; N], weights, record, 8 * block);
    for n in 0..N {
        let (scale, min) = scales[n];
        let mut scaled = products.mul_float(products.to_float(dots[n]), scale);
        if F::FORMAT.has_min() {
            scaled = products.fma(min, products.as_float(products.splat(prepared)), scaled);
        }
        sums[n][row] = products.fma(scaled, input_scale, sums[n][row]);
    }
}
