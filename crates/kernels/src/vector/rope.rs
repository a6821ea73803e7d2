//! Rotary position embedding, eight pairs at a time.

use crate::lanes::{LANES, Lanes};

#[inline(always)]
pub(crate) fn rope<L: Lanes>(lanes: L, head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let signs = lanes.load(&std::array::from_fn(|i| if i % 2 == 0 { -1.0 } else { 1.0 }));
    let (head, rest) = head.as_chunks_mut::<LANES>();
    let ((cos, cos_rest), (sin, sin_rest)) = (cos.as_chunks(), sin.as_chunks());
    for ((x, cos), sin) in head.iter_mut().zip(cos).zip(sin) {
        let sin = lanes.mul(lanes.load_twice(sin), signs);
        let y = rotate(lanes, lanes.load(x), lanes.load_twice(cos), sin);
        lanes.store(y, x);
    }
    crate::scalar::rope::rope(rest, cos_rest, sin_rest);
}

/// `sin` has its sign turned in the even lanes.
#[inline(always)]
fn rotate<L: Lanes>(lanes: L, x: L::Vector, cos: L::Vector, sin: L::Vector) -> L::Vector {
    lanes.fma(x, cos, lanes.mul(lanes.swap_pairs(x), sin))
}
