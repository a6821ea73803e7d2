//! The same searches with a measured importance: how much an error in each column of a matrix counts.
//!
//! The importance of a column is the mean square of what it is multiplied with, over some text. An error then weighs the
//! importance times `√(σ² + x²)`, where `σ²` is the mean square around the weight: over the row in formats of 32, over
//! the block in formats of 256. All of it is ggml's (`quantize_row_*_impl`), to the byte.

use super::blocks256::{Found, Q2_K, Q4_K, Q5_K, q6_k_of, refine, sub_blocks};
use super::lanes::{LANES, Lanes, side_by_side};
use super::search::{Fit, Ladder, symmetric, with_min};
use super::{codebook, pack};
use crate::{Codes32, Codes256, Format, f32_to_f16};

/// Encodes one whole row, as long as `importance` and right for the format. Formats without a search do not look at it,
/// and are left to the caller: false.
pub(super) fn row(format: Format, weights: &[f32], importance: &[f32], out: &mut [u8]) -> bool {
    match format {
        Format::Q4_0 => blocks32(weights, importance, out, |x, w| symmetric(x, w, 8.0), pack::q4_0),
        Format::Q5_0 => blocks32(weights, importance, out, |x, w| symmetric(x, w, 16.0), pack::q5_0),
        Format::Q4_1 => blocks32(weights, importance, out, |x, w| with_min(x, w, &ladder(15.0)), pack::q4_1),
        Format::Q5_1 => blocks32(weights, importance, out, |x, w| with_min(x, w, &ladder(31.0)), pack::q5_1),
        Format::Q2K => each(weights, importance, out, |x, w| pack::q2_k(&with_mins::<16>(x, w, 1.0, Q2_K))),
        Format::Q3K => each(weights, importance, out, q3_k),
        Format::Q4K => each(weights, importance, out, |x, w| pack::q4_k(&with_mins::<32>(x, w, 2.0, Q4_K))),
        Format::Q5K => each(weights, importance, out, |x, w| pack::q5_k(&with_mins::<32>(x, w, 2.0, Q5_K))),
        Format::Q6K => each(weights, importance, out, q6_k),
        Format::IQ4NL => each(weights, importance, out, |x, w| codebook::iq4_nl_by(x, &weighed(x, w, 2.0))),
        Format::IQ4XS => each(weights, importance, out, |x, w| codebook::iq4_xs_by(x, &weighed(x, w, 2.0))),
        _ => return false,
    }
    true
}

/// Encodes block after block.
fn each<const W: usize, const B: usize>(
    weights: &[f32],
    importance: &[f32],
    out: &mut [u8],
    encode: impl Fn(&[f32; W], &[f32; W]) -> [u8; B],
) {
    let blocks = weights.as_chunks().0.iter().zip(importance.as_chunks().0);
    blocks.zip(out.as_chunks_mut().0).for_each(|((weights, importance), out)| *out = encode(weights, importance));
}

/// Blocks of 32, eight at a time; what is missing at the end of the row is zero.
fn blocks32<const B: usize>(
    weights: &[f32],
    importance: &[f32],
    out: &mut [u8],
    search: impl Fn(&[Lanes; 32], &[Lanes; 32]) -> Fit<32>,
    pack: impl Fn(&Codes32) -> [u8; B],
) {
    let mean_square = sum_of_squares(weights) / weights.len() as f32;
    let eights = weights.chunks(32 * LANES).zip(importance.chunks(32 * LANES));
    for ((weights, importance), out) in eights.zip(out.chunks_mut(LANES * B)) {
        let (mut x, mut w) = ([0.0; 32 * LANES], [0.0; 32 * LANES]);
        x[..weights.len()].copy_from_slice(weights);
        for (w, (x, importance)) in w.iter_mut().zip(weights.iter().zip(importance)) {
            *w = importance * (mean_square + x * x).sqrt();
        }
        let fit = search(&side_by_side(&x), &side_by_side(&w));
        for (lane, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
            let (d, min) = (f32_to_f16(fit.scale.0[lane]), f32_to_f16(-fit.min.0[lane]));
            *out = pack(&Codes32 { d, min, codes: fit.codes.map(|code| code.0[lane] as u8) });
        }
    }
}

/// Scales and minimums, each with the least weighted error as integers up to `top`, then codes up to `codes`.
fn with_mins<const N: usize>(
    weights: &[f32; 256],
    importance: &[f32; 256],
    spread: f32,
    (top, codes): (f32, f32),
) -> Codes256 {
    let weighed = weighed(weights, importance, spread);
    let found = searched::<N>(weights, &weighed, |x, w| with_min(x, w, &ladder(codes)));
    let sums = sums::<N>(&weighed);
    let count = 256 / N;
    let (d, scales) = positive(&found.scales[..count], &sums, top);
    let (dmin, mins) = positive(&found.mins[..count], &sums, top);
    let scales = scales.map(|scale| scale as i8);
    let mut block = Codes256 { d: f32_to_f16(d), dmin: f32_to_f16(dmin), scales, mins, codes: found.codes };
    refine::<N>(weights, &mut block, (0.0, codes));
    block
}

/// Six-bit scales from -32, found like codes.
fn q3_k(weights: &[f32; 256], importance: &[f32; 256]) -> [u8; 110] {
    let weighed = weighed(weights, importance, 2.0);
    let found = searched::<16>(weights, &weighed, |x, w| symmetric(x, w, 4.0));
    let fit = symmetric(&found.scales.map(Lanes::all), &sums::<16>(&weighed).map(Lanes::all), 32.0);
    let scales = fit.codes.map(|code| code.0[0] as i8 - 32);
    let mut block = Codes256 { d: f32_to_f16(fit.scale.0[0]), dmin: 0, scales, mins: [0; 16], codes: found.codes };
    refine::<16>(weights, &mut block, (-4.0, 3.0));
    pack::q3_k(&block)
}

/// The importance alone weighs here.
fn q6_k(weights: &[f32; 256], importance: &[f32; 256]) -> [u8; 210] {
    q6_k_of(weights, searched::<16>(weights, importance, |x, w| symmetric(x, w, 32.0)))
}

fn searched<const N: usize>(
    weights: &[f32; 256],
    weighed: &[f32; 256],
    search: impl Fn(&[Lanes; N], &[Lanes; N]) -> Fit<N>,
) -> Found {
    sub_blocks::<N>(weights, |group, x| search(x, &side_by_side(&weighed[group * LANES * N..])))
}

/// What an error of each weight counts; `σ²` is `spread` times the mean square of the block.
fn weighed<const W: usize>(weights: &[f32; W], importance: &[f32; W], spread: f32) -> [f32; W] {
    let square = spread * sum_of_squares(weights) / W as f32;
    std::array::from_fn(|i| importance[i] * (square + weights[i] * weights[i]).sqrt())
}

fn sum_of_squares(weights: &[f32]) -> f32 {
    weights.iter().fold(0.0, |sum, x| sum + x * x)
}

/// Sums of sub-blocks of `N`.
fn sums<const N: usize>(weighed: &[f32; 256]) -> [f32; 16] {
    let mut sums = [0.0; 16];
    for (sum, weighed) in sums.iter_mut().zip(weighed.chunks_exact(N)) {
        *sum = weighed.iter().fold(0.0, |sum, weight| sum + weight);
    }
    sums
}

/// Steps as ggml tries them whenever an importance is given.
fn ladder(codes: f32) -> Ladder {
    Ladder { codes, first: -0.9, step: 0.05, count: 36, magnitudes: false }
}

/// `values ≈ scale · integers` with integers up to `top` and the least weighted squared error (`make_qp_quants`): the best
/// of nine steps, then each integer changed by itself as long as that helps.
fn positive(values: &[f32], weights: &[f32; 16], top: f32) -> (f32, [u8; 16]) {
    let largest = values.iter().fold(0f32, |largest, &value| if value > largest { value } else { largest });
    let mut integers = [0; 16];
    if largest < NOTHING {
        return (0.0, integers);
    }
    let top_integer = top as i32;
    let step = best_step(values, weights, top, largest);
    let (mut sum_lx, mut sum_l2) = (0.0, 0.0);
    for (i, (&x, w)) in values.iter().zip(weights).enumerate() {
        let integer = nearest(step * x).min(top_integer);
        let l = integer as f32;
        integers[i] = integer as u8;
        (sum_lx, sum_l2) = (sum_lx + w * x * l, sum_l2 + w * l * l);
    }
    for _ in 0..5 {
        let mut changed = false;
        for (i, (&x, w)) in values.iter().zip(weights).enumerate() {
            let old = f32::from(integers[i]);
            let (rest_lx, rest_l2) = (sum_lx - w * x * old, sum_l2 - w * old * old);
            if !(rest_lx > 0.0 && rest_l2 > 0.0) {
                continue;
            }
            let integer = nearest(x * rest_l2 / rest_lx).min(top_integer);
            let l = integer as f32;
            let (new_lx, new_l2) = (rest_lx + w * x * l, rest_l2 + w * l * l);
            if l != old && new_lx * new_lx * sum_l2 > sum_lx * sum_lx * new_l2 {
                (integers[i], sum_lx, sum_l2, changed) = (integer as u8, new_lx, new_l2, true);
            }
        }
        if !changed {
            break;
        }
    }
    (if sum_l2 > 0.0 { sum_lx / sum_l2 } else { 0.0 }, integers)
}

/// Integers for each unit, with the least error as they fall.
fn best_step(values: &[f32], weights: &[f32; 16], top: f32, largest: f32) -> f32 {
    let error = |step: f32, most: i32| {
        let scale = 1.0 / step;
        values.iter().zip(weights).fold(0.0, |sum, (&x, w)| {
            let off = x - scale * nearest(step * x).min(most) as f32;
            sum + w * off * off
        })
    };
    let mut best = top / largest;
    let mut least = error(best, i32::MAX);
    for rung in (-4..=4).filter(|rung| *rung != 0) {
        let step = (0.1 * rung as f32 + top) / largest;
        let error = error(step, top as i32);
        if error < least {
            (best, least) = (step, error);
        }
    }
    best
}

/// The nearest whole number as ggml takes it (`nearest_int`), beyond 2²² too, where it is anything.
fn nearest(value: f32) -> i32 {
    ((value + 12_582_912.0).to_bits() & 0x007F_FFFF) as i32 - 0x0040_0000
}

/// Below this, all scales are zero.
const NOTHING: f32 = 1e-15;
