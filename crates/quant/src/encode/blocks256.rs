//! Blocks of 256 weights: scales of sub-blocks by search, rounded to integers, and codes for what the rounding left.

use super::lanes::{LANES, Lanes, side_by_side};
use super::search::{Fit, Ladder, squares, symmetric, symmetric_by_turns, with_min};
use super::{nearest, pack};
use crate::{Codes256, f16_to_f32, f32_to_f16};

/// Below this, a block is all zeros.
const NOTHING: f32 = 1e-15;
/// The largest scale or minimum, and the largest code.
pub(super) const Q2_K: (f32, f32) = (15.0, 3.0);
pub(super) const Q4_K: (f32, f32) = (63.0, 15.0);
pub(super) const Q5_K: (f32, f32) = (63.0, 31.0);

pub(super) fn q2_k(weights: &[f32; 256]) -> [u8; 84] {
    let ladder = Ladder { codes: 3.0, first: -0.5, step: 0.1, count: 15, magnitudes: true };
    let found = sub_blocks::<16>(weights, |_, x| with_min(x, &x.map(Lanes::abs), &ladder));
    pack::q2_k(&scales_and_mins::<16>(weights, &found, Q2_K))
}

pub(super) fn q4_k(weights: &[f32; 256]) -> [u8; 144] {
    let ladder = Ladder { codes: 15.0, first: -1.0, step: 0.1, count: 20, magnitudes: false };
    let found = sub_blocks::<32>(weights, |_, x| with_min(x, &importance(x), &ladder));
    pack::q4_k(&scales_and_mins::<32>(weights, &found, Q4_K))
}

pub(super) fn q5_k(weights: &[f32; 256]) -> [u8; 176] {
    let ladder = Ladder { codes: 31.0, first: -0.5, step: 0.1, count: 15, magnitudes: false };
    let found = sub_blocks::<32>(weights, |_, x| with_min(x, &importance(x), &ladder));
    pack::q5_k(&scales_and_mins::<32>(weights, &found, Q5_K))
}

/// Six-bit scales from -32; the one of largest magnitude becomes -32 itself.
pub(super) fn q3_k(weights: &[f32; 256]) -> [u8; 110] {
    let Found { scales, codes, .. } = sub_blocks::<16>(weights, |_, x| symmetric_by_turns(x, 4.0));
    let extreme = extreme(&scales);
    let mut block = Codes256 { d: 0, dmin: 0, scales: [-32; 16], mins: [0; 16], codes };
    if extreme != 0.0 {
        let inverse = -32.0 / extreme;
        block.d = f32_to_f16(1.0 / inverse);
        block.scales = scales.map(|scale| between(nearest(inverse * scale), -32.0, 31.0) as i8);
    }
    refine::<16>(weights, &mut block, (-4.0, 3.0));
    pack::q3_k(&block)
}

pub(super) fn q6_k(weights: &[f32; 256]) -> [u8; 210] {
    q6_k_of(weights, sub_blocks::<16>(weights, |_, x| symmetric(x, &squares(x), 32.0)))
}

/// Eight-bit scales; the one of largest magnitude becomes -128.
pub(super) fn q6_k_of(weights: &[f32; 256], Found { scales, codes, .. }: Found) -> [u8; 210] {
    let extreme = extreme(&scales);
    if extreme.abs() < NOTHING {
        return [0; 210];
    }
    let inverse = -128.0 / extreme;
    let scales = scales.map(|scale| nearest(inverse * scale) as i8);
    let mut block = Codes256 { d: f32_to_f16(1.0 / inverse), dmin: 0, scales, mins: [0; 16], codes };
    refine::<16>(weights, &mut block, (-32.0, 31.0));
    pack::q6_k(&block)
}

/// What the search found, sub-block by sub-block; the second half of scales and minimums is unused where there are 8.
pub(super) struct Found {
    pub(super) scales: [f32; 16],
    pub(super) mins: [f32; 16],
    pub(super) codes: [u8; 256],
}

/// Searches sub-blocks of `N` weights, eight at a time; `search` hears which eight.
pub(super) fn sub_blocks<const N: usize>(weights: &[f32; 256], search: impl Fn(usize, &[Lanes; N]) -> Fit<N>) -> Found {
    let mut found = Found { scales: [0.0; 16], mins: [0.0; 16], codes: [0; 256] };
    for (group, weights) in weights.chunks_exact(LANES * N).enumerate() {
        let fit = search(group, &side_by_side(weights));
        found.scales[LANES * group..][..LANES].copy_from_slice(&fit.scale.0);
        found.mins[LANES * group..][..LANES].copy_from_slice(&fit.min.0);
        for lane in 0..LANES {
            for i in 0..N {
                found.codes[(LANES * group + lane) * N + i] = fit.codes[i].0[lane] as u8;
            }
        }
    }
    found
}

/// How much an error counts: the root mean square of the sub-block plus the weight's own magnitude.
fn importance<const N: usize>(x: &[Lanes; N]) -> [Lanes; N] {
    let sum = x.iter().fold(Lanes::all(0.0), |sum, x| sum + *x * *x);
    let mean = sum.map(|sum| (sum / N as f32).sqrt());
    x.map(|x| mean + x.abs())
}

/// Scales and minimums as integers up to `top`, then the codes again, up to `codes`.
fn scales_and_mins<const N: usize>(weights: &[f32; 256], found: &Found, (top, codes): (f32, f32)) -> Codes256 {
    let (d, scales) = integers(&found.scales, top);
    let (dmin, mins) = integers(&found.mins, top);
    let scales = scales.map(|scale| scale as i8);
    let mut block = Codes256 { d, dmin, scales, mins, codes: found.codes };
    refine::<N>(weights, &mut block, (0.0, codes));
    block
}

/// `values ≈ d · integers`: the largest becomes `top`. None of them matters that is not positive.
fn integers(values: &[f32; 16], top: f32) -> (u16, [u8; 16]) {
    let largest = values.iter().fold(0f32, |largest, &value| if value > largest { value } else { largest });
    let inverse = if largest > 0.0 { top / largest } else { 0.0 };
    (f32_to_f16(largest / top), values.map(|value| between(nearest(inverse * value), 0.0, top) as u8))
}

/// The best codes from `low` to `high` (stored from 0) for the scales as they are stored now. A sub-block whose scale
/// has become 0 keeps those it has.
pub(super) fn refine<const N: usize>(weights: &[f32; 256], block: &mut Codes256, (low, high): (f32, f32)) {
    let (d, dmin) = (f16_to_f32(block.d), f16_to_f32(block.dmin));
    for (j, (weights, codes)) in weights.chunks_exact(N).zip(block.codes.chunks_exact_mut(N)).enumerate() {
        let scale = d * f32::from(block.scales[j]);
        let min = dmin * f32::from(block.mins[j]);
        if scale != 0.0 {
            for (code, weight) in codes.iter_mut().zip(weights) {
                *code = (between(nearest((weight + min) / scale), low, high) - low) as u8;
            }
        }
    }
}

/// The first value of largest magnitude.
fn extreme(values: &[f32; 16]) -> f32 {
    values.iter().fold(0.0, |extreme: f32, &value| if value.abs() > extreme.abs() { value } else { extreme })
}

fn between(value: f32, low: f32, high: f32) -> f32 {
    let value = if value < high { value } else { high };
    if value > low { value } else { low }
}
