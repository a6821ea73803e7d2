//! The specification of linear layers: what every other instruction set must give, to the bit.

use quant::{Codes32, Codes256, Format, f16_to_f32};

use crate::Tile;
use crate::activations::{Activations, Record};
use crate::packed::{BLOCKS, CHUNK, GROUP, PackedMatrix, read32, read256};

/// `out[row, col] = Σ weights[col, k] · activations[row, k]` for the rows and columns of the tile.
pub(crate) fn linear(weights: &PackedMatrix, activations: &Activations, out: &mut Tile<'_>) {
    let mut sums = vec![0.0; out.rows().len()];
    for col in out.cols() {
        sums.fill(0.0);
        match weights.format().block_weights() {
            1 => add_numbers(weights, activations, out, col, &mut sums),
            32 => add_blocks32(weights, activations, out, col, &mut sums),
            _ => add_blocks256(weights, activations, out, col, &mut sums),
        }
        let first = out.cols().start;
        for (row, &sum) in out.rows().zip(&sums) {
            out.row_mut(row)[col - first] = sum;
        }
    }
}

/// Weights in blocks of 32: one addition a block, in order.
fn add_blocks32(weights: &PackedMatrix, activations: &Activations, out: &Tile<'_>, col: usize, sums: &mut [f32]) {
    let (format, group) = (weights.format(), weights.group(col / GROUP));
    for chunk in 0..weights.cols().div_ceil(CHUNK) {
        for block in 0..BLOCKS {
            let codes = read32(format, weights.chunk(group, chunk), col % GROUP, block);
            for (row, sum) in out.rows().zip(&mut *sums) {
                *sum = add_block32(format, &codes, activations.record(row, chunk), block, *sum);
            }
        }
    }
}

fn add_block32(format: Format, w: &Codes32, x: Record<'_>, block: usize, sum: f32) -> f32 {
    let products = (0..32).map(|k| i32::from(format.code_value(w.codes[k])) * code(x, 32 * block + k));
    let scaled = products.sum::<i32>() as f32 * w.scale(format);
    let with_min = match format.has_min() {
        true => f16_to_f32(w.min).mul_add(x.sum32(block) as f32, scaled),
        false => scaled,
    };
    with_min.mul_add(x.scale(block), sum)
}

/// Weights in blocks of 256: one addition a block, in order.
fn add_blocks256(weights: &PackedMatrix, activations: &Activations, out: &Tile<'_>, col: usize, sums: &mut [f32]) {
    let (format, group) = (weights.format(), weights.group(col / GROUP));
    for chunk in 0..weights.cols().div_ceil(CHUNK) {
        let codes = read256(format, weights.chunk(group, chunk), col % GROUP);
        for (row, sum) in out.rows().zip(&mut *sums) {
            *sum = add_block256(format, &codes, activations.record(row, chunk), *sum);
        }
    }
}

fn add_block256(format: Format, w: &Codes256, x: Record<'_>, sum: f32) -> f32 {
    let scale = |k: usize| i32::from(w.scales[k / format.sub_block()]);
    let products = (0..CHUNK).map(|k| scale(k) * i32::from(format.code_value(w.codes[k])) * code(x, k));
    let scaled = products.sum::<i32>() as f32 * f16_to_f32(w.d);
    let with_min = match format.has_min() {
        true => {
            let min = |j: usize| i32::from(w.mins[16 * j / format.sub_block()]);
            let mins: i32 = (0..16).map(|j| min(j) * x.sum16(j)).sum();
            (-(mins as f32)).mul_add(f16_to_f32(w.dmin), scaled)
        }
        false => scaled,
    };
    with_min.mul_add(x.scale(0), sum)
}

/// Plain numbers: one addition an input, in order.
fn add_numbers(weights: &PackedMatrix, activations: &Activations, out: &Tile<'_>, col: usize, sums: &mut [f32]) {
    let mut row_weights = vec![0.0; weights.cols()];
    weights.unpack_row(col, &mut row_weights);
    for (row, sum) in out.rows().zip(sums) {
        let x = activations.numbers(row).iter().map(|&x| f32::from_ne_bytes(x));
        *sum = row_weights.iter().zip(x).fold(*sum, |sum, (w, x)| w.mul_add(x, sum));
    }
}

fn code(x: Record<'_>, k: usize) -> i32 {
    i32::from(x.codes4(k / 4).to_le_bytes()[k % 4] as i8)
}
