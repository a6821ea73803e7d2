//! Chunks of formats with blocks of 32 weights: one addition a block.

use super::blocks::Inputs;
use super::codes::{self, Strip};
use crate::packed::BLOCKS;
use crate::products::{FormatType, Products, code_offset};

/// Adds a chunk of `N` strips times all rows to `sums`.
#[inline(always)]
pub(super) fn add<P: Products, F: FormatType, const ROWS: usize, const N: usize>(
    products: P,
    strips: [Strip<'_>; N],
    inputs: Inputs<'_, '_>,
    ahead: usize,
    sums: [&mut [P::Float; ROWS]; N],
) {
    let rows = inputs.len().min(ROWS);
    for block in 0..BLOCKS {
        let mut weights = [[products.splat(0); 8]; N];
        let (mut scales, mut mins) = ([products.splat_float(0.0); N], [products.splat_float(0.0); N]);
        for n in 0..N {
            weights[n] = codes::codes::<P, F>(products, strips[n], block, (ahead, true));
            scales[n] = codes::block_scale::<P, F>(products, strips[n], block);
            if F::FORMAT.has_min() {
                mins[n] = codes::block_min::<P, F>(products, strips[n], block);
            }
        }
        for row in 0..rows {
            let (record, prepared) = (&inputs.records[row], inputs.prepared[row][block]);
            let start = products.splat(if code_offset(F::FORMAT) == 0 { 0 } else { prepared });
            let input_scale = products.splat_float(record.scale(block));
            let dots = products.dots::<F, N>([start; N], &weights, record, 8 * block);
            for n in 0..N {
                let mut scaled = products.mul_float(products.to_float(dots[n]), scales[n]);
                if F::FORMAT.has_min() {
                    scaled = products.fma(mins[n], products.as_float(products.splat(prepared)), scaled);
                }
                sums[n][row] = products.fma(scaled, input_scale, sums[n][row]);
            }
        }
    }
}
