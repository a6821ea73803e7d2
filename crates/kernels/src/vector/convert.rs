//! Between f32 and f16, sixteen at a time.

use crate::lanes::Lanes;

#[inline(always)]
pub(crate) fn narrow<L: Lanes>(lanes: L, x: &[f32], out: &mut [u16]) {
    let ((x, x_rest), (out, out_rest)) = (x.as_chunks(), out.as_chunks_mut());
    for (out, x) in out.iter_mut().zip(x) {
        lanes.store_f16(lanes.load(x), out);
    }
    crate::scalar::convert::narrow(x_rest, out_rest);
}

#[inline(always)]
pub(crate) fn widen<L: Lanes>(lanes: L, x: &[u16], out: &mut [f32]) {
    let ((x, x_rest), (out, out_rest)) = (x.as_chunks(), out.as_chunks_mut());
    for (out, x) in out.iter_mut().zip(x) {
        lanes.store(lanes.load_f16(x), out);
    }
    crate::scalar::convert::widen(x_rest, out_rest);
}
