//! Blocks of 32 weights: scale and minimum straight from the extremes.

use super::{nearest, pack, reciprocal};
use crate::{Codes32, Format, e8m0_to_f32, f32_to_f16};

/// The largest magnitude becomes ±127; rounding is half away from zero.
pub(super) fn q8_0(weights: &[f32; 32]) -> [u8; 34] {
    let largest = weights.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    let d = largest / 127.0;
    let inverse = reciprocal(d);
    let mut block = [0; 34];
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    for (byte, &weight) in block[2..].iter_mut().zip(weights) {
        *byte = away_from_zero(weight * inverse) as u8;
    }
    block
}

pub(super) fn q4_0(weights: &[f32; 32]) -> [u8; 18] {
    pack::q4_0(&symmetric(weights, 8))
}

pub(super) fn q5_0(weights: &[f32; 32]) -> [u8; 22] {
    pack::q5_0(&symmetric(weights, 16))
}

pub(super) fn q4_1(weights: &[f32; 32]) -> [u8; 20] {
    pack::q4_1(&with_min(weights, 15))
}

pub(super) fn q5_1(weights: &[f32; 32]) -> [u8; 24] {
    pack::q5_1(&with_min(weights, 31))
}

/// The power of two with which the largest magnitude lies between 4 and 8, of which 6 can be written; of two numbers
/// that are as near, the one with the smaller code.
///
/// The exponent is read off the bits. The reference takes it from a logarithm in f32, which for the last number below a
/// power of two may already be that of the power.
pub(super) fn mxfp4(weights: &[f32; 32]) -> [u8; 17] {
    let largest = weights.iter().fold(0f32, |largest, w| if w.abs() > largest { w.abs() } else { largest });
    let exponent = ((largest.to_bits() >> 23) as u8).saturating_sub(2);
    // Half of it, since the codebook is doubled to be whole.
    let d = e8m0_to_f32(exponent) * 0.5;
    let codes = weights.map(|weight| {
        let off = |code: u8| (f32::from(Format::MXFP4.code_value(code)) * d - weight).abs();
        (1..16).fold((0, off(0)), |best, code| if off(code) < best.1 { (code, off(code)) } else { best }).0
    });
    pack::mxfp4(&Codes32 { d: u16::from(exponent), min: 0, codes })
}

/// The first of the largest magnitudes becomes `-half`, whatever its sign: the scale takes the other one.
fn symmetric(weights: &[f32; 32], half: u8) -> Codes32 {
    let extreme = weights.iter().fold(weights[0], |extreme, &w| if w.abs() > extreme.abs() { w } else { extreme });
    let d = extreme / -f32::from(half);
    let inverse = reciprocal(d);
    let codes = weights.map(|weight| ((weight * inverse + f32::from(half) + 0.5) as u8).min(2 * half - 1));
    Codes32 { d: f32_to_f16(d), min: 0, codes }
}

/// The smallest weight becomes 0, the largest `top`.
fn with_min(weights: &[f32; 32], top: u8) -> Codes32 {
    let low = weights.iter().fold(f32::MAX, |low, &w| if w < low { w } else { low });
    let high = weights.iter().fold(-f32::MAX, |high, &w| if w > high { w } else { high });
    let d = (high - low) / f32::from(top);
    let inverse = reciprocal(d);
    let codes = weights.map(|weight| (((weight - low) * inverse + 0.5) as u8).min(top));
    Codes32 { d: f32_to_f16(d), min: f32_to_f16(low), codes }
}

/// `f32::round` of a number in the range of i8; that is a call of a function where the processor's baseline has no such
/// instruction.
fn away_from_zero(value: f32) -> i8 {
    let even = nearest(value);
    // A tie went to the even neighbour: towards zero it is half away from the value.
    let away = if value - even == 0.5 && value > 0.0 {
        even + 1.0
    } else if value - even == -0.5 && value < 0.0 {
        even - 1.0
    } else {
        even
    };
    away as i8
}
