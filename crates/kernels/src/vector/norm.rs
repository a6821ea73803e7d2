//! RMSNorm, sixteen at a time.

use crate::lanes::Lanes;
use crate::scalar::norm::factor;

#[inline(always)]
pub(crate) fn rms_norm<L: Lanes>(lanes: L, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let factor = lanes.splat(factor(sum_of_squares(lanes, x), x.len(), eps));
    let ((x, x_rest), (weight, weight_rest)) = (x.as_chunks(), weight.as_chunks());
    let (out, out_rest) = out.as_chunks_mut();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        lanes.store(scale(lanes, lanes.load(x), factor, lanes.load(weight)), out);
    }
    lanes.store_part(scale(lanes, lanes.load_part(x_rest), factor, lanes.load_part(weight_rest)), out_rest);
}

#[inline(always)]
fn sum_of_squares<L: Lanes>(lanes: L, x: &[f32]) -> f32 {
    let (whole, rest) = x.as_chunks();
    let mut squares = lanes.splat(0.0);
    for x in whole {
        let x = lanes.load(x);
        squares = lanes.fma(x, x, squares);
    }
    // The missing numbers count as zero, and 0·0 + s is s.
    let x = lanes.load_part(rest);
    lanes.sum(lanes.fma(x, x, squares))
}

#[inline(always)]
fn scale<L: Lanes>(lanes: L, x: L::Vector, factor: L::Vector, weight: L::Vector) -> L::Vector {
    lanes.mul(lanes.mul(x, factor), weight)
}
