//! Chunks of formats with blocks of 256 weights: integers throughout, one addition a chunk.

use super::blocks::{Inputs, Prepared};
use super::codes::{self, Streamed, Strip, is_streamed};
use crate::packed::BLOCKS;
use crate::products::{CodeVectors, FormatType, Products, code_offset};

/// Adds a chunk of `N` strips times all rows to `sums`. Leaves integers in `totals`, whose contents do not matter.
#[inline(always)]
pub(super) fn add<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    strips: [Strip<'_>; N],
    inputs: Inputs<'_, '_>,
    ahead: usize,
    totals: &mut [[P::Int; ROWS]; 2],
    sums: [&mut [P::Float; ROWS]; N],
) {
    let rows = inputs.len().min(ROWS);
    // Of each block's first and second sub-block; two variables, so that no memory is cleared for what a format lacks.
    let (mut firsts, mut seconds) = ([[products.splat(0); BLOCKS]; N], [[products.splat(0); BLOCKS]; N]);
    for n in 0..N {
        let scales = codes::sub_scales::<P, F>(products, strips[n]);
        for block in 0..BLOCKS {
            let first = 32 / F::FORMAT.sub_block() * block;
            firsts[n][block] = scales[first];
            if F::FORMAT.sub_block() == 16 {
                seconds[n][block] = scales[first + 1];
            }
        }
    }
    for block in 0..BLOCKS {
        let mut scales = [[products.splat(0); 2]; N];
        for n in 0..N {
            scales[n] = [firsts[n][block], seconds[n][block]];
        }
        if ROWS == 1 && const { is_streamed(F::FORMAT) } {
            let weights = Streamed::<P, F, N>::new(products, strips, block, ahead);
            let dots = scaled_dots::<P, F, N>(products, &weights, &scales, inputs, 0, block);
            for n in 0..N {
                totals[n][0] = if block == 0 { dots[n] } else { products.add(totals[n][0], dots[n]) };
            }
            continue;
        }
        let mut weights = [[products.splat(0); 8]; N];
        for n in 0..N {
            weights[n] = codes::codes::<P, F>(products, strips[n], block, (ahead, ROWS == 1));
        }
        if block == 0 {
            for row in 0..rows {
                let dots = scaled_dots::<P, F, N>(products, &weights, &scales, inputs, row, block);
                for n in 0..N {
                    totals[n][row] = dots[n];
                }
            }
        } else {
            for row in 0..rows {
                let dots = scaled_dots::<P, F, N>(products, &weights, &scales, inputs, row, block);
                for n in 0..N {
                    totals[n][row] = products.add(totals[n][row], dots[n]);
                }
            }
        }
    }
    if ROWS > 1 {
        for n in 0..N {
            codes::ask_for_rest::<P, F>(products, strips[n], ahead);
        }
    }
    finish::<P, F, ROWS, N>(products, strips, totals, inputs, sums);
}

/// Products of 32 inputs of a row, times the integer scales.
#[inline(always)]
fn scaled_dots<P: Products, F: FormatType, const N: usize>(
    products: P,
    weights: &impl CodeVectors<P::Int, N>,
    scales: &[[P::Int; 2]; N],
    inputs: Inputs<'_, '_>,
    row: usize,
    block: usize,
) -> [P::Int; N] {
    let (record, prepared) = (&inputs.records[row], &inputs.prepared[row]);
    let mut scaled = [products.splat(0); N];
    if F::FORMAT.sub_block() == 32 {
        let start = correction::<P, F>(products, prepared, block);
        let dots = products.dots::<F, N>([start; N], weights, record, 8 * block);
        for n in 0..N {
            scaled[n] = products.mul(dots[n], scales[n][0]);
        }
    } else {
        let first = correction::<P, F>(products, prepared, 2 * block);
        let second = correction::<P, F>(products, prepared, 2 * block + 1);
        let dots = products.half_dots::<F, N>([[first; N], [second; N]], weights, record, 8 * block);
        for n in 0..N {
            let first = products.mul(dots[0][n], scales[n][0]);
            scaled[n] = products.add(first, products.mul(dots[1][n], scales[n][1]));
        }
    }
    scaled
}

/// What products of unsigned codes and the inputs of a sub-block begin with.
#[inline(always)]
fn correction<P: Products, F: FormatType>(products: P, prepared: &Prepared, sub_block: usize) -> P::Int {
    products.splat(if code_offset(F::FORMAT) == 0 { 0 } else { prepared[sub_block] })
}

/// From integers to sums.
#[inline(always)]
fn finish<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    strips: [Strip<'_>; N],
    totals: &[[P::Int; ROWS]; 2],
    inputs: Inputs<'_, '_>,
    sums: [&mut [P::Float; ROWS]; N],
) {
    let (mut scales, mut mins) =
        ([(products.splat_float(0.0), products.splat_float(0.0)); N], [[products.splat(0); 8]; N]);
    for n in 0..N {
        scales[n] = codes::super_scales::<P, F>(products, strips[n]);
        mins[n] = codes::mins::<P, F>(products, strips[n]);
    }
    for row in 0..inputs.len().min(ROWS) {
        let input_scale = products.splat_float(inputs.records[row].scale(0));
        for n in 0..N {
            let (scale, min_scale) = scales[n];
            let mut scaled = products.mul_float(products.to_float(totals[n][row]), scale);
            if F::FORMAT.has_min() {
                let mut total = products.splat(0);
                for j in 0..128 / F::FORMAT.sub_block() {
                    total = products.dot_pairs(total, mins[n][j], products.splat(inputs.prepared[row][j]));
                }
                scaled = products.fnma(products.to_float(total), min_scale, scaled);
            }
            sums[n][row] = products.fma(scaled, input_scale, sums[n][row]);
        }
    }
}
