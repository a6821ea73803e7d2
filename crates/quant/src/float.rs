//! Small number formats: f16, bf16, fp8 and bare exponents, to and from f32.
//!
//! Widening is exact; narrowing rounds to nearest, ties to even, denormals included. NaN stays NaN, its payload is not
//! promised.

/// IEEE 754 binary16, exactly.
pub const fn f16_to_f32(half: u16) -> f32 {
    let sign = (half as u32 & 0x8000) << 16;
    let exponent = (half >> 10) as u32 & 0x1F;
    let fraction = half as u32 & 0x3FF;
    match exponent {
        // fraction · 2⁻²⁴: both factors are exact, and so is the product.
        0 => f32::from_bits(sign | (fraction as f32 * f32::from_bits(103 << 23)).to_bits()),
        31 => f32::from_bits(sign | 0x7F80_0000 | (fraction << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (fraction << 13)),
    }
}

/// IEEE 754 binary16, nearest even; 65520 and beyond infinite.
pub const fn f32_to_f16(value: f32) -> u16 {
    let sign = (value.to_bits() >> 16) as u16 & 0x8000;
    match value.is_nan() {
        true => sign | 0x7E00,
        false => sign | narrow(value, &Narrow { fraction_bits: 10, bias: 15, last: 0x7C00 }) as u16,
    }
}

/// The upper half of an f32, exactly.
pub const fn bf16_to_f32(brain: u16) -> f32 {
    f32::from_bits((brain as u32) << 16)
}

/// The upper half of an f32, nearest even; NaN is made quiet.
pub const fn f32_to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16) as u16
}

/// A power of two from its biased exponent alone (OCP microscaling E8M0): `2^(exponent - 127)`, 255 is NaN.
pub const fn e8m0_to_f32(exponent: u8) -> f32 {
    match exponent {
        0 => f32::from_bits(0x0040_0000),
        255 => f32::NAN,
        _ => f32::from_bits((exponent as u32) << 23),
    }
}

/// OCP fp8 E4M3 in its "fn" form, exactly: finite up to 448, no infinity, `0x7F` and `0xFF` NaN.
pub const fn fp8_e4m3_to_f32(byte: u8) -> f32 {
    let sign = (byte as u32 & 0x80) << 24;
    let exponent = (byte >> 3) as u32 & 0xF;
    let fraction = byte as u32 & 7;
    if byte & 0x7F == 0x7F {
        return f32::from_bits(sign | 0x7FC0_0000);
    }
    if exponent == 0 {
        return f32::from_bits(sign | (fraction as f32 * f32::from_bits(118 << 23)).to_bits());
    }
    f32::from_bits(sign | ((exponent + 120) << 23) | (fraction << 20))
}

/// OCP fp8 E4M3 ("fn"), nearest even; beyond 448, infinity included, it stays at 448, as in torch.
pub const fn f32_to_fp8_e4m3(value: f32) -> u8 {
    let sign = (value.to_bits() >> 24) as u8 & 0x80;
    match value.is_nan() {
        true => sign | 0x7F,
        false => sign | narrow(value, &Narrow { fraction_bits: 3, bias: 7, last: 0x7E }) as u8,
    }
}

/// A number format of an exponent and a fraction.
struct Narrow {
    fraction_bits: u32,
    bias: u32,
    /// The largest magnitude, or infinity where there is one.
    last: u32,
}

/// Exponent and fraction of `|value|`, not NaN, nearest even. A carry out of the fraction moves on into the exponent, as
/// it should.
const fn narrow(value: f32, to: &Narrow) -> u32 {
    let magnitude = value.to_bits() & 0x7FFF_FFFF;
    let dropped = 23 - to.fraction_bits;
    let exponent = (magnitude >> 23) as i32 - 127 + to.bias as i32;
    let rounded = if exponent >= 1 {
        shift_to_even(magnitude - ((127 - to.bias) << 23), dropped)
    } else {
        // A denormal there; what is denormal here already is far below and becomes 0.
        let significand = (magnitude & 0x7F_FFFF) | 0x80_0000;
        let shift = dropped + exponent.unsigned_abs() + 1;
        if shift > 25 { 0 } else { shift_to_even(significand, shift) }
    };
    if rounded < to.last { rounded } else { to.last }
}

/// `value / 2^shift`, nearest even.
const fn shift_to_even(value: u32, shift: u32) -> u32 {
    let odd = (value >> shift) & 1;
    (value + (1 << (shift - 1)) - 1 + odd) >> shift
}
