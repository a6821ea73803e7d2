//! Sums and products of rows, sixteen at a time.

use crate::lanes::Lanes;

#[inline(always)]
pub(crate) fn add<L: Lanes>(lanes: L, x: &mut [f32], y: &[f32]) {
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks_mut(), y.as_chunks());
    for (x, y) in x.iter_mut().zip(y) {
        lanes.store(lanes.add(lanes.load(x), lanes.load(y)), x);
    }
    lanes.store_part(lanes.add(lanes.load_part(x_rest), lanes.load_part(y_rest)), x_rest);
}

#[inline(always)]
pub(crate) fn scale<L: Lanes>(lanes: L, x: &mut [f32], factor: f32) {
    let factor = lanes.splat(factor);
    let (x, rest) = x.as_chunks_mut();
    for x in x {
        lanes.store(lanes.mul(lanes.load(x), factor), x);
    }
    lanes.store_part(lanes.mul(lanes.load_part(rest), factor), rest);
}

#[inline(always)]
pub(crate) fn add_scaled<L: Lanes>(lanes: L, x: &[f32], factor: f32, out: &mut [f32]) {
    let factor = lanes.splat(factor);
    let ((x, x_rest), (out, out_rest)) = (x.as_chunks(), out.as_chunks_mut());
    for (out, x) in out.iter_mut().zip(x) {
        lanes.store(lanes.fma(factor, lanes.load(x), lanes.load(out)), out);
    }
    lanes.store_part(lanes.fma(factor, lanes.load_part(x_rest), lanes.load_part(out_rest)), out_rest);
}
