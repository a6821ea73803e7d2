//! The exponential function, sixteen at a time.

use crate::lanes::Lanes;
use crate::scalar::exp::{LARGEST, LEAST, LN_2_HIGH, LN_2_LOW, LOG2_E, QUOTIENT, ROUNDER};

#[inline(always)]
pub(crate) fn exp_row<L: Lanes>(lanes: L, x: &mut [f32]) {
    let (x, rest) = x.as_chunks_mut();
    for x in x {
        lanes.store(exp(lanes, lanes.load(x)), x);
    }
    lanes.store_part(exp(lanes, lanes.load_part(rest)), rest);
}

#[inline(always)]
pub(crate) fn exp<L: Lanes>(lanes: L, x: L::Vector) -> L::Vector {
    let (y, n) = parts(lanes, x);
    let y = lanes.scale_by_power(y, n);
    let y = lanes.where_less(lanes.splat(LARGEST), x, lanes.splat(f32::INFINITY), y);
    lanes.where_less(x, lanes.splat(LEAST), lanes.splat(0.0), y)
}

/// The same for numbers up to 0, in fewer steps.
#[inline(always)]
pub(crate) fn exp_of_negative<L: Lanes>(lanes: L, x: L::Vector) -> L::Vector {
    let (y, n) = parts(lanes, x);
    lanes.where_less(x, lanes.splat(LEAST), lanes.splat(0.0), lanes.scale_by_small_power(y, n))
}

/// `y` and `n` with `exp(x) = y · 2ⁿ`.
#[inline(always)]
fn parts<L: Lanes>(lanes: L, x: L::Vector) -> (L::Vector, L::Vector) {
    let rounder = lanes.splat(ROUNDER);
    let n = lanes.sub(lanes.fma(x, lanes.splat(LOG2_E), rounder), rounder);
    let f = lanes.fma(n, lanes.splat(-LN_2_HIGH), x);
    let f = lanes.fma(n, lanes.splat(-LN_2_LOW), f);
    let mut q = lanes.splat(QUOTIENT[4]);
    for c in [QUOTIENT[3], QUOTIENT[2], QUOTIENT[1], QUOTIENT[0]] {
        q = lanes.fma(q, f, lanes.splat(c));
    }
    (lanes.add(lanes.fma(lanes.mul(f, f), q, f), lanes.splat(1.0)), n)
}
