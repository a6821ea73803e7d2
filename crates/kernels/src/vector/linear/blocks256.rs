//! Chunks of formats with blocks of 256 weights: integers throughout, one addition a chunk.

use super::blocks::Prepared;
use super::codes::{self, Strip};
use crate::activations::Record;
use crate::packed::BLOCKS;
use crate::products::{FormatType, Products, code_offset};

/// Adds a chunk of `N` strips times all rows to `sums`.
#[inline(always)]
pub(super) fn add<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    strips: [Strip<'_>; N],
    records: &[Record<'_>],
    prepared: &[Prepared],
    sums: [&mut [P::Float; ROWS]; N],
) {
    let rows = records.len().min(prepared.len()).min(ROWS);
    let mut totals = [[products.splat(0); ROWS]; N];
    let mut scales = [[products.splat(0); 16]; N];
    for n in 0..N {
        scales[n] = codes::sub_scales::<P, F>(products, strips[n]);
    }
    for block in 0..BLOCKS {
        let mut weights = [[products.splat(0); 8]; N];
        for n in 0..N {
            weights[n] = codes::codes::<P, F>(products, strips[n], block);
        }
        for row in 0..rows {
            match F::FORMAT.sub_block() {
                32 => {
                    let dots = products.dots::<F, N>(
                        [correction::<P, F>(products, &prepared[row], block); N],
                        &weights,
                        &records[row],
                        8 * block,
                    );
                    for n in 0..N {
                        totals[n][row] = products.add(totals[n][row], products.mul(dots[n], scales[n][block]));
                    }
                }
                _ => {
                    let first = correction::<P, F>(products, &prepared[row], 2 * block);
                    let second = correction::<P, F>(products, &prepared[row], 2 * block + 1);
                    let dots =
                        products.half_dots::<F, N>([[first; N], [second; N]], &weights, &records[row], 8 * block);
                    for n in 0..N {
                        let first = products.mul(dots[0][n], scales[n][2 * block]);
                        let second = products.mul(dots[1][n], scales[n][2 * block + 1]);
                        totals[n][row] = products.add(totals[n][row], products.add(first, second));
                    }
                }
            }
        }
    }
    for n in 0..N {
        finish::<P, F, ROWS>(products, strips[n], &totals[n], &records[..rows], prepared, sums[n]);
    }
}

/// What products of unsigned codes and the inputs of a sub-block begin with.
#[inline(always)]
fn correction<P: Products, F: FormatType>(products: P, prepared: &Prepared, sub_block: usize) -> P::Int {
    products.splat(if code_offset(F::FORMAT) == 0 { 0 } else { prepared[sub_block] })
}

/// From integers to sums.
#[inline(always)]
fn finish<P: Products, F: FormatType, const ROWS: usize>(
    products: P,
    strip: Strip<'_>,
    totals: &[P::Int; ROWS],
    records: &[Record<'_>],
    prepared: &[Prepared],
    sums: &mut [P::Float; ROWS],
) {
    let (scale, min_scale) = codes::super_scales::<P, F>(products, strip);
    let mins = codes::mins::<P, F>(products, strip);
    for (row, record) in records.iter().enumerate() {
        let mut scaled = products.mul_float(products.to_float(totals[row]), scale);
        if F::FORMAT.has_min() {
            let mut total = products.splat(0);
            for j in 0..128 / F::FORMAT.sub_block() {
                total = products.dot_pairs(total, mins[j], products.splat(prepared[row][j]));
            }
            scaled = products.fnma(products.to_float(total), min_scale, scaled);
        }
        sums[row] = products.fma(scaled, products.splat_float(record.scale(0)), sums[row]);
    }
}
