//! f32 to the bytes of a row, equal byte for byte to the PyPI package `gguf` (`gguf.quants.quantize`).

use crate::{Error, Format, f32_to_bf16, f32_to_f16};

/// Encodes a row (or any whole number of blocks). Formats: F32, F16, BF16, Q8_0, Q4_0.
///
/// # Errors
/// Another format, `weights` not whole blocks, or `out` not exactly their number of bytes.
pub fn encode_row(format: Format, weights: &[f32], out: &mut [u8]) -> Result<(), Error> {
    let bytes = format.row_bytes(weights.len()).ok_or(Error::Weights { format, weights: weights.len() })?;
    if bytes != out.len() {
        let held = out.len() / format.block_bytes() * format.block_weights();
        return Err(Error::Length { format, bytes: out.len(), held, weights: weights.len() });
    }
    match format {
        Format::F32 => each(weights, out, |[value]| value.to_le_bytes()),
        Format::F16 => each(weights, out, |&[value]| f32_to_f16(value).to_le_bytes()),
        Format::BF16 => each(weights, out, |&[value]| f32_to_bf16(value).to_le_bytes()),
        Format::Q8_0 => each(weights, out, encode_q8_0),
        Format::Q4_0 => each(weights, out, encode_q4_0),
        _ => return Err(Error::NotEncodable { format }),
    }
    Ok(())
}

/// Encodes block after block.
fn each<const W: usize, const B: usize>(weights: &[f32], out: &mut [u8], encode: impl Fn(&[f32; W]) -> [u8; B]) {
    for (weights, out) in weights.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        *out = encode(weights);
    }
}

/// The largest magnitude becomes ±127; rounding is half away from zero.
fn encode_q8_0(weights: &[f32; 32]) -> [u8; 34] {
    let largest = weights.iter().fold(0f32, |largest, w| largest.max(w.abs()));
    let d = largest / 127.0;
    let inverse = reciprocal(d);
    let mut block = [0; 34];
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    for (byte, &weight) in block[2..].iter_mut().zip(weights) {
        *byte = (weight * inverse).round() as i8 as u8;
    }
    block
}

/// The first of the largest magnitudes becomes -8, whatever its sign: the scale takes the other one.
fn encode_q4_0(weights: &[f32; 32]) -> [u8; 18] {
    let extreme = weights.iter().fold(weights[0], |extreme, &w| if w.abs() > extreme.abs() { w } else { extreme });
    let d = extreme / -8.0;
    let inverse = reciprocal(d);
    let code = |weight: f32| ((weight * inverse + 8.5) as u8).min(15);
    let mut block = [0; 18];
    block[..2].copy_from_slice(&f32_to_f16(d).to_le_bytes());
    for i in 0..16 {
        block[2 + i] = code(weights[i]) | code(weights[16 + i]) << 4;
    }
    block
}

fn reciprocal(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}
