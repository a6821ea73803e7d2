//! SwiGLU's product (arXiv 2002.05202).

use super::exp::exp;

/// `gate = gate / (1 + exp(-gate)) · up`
pub(crate) fn silu_mul(gate: &mut [f32], up: &[f32]) {
    for (gate, &up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + exp(-*gate)) * up;
    }
}
