//! Blocks whose codes name numbers of ggml's non-linear codebook: the scale with the least weighted squared error.
//! Without a measured importance, a weight's error is weighted by its own square.

use super::{nearest, pack, reciprocal};
use crate::{Codes32, Codes256, Format, f32_to_f16};

/// Below this, a block is all zeros.
const NOTHING: f32 = 1e-15;
/// Candidates put the largest magnitude on the end of the codebook, moved by up to so many units.
const RUNGS: i8 = 7;

pub(super) fn iq4_nl(weights: &[f32; 32]) -> [u8; 18] {
    iq4_nl_by(weights, &weights.map(|x| x * x))
}

/// With errors weighted by `importance`.
pub(super) fn iq4_nl_by(weights: &[f32; 32], importance: &[f32; 32]) -> [u8; 18] {
    let d = scale(weights, importance);
    let inverse = reciprocal(d);
    // What is all zeros keeps code 0, as in the reference, which leaves what it does not need unset.
    let codes = weights.map(|weight| code(inverse * weight));
    pack::q4_0(&Codes32 { d: f32_to_f16(d), min: 0, codes })
}

pub(super) fn iq4_xs(weights: &[f32; 256]) -> [u8; 136] {
    iq4_xs_by(weights, &weights.map(|x| x * x))
}

/// With errors weighted by `importance`. Six-bit scales from -32; the one of largest magnitude becomes -32 itself.
pub(super) fn iq4_xs_by(weights: &[f32; 256], importance: &[f32; 256]) -> [u8; 136] {
    let (sub_blocks, importance) = (weights.as_chunks::<32>().0, importance.as_chunks::<32>().0);
    let mut found = [0.0; 8];
    for (found, (sub_block, importance)) in found.iter_mut().zip(sub_blocks.iter().zip(importance)) {
        *found = scale(sub_block, importance);
    }
    let extreme = found.iter().fold(0f32, |extreme, &d| if d.abs() > extreme.abs() { d } else { extreme });
    let d = -extreme / 32.0;
    let inverse = reciprocal(d);
    let mut block = Codes256 { d: f32_to_f16(d), dmin: 0, scales: [0; 16], mins: [0; 16], codes: [0; 256] };
    for (j, sub_block) in sub_blocks.iter().enumerate() {
        let scale = nearest(inverse * found[j]).clamp(-32.0, 31.0);
        let inverse = reciprocal(d * scale);
        block.scales[j] = scale as i8;
        block.codes[32 * j..][..32].copy_from_slice(&sub_block.map(|weight| code(inverse * weight)));
    }
    pack::iq4_xs(&block)
}

/// The best of the candidates for one sub-block.
fn scale(weights: &[f32; 32], importance: &[f32; 32]) -> f32 {
    let extreme = weights.iter().fold(0f32, |extreme, &w| if w.abs() > extreme.abs() { w } else { extreme });
    if extreme.abs() < NOTHING {
        return 0.0;
    }
    let end = value(0);
    let (sum_qx, sum_q2) = sums(weights, importance, 1.0 / (-extreme / end));
    let mut d = if sum_q2 > 0.0 { sum_qx / sum_q2 } else { 0.0 };
    let mut best = d * sum_qx;
    for rung in -RUNGS..=RUNGS {
        let (sum_qx, sum_q2) = sums(weights, importance, (f32::from(rung) + end) / extreme);
        if sum_q2 > 0.0 && sum_qx * sum_qx > best * sum_q2 {
            d = sum_qx / sum_q2;
            best = d * sum_qx;
        }
    }
    d
}

/// Sums of `w · q · x` and `w · q²`, with `w` the importance and `q` the number nearest to `x · inverse`.
fn sums(weights: &[f32; 32], importance: &[f32; 32], inverse: f32) -> (f32, f32) {
    let nearest = weights.map(|x| value(code(inverse * x)));
    weights
        .iter()
        .zip(importance)
        .zip(nearest)
        .fold((0.0, 0.0), |(sum_qx, sum_q2), ((x, w), q)| (sum_qx + w * q * x, sum_q2 + w * q * q))
}

/// The code of the number nearest to `x`: how many midpoints between neighbours it has reached.
fn code(x: f32) -> u8 {
    const DOUBLE_MIDPOINTS: [f32; 15] = {
        let mut sums = [0.0; 15];
        let mut j = 0;
        while j < 15 {
            sums[j] = Format::IQ4NL.code_value(j as u8) as f32 + Format::IQ4NL.code_value(j as u8 + 1) as f32;
            j += 1;
        }
        sums
    };
    DOUBLE_MIDPOINTS.iter().map(|&sum| u8::from(x + x >= sum)).sum()
}

fn value(code: u8) -> f32 {
    f32::from(Format::IQ4NL.code_value(code))
}
