//! f32 to the bytes of a row, equal byte for byte to ggml's reference quantisers, with an importance matrix and without.
//!
//! Plain numbers are rounded. Blocks of 32 take scale and minimum from the extremes of their weights (`blocks32.rs`);
//! blocks of 256 look for the scales with the least weighted error (`blocks256.rs`, `search.rs`). Where it was measured
//! how much the columns of a matrix matter, almost all formats search (`weighted.rs`). All arithmetic is f32 in a fixed
//! order, sums from the first weight to the last, so that the bytes are the same on every machine.

mod blocks256;
mod blocks32;
mod codebook;
mod lanes;
mod pack;
mod search;
mod weighted;

use crate::{Error, Format, f32_to_bf16, f32_to_f16};

/// Encodes a row (or any whole number of blocks) in any format.
///
/// # Errors
/// `weights` not whole blocks, or `out` not exactly their number of bytes.
pub fn encode_row(format: Format, weights: &[f32], out: &mut [u8]) -> Result<(), Error> {
    check_lengths(format, weights, out)?;
    match format {
        Format::F32 => each(weights, out, |[value]| value.to_le_bytes()),
        Format::F16 => each(weights, out, |&[value]| f32_to_f16(value).to_le_bytes()),
        Format::BF16 => each(weights, out, |&[value]| f32_to_bf16(value).to_le_bytes()),
        Format::Q8_0 => each(weights, out, blocks32::q8_0),
        Format::Q4_0 => each(weights, out, blocks32::q4_0),
        Format::Q4_1 => each(weights, out, blocks32::q4_1),
        Format::Q5_0 => each(weights, out, blocks32::q5_0),
        Format::Q5_1 => each(weights, out, blocks32::q5_1),
        Format::MXFP4 => each(weights, out, blocks32::mxfp4),
        Format::IQ4NL => each(weights, out, codebook::iq4_nl),
        Format::Q2K => each(weights, out, blocks256::q2_k),
        Format::Q3K => each(weights, out, blocks256::q3_k),
        Format::Q4K => each(weights, out, blocks256::q4_k),
        Format::Q5K => each(weights, out, blocks256::q5_k),
        Format::Q6K => each(weights, out, blocks256::q6_k),
        Format::IQ4XS => each(weights, out, codebook::iq4_xs),
    }
    Ok(())
}

/// Encodes one whole row whose columns matter by `importance`, one number each: none negative, none infinite. Formats that
/// have nothing to choose come out as from [`encode_row`].
///
/// # Errors
/// As [`encode_row`]; or `importance` is not as long as the row.
pub fn encode_row_weighted(format: Format, weights: &[f32], importance: &[f32], out: &mut [u8]) -> Result<(), Error> {
    check_lengths(format, weights, out)?;
    if importance.len() != weights.len() {
        return Err(Error::Importance { columns: weights.len(), importance: importance.len() });
    }
    match weighted::row(format, weights, importance, out) {
        true => Ok(()),
        false => encode_row(format, weights, out),
    }
}

fn check_lengths(format: Format, weights: &[f32], out: &[u8]) -> Result<(), Error> {
    let bytes = format.row_bytes(weights.len()).ok_or(Error::Weights { format, weights: weights.len() })?;
    if bytes != out.len() {
        let held = out.len() / format.block_bytes() * format.block_weights();
        return Err(Error::Length { format, bytes: out.len(), held, weights: weights.len() });
    }
    Ok(())
}

/// Encodes block after block.
fn each<const W: usize, const B: usize>(weights: &[f32], out: &mut [u8], encode: impl Fn(&[f32; W]) -> [u8; B]) {
    for (weights, out) in weights.as_chunks().0.iter().zip(out.as_chunks_mut().0) {
        *out = encode(weights);
    }
}

/// `1 / d`, and 0 for 0.
fn reciprocal(d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { 1.0 / d }
}

/// The nearest whole number, ties to even, up to 2²²; beyond that anything near. The sum has no room for a fraction.
///
/// `f32::round_ties_even` is a call of a function where the processor's baseline has no such instruction.
fn nearest(value: f32) -> f32 {
    const NO_FRACTION: f32 = 12_582_912.0;
    value + NO_FRACTION - NO_FRACTION
}
