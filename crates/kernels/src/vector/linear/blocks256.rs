//! Chunks of formats with blocks of 256 weights: integers throughout, one addition a chunk.

use std::slice::from_ref;

use super::blocks::{Inputs, Prepared, is_late};
use super::codes::{self, Streamed, Strip, is_streamed};
use crate::activations::Record;
use crate::packed::BLOCKS;
use crate::products::{CodeVectors, FOUR, FormatType, Products, code_offset, num_unscaled};

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
            add_rows::<P, F, ROWS, N, 1>(products, &weights, &scales, inputs, (0, block), totals);
            continue;
        }
        let mut weights = [[products.splat(0); 8]; N];
        for n in 0..N {
            weights[n] = codes::codes::<P, F, N>(products, strips[n], block, (ahead, ROWS == 1));
        }
        // Whether totals begin here is asked once.
        match block {
            0 => add_block::<P, F, ROWS, N>(products, &weights, &scales, inputs, 0, totals),
            _ => add_block::<P, F, ROWS, N>(products, &weights, &scales, inputs, block, totals),
        }
    }
    if ROWS > 1 {
        for n in 0..N {
            codes::ask_for_rest::<P, F, N>(products, strips[n], ahead);
        }
    }
    finish::<P, F, ROWS, N>(products, strips, totals, inputs, sums);
}

/// Adds 32 inputs of all rows to totals, which begin with block 0.
#[inline(always)]
fn add_block<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    weights: &[[P::Int; 8]; N],
    scales: &[[P::Int; 2]; N],
    inputs: Inputs<'_, '_>,
    block: usize,
    totals: &mut [[P::Int; ROWS]; 2],
) {
    let rows = inputs.len().min(ROWS);
    let mut row = 0;
    while P::ROWS == FOUR && ROWS >= FOUR && row + FOUR <= rows {
        add_rows::<P, F, ROWS, N, FOUR>(products, weights, scales, inputs, (row, block), totals);
        row += FOUR;
    }
    while row < rows {
        add_rows::<P, F, ROWS, N, 1>(products, weights, scales, inputs, (row, block), totals);
        row += 1;
    }
}

/// Adds 32 inputs of `R` rows from `row` on.
#[inline(always)]
fn add_rows<P: Products, F: FormatType, const ROWS: usize, const N: usize, const R: usize>(
    products: P,
    weights: &impl CodeVectors<P::Int, N>,
    scales: &[[P::Int; 2]; N],
    inputs: Inputs<'_, '_>,
    (row, block): (usize, usize),
    totals: &mut [[P::Int; ROWS]; 2],
) {
    // Of the only sub-block, or of two.
    let mut corrections = [[products.splat(0); R]; 2];
    if code_offset(F::FORMAT) > 0 && !is_late::<P, F>() {
        let count = 32 / F::FORMAT.sub_block();
        for j in 0..count {
            for r in 0..R {
                corrections[j][r] = products.splat(inputs.prepared[row + r][count * block + j]);
            }
        }
    }
    let dots = products.scaled_dots::<F, N, R>(corrections, weights, scales, inputs.rows::<R>(row), 8 * block);
    for n in 0..N {
        for r in 0..R {
            totals[n][row + r] = if block == 0 { dots[n][r] } else { products.add(totals[n][row + r], dots[n][r]) };
        }
    }
}

/// Adds a chunk of one strip and one row, whose dots are there but for the scales.
#[inline(always)]
pub(super) fn add_dots<P: Products, F: FormatType>(
    products: P,
    strip: Strip<'_>,
    dots: &[P::Int],
    (record, prepared): (&Record<'_>, &Prepared),
    sum: &mut P::Float,
) {
    let (each, halves) = const { (num_unscaled::<P, F>(), 32 / F::FORMAT.sub_block()) };
    let scales = codes::sub_scales::<P, F>(products, strip);
    let mut total = products.splat(0);
    for block in 0..BLOCKS {
        for i in 0..each {
            let scale = scales[halves * block + i / (each / halves)];
            total = products.add_scaled::<F>(total, dots[each * block + i], scale);
        }
    }
    let inputs = Inputs { records: from_ref(record), prepared: from_ref(prepared) };
    let mut sums = [*sum];
    finish::<P, F, 1, 1>(products, [strip], &[[total], [total]], inputs, [&mut sums]);
    *sum = sums[0];
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
        mins[n] = match is_late::<P, F>() {
            true => codes::scale_pairs::<P, F>(products, strips[n]),
            false => codes::mins::<P, F>(products, strips[n]),
        };
    }
    for row in 0..inputs.len().min(ROWS) {
        let input_scale = products.splat_float(inputs.records[row].scale(0));
        for n in 0..N {
            let (scale, min_scale) = scales[n];
            let mut sum_of_mins = products.splat(0);
            if F::FORMAT.has_min() || is_late::<P, F>() {
                for j in 0..128 / F::FORMAT.sub_block() {
                    sum_of_mins = products.dot_pairs(sum_of_mins, mins[n][j], products.splat(inputs.prepared[row][j]));
                }
            }
            let mut total = totals[n][row];
            if is_late::<P, F>() {
                total = products.add(total, products.mul(sum_of_mins, products.splat(-code_offset(F::FORMAT))));
            }
            let mut scaled = products.mul_float(products.to_float(total), scale);
            if F::FORMAT.has_min() {
                scaled = products.fnma(products.to_float(sum_of_mins), min_scale, scaled);
            }
            sums[n][row] = products.fma(scaled, input_scale, sums[n][row]);
        }
    }
}
