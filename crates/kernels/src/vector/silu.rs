//! SwiGLU's product, sixteen at a time.

use super::exp::exp;
use crate::lanes::Lanes;

#[inline(always)]
pub(crate) fn silu_mul<L: Lanes>(lanes: L, gate: &mut [f32], up: &[f32]) {
    let ((gate, gate_rest), (up, up_rest)) = (gate.as_chunks_mut(), up.as_chunks());
    for (gate, up) in gate.iter_mut().zip(up) {
        let y = product(lanes, lanes.load(gate), lanes.load(up));
        lanes.store(y, gate);
    }
    let y = product(lanes, lanes.load_part(gate_rest), lanes.load_part(up_rest));
    lanes.store_part(y, gate_rest);
}

#[inline(always)]
fn product<L: Lanes>(lanes: L, gate: L::Vector, up: L::Vector) -> L::Vector {
    // A product with -1 only turns the sign, as negation does.
    let minus = lanes.mul(gate, lanes.splat(-1.0));
    lanes.mul(lanes.div(gate, lanes.add(lanes.splat(1.0), exp(lanes, minus))), up)
}
