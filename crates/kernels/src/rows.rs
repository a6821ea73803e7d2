//! Operations on one row of numbers, on any instruction set.
//!
//! Lengths are the caller's duty: a mismatch is a bug and panics. What each operation is: the file of its name in `scalar/`.

use crate::isa::Isa;
use crate::lanes::{Lanes, Operation};
use crate::{scalar, vector};

/// `out = x · (1 / sqrt(mean(x²) + eps)) · weight` (RMSNorm).
pub fn rms_norm(isa: Isa, x: &[f32], weight: &[f32], eps: f32, out: &mut [f32]) {
    assert!(x.len() == weight.len() && x.len() == out.len(), "rows of {}, {}, {}", x.len(), weight.len(), out.len());
    isa.run(RmsNorm { x, weight, eps, out });
}

/// Rotates the adjacent pairs of a head; `cos` and `sin` have one number per pair.
pub fn rope(isa: Isa, head: &mut [f32], cos: &[f32], sin: &[f32]) {
    let pairs = head.len() / 2;
    assert!(
        head.len() == 2 * pairs && cos.len() == pairs && sin.len() == pairs,
        "{} numbers, {pairs} pairs",
        head.len()
    );
    isa.run(Rope { head, cos, sin });
}

/// `gate = gate / (1 + exp(-gate)) · up` (SwiGLU).
pub fn silu_mul(isa: Isa, gate: &mut [f32], up: &[f32]) {
    assert_eq!(gate.len(), up.len());
    isa.run(SiluMul { gate, up });
}

/// `x = exp(x)`, within 1.01 units in the last place.
pub fn exp(isa: Isa, x: &mut [f32]) {
    isa.run(Exp { x });
}

/// `x = x + y`
pub fn add(isa: Isa, x: &mut [f32], y: &[f32]) {
    assert_eq!(x.len(), y.len());
    isa.run(Add { x, y });
}

/// `x = x · factor`
pub fn scale(isa: Isa, x: &mut [f32], factor: f32) {
    isa.run(Scale { x, factor });
}

/// `out = factor · x + out`, rounded once.
pub fn add_scaled(isa: Isa, x: &[f32], factor: f32, out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    isa.run(AddScaled { x, factor, out });
}

/// f32 to f16, to nearest even; 65520 and beyond infinite. The payload of NaN is not promised.
pub fn narrow(isa: Isa, x: &[f32], out: &mut [u16]) {
    assert_eq!(x.len(), out.len());
    isa.run(Narrow { x, out });
}

/// f16 to f32, exactly.
pub fn widen(isa: Isa, x: &[u16], out: &mut [f32]) {
    assert_eq!(x.len(), out.len());
    isa.run(Widen { x, out });
}

/// An operation whose two forms are functions of the same name.
macro_rules! operation {
    ($name:ident { $($field:ident: $type:ty),* }, $($function:ident)::+) => {
        struct $name<'a> { $($field: $type),* }

        impl Operation for $name<'_> {
            fn scalar(self) {
                scalar::$($function)::+($(self.$field),*);
            }

            #[inline(always)]
            fn vector<L: Lanes>(self, lanes: L) {
                vector::$($function)::+(lanes, $(self.$field),*);
            }
        }
    };
}

operation!(RmsNorm { x: &'a [f32], weight: &'a [f32], eps: f32, out: &'a mut [f32] }, norm::rms_norm);
operation!(Rope { head: &'a mut [f32], cos: &'a [f32], sin: &'a [f32] }, rope::rope);
operation!(SiluMul { gate: &'a mut [f32], up: &'a [f32] }, silu::silu_mul);
operation!(Exp { x: &'a mut [f32] }, exp::exp_row);
operation!(Add { x: &'a mut [f32], y: &'a [f32] }, elementwise::add);
operation!(Scale { x: &'a mut [f32], factor: f32 }, elementwise::scale);
operation!(AddScaled { x: &'a [f32], factor: f32, out: &'a mut [f32] }, elementwise::add_scaled);
operation!(Narrow { x: &'a [f32], out: &'a mut [u16] }, convert::narrow);
operation!(Widen { x: &'a [u16], out: &'a mut [f32] }, convert::widen);
