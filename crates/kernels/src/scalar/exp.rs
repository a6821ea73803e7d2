//! The exponential function.
//!
//! `x = n·ln 2 + f` with whole `n` and `|f| ≤ ln 2 / 2`; then `exp(x) = 2ⁿ · exp(f)`, and `exp(f) = 1 + f + f²·q(f)` with
//! `q` a polynomial of degree 4 that makes the largest relative error smallest (Remez; 3·10⁻⁹). With roundings the
//! result is within 1.01 units in the last place.

/// `x = exp(x)`, number by number.
pub(crate) fn exp_row(x: &mut [f32]) {
    for x in x {
        *x = exp(*x);
    }
}

/// `exp(x)`; exactly 0 below the least normal number's logarithm, exactly 1 at ±0, infinite from ln 2¹²⁸ on.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    // Adding 1.5·2²³ leaves no bits for a fraction: the sum is rounded to a whole number, to nearest even.
    let n = x.mul_add(LOG2_E, ROUNDER) - ROUNDER;
    let f = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, x));
    let q = QUOTIENT.iter().rev().skip(1).fold(QUOTIENT[4], |q, &c| q.mul_add(f, c));
    let y = (f * f).mul_add(q, f) + 1.0;
    match x {
        _ if x < LEAST => 0.0,
        _ if x > LARGEST => f32::INFINITY,
        _ => scale_by_power(y, n as i32),
    }
}

/// `x · 2ⁿ` in two steps, because 2¹²⁸ is not a number: by `2^⌊n/2⌋`, exactly, and by the rest.
#[inline(always)]
fn scale_by_power(x: f32, n: i32) -> f32 {
    let power = |n: i32| f32::from_bits(((n + 127) as u32) << 23);
    let half = n >> 1;
    x * power(half) * power(n - half)
}

pub(crate) const LOG2_E: f32 = f32::from_bits(0x3FB8_AA3B);
/// ln 2 to 24 bits, and what is missing.
pub(crate) const LN_2_HIGH: f32 = f32::from_bits(0x3F31_7218);
pub(crate) const LN_2_LOW: f32 = f32::from_bits(0xB102_E308);
/// 1.5 · 2²³
pub(crate) const ROUNDER: f32 = 12_582_912.0;
/// `q`, constant coefficient first.
pub(crate) const QUOTIENT: [f32; 5] = [
    f32::from_bits(0x3EFF_FFFE),
    f32::from_bits(0x3E2A_AA49),
    f32::from_bits(0x3D2A_AC79),
    f32::from_bits(0x3C09_1CF1),
    f32::from_bits(0x3AB5_121A),
];
/// ln 2⁻¹²⁶, rounded up.
pub(crate) const LEAST: f32 = f32::from_bits(0xC2AE_AC4F);
/// The largest number whose exponential is finite.
pub(crate) const LARGEST: f32 = f32::from_bits(0x42B1_7217);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_one_unit_in_the_last_place() {
        let range = |last: f32| (0x2000_0000..=last.to_bits()).step_by(if cfg!(miri) { 1 << 20 } else { 293 });
        for bits in range(LARGEST).chain(range(-LEAST).map(|b| b | 1 << 31)) {
            let x = f32::from_bits(bits);
            let exact = f64::from(x).exp();
            let unit = f64::from((exact as f32).next_up()) - f64::from(exact as f32);
            let error = (f64::from(exp(x)) - exact).abs() / unit;
            assert!(error <= 1.01, "exp({x:e}) = {:e}: {error} units", exp(x));
        }
    }

    #[test]
    fn ends_and_special_values() {
        let rows = [
            (0.0, 1.0),
            (-0.0, 1.0),
            (f32::NEG_INFINITY, 0.0),
            (f32::MIN, 0.0),
            (LEAST.next_down(), 0.0),
            (f32::INFINITY, f32::INFINITY),
            (LARGEST.next_up(), f32::INFINITY),
            (f32::MAX, f32::INFINITY),
        ];
        for (x, y) in rows {
            assert_eq!(exp(x).to_bits(), f32::to_bits(y), "exp({x})");
        }
        assert!(exp(LARGEST).is_finite() && exp(LEAST) > 0.0 && exp(f32::NAN).is_nan());
    }
}
