//! Between f32 and f16 (IEEE 754 binary16).

use quant::{f16_to_f32, f32_to_f16};

/// To nearest even; 65520 and beyond infinite. NaN stays NaN, its payload is not promised.
pub(crate) fn narrow(x: &[f32], out: &mut [u16]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f32_to_f16(x);
    }
}

/// Exactly.
pub(crate) fn widen(x: &[u16], out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = f16_to_f32(x);
    }
}
