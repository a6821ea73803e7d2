//! The exponential, the same bits on every processor.
//!
//! Additions and multiplications of f64 only, so that the compiler may use vectors without changing a bit (Rust never
//! fuses or reorders them).

/// `eˣ` for `x ≤ 0`, relative error below 1e-14; what is under −700 counts as −700.
///
/// `x = n·ln 2 + r` with `|r| ≤ ln 2 / 2`, a Taylor polynomial for `eʳ`, and `2ⁿ` through the exponent bits.
#[inline]
pub(crate) fn exp(x: f64) -> f64 {
    // Adding 1.5·2⁵² leaves the rounded integer in the low bits.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    // ln 2 in two parts, the first with enough trailing zeros for n·LN2_HIGH to be exact (fdlibm).
    const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
    const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
    let x = x.max(-700.0);
    let shifted = x * std::f64::consts::LOG2_E + SHIFT;
    let n = shifted - SHIFT;
    let r = (x - n * LN2_HIGH) - n * LN2_LOW;
    let power = f64::from_bits(shifted.to_bits().wrapping_add(1023) << 52);
    taylor(r) * power
}

/// Sum of `exp((logit − max) · factor)` in eight strided partial sums and a fixed tree. −∞ adds (next to) nothing.
pub(crate) fn sum_exp(logits: &[f32], max: f32, factor: f64) -> f64 {
    let mut partial = [0.0; 8];
    let max = f64::from(max);
    let (chunks, rest) = logits.as_chunks::<8>();
    for chunk in chunks {
        for (sum, &logit) in partial.iter_mut().zip(chunk) {
            *sum += exp((f64::from(logit) - max) * factor);
        }
    }
    for (sum, &logit) in partial.iter_mut().zip(rest) {
        *sum += exp((f64::from(logit) - max) * factor);
    }
    let [a, b, c, d, e, f, g, h] = partial;
    ((a + e) + (c + g)) + ((b + f) + (d + h))
}

/// The largest logit, −∞ of none. Eight lanes, because a chain of maxima would wait for each one. No NaN here.
pub(crate) fn largest(logits: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = logits.as_chunks::<8>();
    let mut lanes = [f32::NEG_INFINITY; 8];
    for chunk in chunks {
        for (lane, &logit) in lanes.iter_mut().zip(chunk) {
            *lane = larger(*lane, logit);
        }
    }
    lanes.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, larger)
}

/// Eleven terms: the next, r¹²/12!, is below 7e-15 for |r| ≤ 0.3466.
#[inline]
fn taylor(r: f64) -> f64 {
    const INVERSE_FACTORIALS: [f64; 12] = [
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    INVERSE_FACTORIALS[1..].iter().fold(INVERSE_FACTORIALS[0], |sum, &c| sum * r + c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_to_libm() {
        let mut x = 0.0;
        while x > -699.0 {
            let (ours, reference) = (exp(x), libm::exp(x));
            assert!((ours / reference - 1.0).abs() < 1e-14, "{x}: {ours:e} {reference:e}");
            x -= 0.003_7;
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f64::NEG_INFINITY) < 1e-300);
        assert!(exp(-1e80) < 1e-300);
    }
}
