//! The scales of sub-blocks with the least weighted squared error, among a few dozen candidates.
//!
//! A candidate is a step size: it fixes the codes, the codes fix the scale (and minimum) by least squares, and the best
//! of all is kept. What is tried, how errors are weighted and in which order sums are made are those of ggml's
//! reference (`make_qkx2_quants` and `make_qkx3_quants`, `make_qx_quants`, `make_q3_quants`).

use super::lanes::{Lanes, Mask};

/// Below this, a sub-block is all zeros.
const NOTHING: f32 = 1e-15;

/// What was found for eight sub-blocks: `weight ≈ scale · code - min`.
pub(super) struct Fit<const N: usize> {
    pub(super) scale: Lanes,
    /// Not negative; 0 where the format has none.
    pub(super) min: Lanes,
    /// Whole numbers from 0.
    pub(super) codes: [Lanes; N],
}

/// What the search with minimums tries: ranges of `codes + first`, `codes + first + step`, ….
pub(super) struct Ladder {
    /// The largest code.
    pub(super) codes: f32,
    pub(super) first: f32,
    pub(super) step: f32,
    pub(super) count: u8,
    /// Compare sums of magnitudes instead of squares.
    pub(super) magnitudes: bool,
}

/// Scales and minimums of sub-blocks `x`, errors weighted by `weights`.
pub(super) fn with_min<const N: usize>(x: &[Lanes; N], weights: &[Lanes; N], ladder: &Ladder) -> Fit<N> {
    let (lowest, highest) = range(x);
    let (mut sum_w, mut sum_x) = (weights[0], weights[0] * x[0]);
    for i in 1..N {
        sum_w = sum_w + weights[i];
        sum_x = sum_x + weights[i] * x[i];
    }
    let zero = Lanes::all(0.0);
    let mut min = zero.less(lowest).select(zero, lowest);
    let start = min;
    let flat = highest.equal(min);
    let step = Lanes::all(ladder.codes) / (highest - min);
    let mut scale = step.map(|step| 1.0 / step);
    let mut codes = x.map(|x| (step * (x - min)).code(0.0, ladder.codes));
    let mut least = error(x, weights, &codes, (scale, min), ladder.magnitudes);
    for rung in 0..=ladder.count {
        let range = ladder.first + ladder.step * f32::from(rung) + ladder.codes;
        let step = Lanes::all(range) / (highest - min);
        let (mut sum_l, mut sum_l2, mut sum_xl) = (zero, zero, zero);
        let tried = x.map(|x| (step * (x - min)).code(0.0, ladder.codes));
        for i in 0..N {
            let weighted = weights[i] * tried[i];
            sum_l = sum_l + weighted;
            sum_l2 = sum_l2 + weighted * tried[i];
            sum_xl = sum_xl + weighted * x[i];
        }
        let determinant = sum_w * sum_l2 - sum_l * sum_l;
        let fitted_scale = (sum_w * sum_xl - sum_x * sum_l) / determinant;
        let fitted_min = (sum_l2 * sum_x - sum_l * sum_xl) / determinant;
        // A minimum is only ever subtracted: where it would be added, the fit goes through zero.
        let above = zero.less(fitted_min);
        let fitted = (above.select(sum_xl / sum_l2, fitted_scale), above.select(zero, fitted_min));
        let error = error(x, weights, &tried, fitted, ladder.magnitudes);
        let better = zero.less(determinant).and(error.less(least));
        keep(better, &mut codes, &tried);
        least = better.select(error, least);
        scale = better.select(fitted.0, scale);
        min = better.select(fitted.1, min);
    }
    codes.iter_mut().for_each(|code| *code = flat.select(zero, *code));
    Fit { scale: flat.select(zero, scale), min: -flat.select(start, min), codes }
}

/// Scales of sub-blocks `x` for codes from `-half` to `half - 1`, stored from 0; errors weighted by `weights`.
pub(super) fn symmetric<const N: usize>(x: &[Lanes; N], weights: &[Lanes; N], half: f32) -> Fit<N> {
    let zero = Lanes::all(0.0);
    let (largest, extreme) = extreme(x);
    let nothing = largest.less(Lanes::all(NOTHING));
    let fit = |range: f32| {
        let step = Lanes::all(-range) / extreme;
        let codes = x.map(|x| (step * x).code(-half, half - 1.0));
        let (sum_lx, sum_l2) = sums(x, weights, &codes);
        (codes, sum_lx, sum_l2)
    };
    let (mut codes, sum_lx, sum_l2) = fit(half);
    let mut scale = sum_l2.equal(zero).select(zero, sum_lx / sum_l2);
    let mut best = scale * sum_lx;
    for rung in (-9..=9).filter(|rung| *rung != 0) {
        let (tried, sum_lx, sum_l2) = fit(half + 0.1 * rung as f32);
        let better = zero.less(sum_l2).and((best * sum_l2).less(sum_lx * sum_lx));
        keep(better, &mut codes, &tried);
        scale = better.select(sum_lx / sum_l2, scale);
        best = better.select(scale * sum_lx, best);
    }
    stored(nothing, scale, codes, half)
}

/// As [`symmetric`] with errors weighted by the squares of the weights themselves, but from one candidate, whose codes are
/// then changed one by one as long as that helps.
pub(super) fn symmetric_by_turns<const N: usize>(x: &[Lanes; N], half: f32) -> Fit<N> {
    let zero = Lanes::all(0.0);
    let (largest, extreme) = extreme(x);
    let nothing = largest.less(Lanes::all(NOTHING));
    let step = Lanes::all(-half) / extreme;
    let mut codes = x.map(|x| (step * x).code(-half, half - 1.0));
    let weights = squares(x);
    let (mut sum_lx, mut sum_l2) = sums(x, &weights, &codes);
    for _ in 0..5 {
        let mut changed = false;
        for i in 0..N {
            let (weight, old) = (weights[i], codes[i]);
            let rest_lx = sum_lx - weight * x[i] * old;
            let rest_l2 = sum_l2 - weight * old * old;
            let new = (x[i] * rest_l2 / rest_lx).code(-half, half - 1.0);
            let new_lx = rest_lx + weight * x[i] * new;
            let new_l2 = rest_l2 + weight * new * new;
            let gain = (sum_lx * sum_lx * new_l2).less(new_lx * new_lx * sum_l2);
            let better = zero.less(rest_lx).and(new.equal(old).not()).and(zero.less(new_l2)).and(gain);
            codes[i] = better.select(new, old);
            sum_lx = better.select(new_lx, sum_lx);
            sum_l2 = better.select(new_l2, sum_l2);
            changed |= better.any();
        }
        if !changed {
            break;
        }
    }
    stored(nothing, zero.less(sum_l2).select(sum_lx / sum_l2, zero), codes, half)
}

/// Codes counted from 0; scale and codes of nothing are 0.
fn stored<const N: usize>(nothing: Mask, scale: Lanes, codes: [Lanes; N], half: f32) -> Fit<N> {
    let zero = Lanes::all(0.0);
    let codes = codes.map(|code| nothing.select(zero, code + Lanes::all(half)));
    Fit { scale: nothing.select(zero, scale), min: zero, codes }
}

/// Each weight's square.
pub(super) fn squares<const N: usize>(x: &[Lanes; N]) -> [Lanes; N] {
    x.map(|x| x * x)
}

/// Sums of `w · x · code` and `w · code²`.
fn sums<const N: usize>(x: &[Lanes; N], weights: &[Lanes; N], codes: &[Lanes; N]) -> (Lanes, Lanes) {
    let mut sums = (Lanes::all(0.0), Lanes::all(0.0));
    for i in 0..N {
        sums.0 = sums.0 + weights[i] * x[i] * codes[i];
        sums.1 = sums.1 + weights[i] * codes[i] * codes[i];
    }
    sums
}

/// Weighted sum of squares (or magnitudes) of what the codes are off by.
fn error<const N: usize>(
    x: &[Lanes; N],
    weights: &[Lanes; N],
    codes: &[Lanes; N],
    (scale, min): (Lanes, Lanes),
    magnitudes: bool,
) -> Lanes {
    let mut sum = Lanes::all(0.0);
    for i in 0..N {
        let off = scale * codes[i] + min - x[i];
        sum = sum + weights[i] * if magnitudes { off.abs() } else { off * off };
    }
    sum
}

/// Smallest and largest weight.
fn range<const N: usize>(x: &[Lanes; N]) -> (Lanes, Lanes) {
    x.iter().fold((x[0], x[0]), |(low, high), x| (x.less(low).select(*x, low), high.less(*x).select(*x, high)))
}

/// The largest magnitude, and the first weight that has it.
fn extreme<const N: usize>(x: &[Lanes; N]) -> (Lanes, Lanes) {
    let zero = Lanes::all(0.0);
    x.iter().fold((zero, zero), |(largest, extreme), x| {
        let larger = largest.less(x.abs());
        (larger.select(x.abs(), largest), larger.select(*x, extreme))
    })
}

fn keep<const N: usize>(better: Mask, codes: &mut [Lanes; N], tried: &[Lanes; N]) {
    codes.iter_mut().zip(tried).for_each(|(code, tried)| *code = better.select(*tried, *code));
}
