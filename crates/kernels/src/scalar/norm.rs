//! RMSNorm (arXiv 1910.07467).

use super::fold;
use crate::lanes::LANES;

/// `out = x · (1 / sqrt(mean(x²) + eps)) · weight`, multiplied from left to right.
pub(crate) fn rms_norm(x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    let mut squares = [0.0; LANES];
    for (i, &x) in x.iter().enumerate() {
        squares[i % LANES] = x.mul_add(x, squares[i % LANES]);
    }
    let factor = factor(fold(squares, |a, b| a + b), x.len(), eps);
    for ((out, &x), &weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * factor * weight;
    }
}

/// `1 / sqrt(squares / len + eps)`, each operation rounded.
#[inline(always)]
pub(crate) fn factor(squares: f32, len: usize, eps: f32) -> f32 {
    1.0 / (squares / len as f32 + eps).sqrt()
}
