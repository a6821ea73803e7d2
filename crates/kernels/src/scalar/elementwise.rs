//! Sums and products of rows, element by element.

/// `x = x + y`
pub(crate) fn add(x: &mut [f32], y: &[f32]) {
    for (x, &y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// `x = x · factor`
pub(crate) fn scale(x: &mut [f32], factor: f32) {
    for x in x {
        *x *= factor;
    }
}

/// `out = factor · x + out`, rounded once.
pub(crate) fn add_scaled(x: &[f32], factor: f32, out: &mut [f32]) {
    for (out, &x) in out.iter_mut().zip(x) {
        *out = factor.mul_add(x, *out);
    }
}
