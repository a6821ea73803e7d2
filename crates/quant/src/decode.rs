//! Bytes of a row to f32, equal bit for bit to the PyPI package `gguf` (`gguf.quants.dequantize`).
//!
//! Multiplications come in the order that [`Codes32`] and [`Codes256`] state, each rounded to f32.

use crate::{Codes32, Codes256, Error, Format, bf16_to_f32, f16_to_f32};

/// Decodes a row (or any whole number of blocks) into `out`, one f32 per weight.
///
/// # Errors
/// `bytes` is not whole blocks, or `out` has not exactly their number of weights.
pub fn decode_row(format: Format, bytes: &[u8], out: &mut [f32]) -> Result<(), Error> {
    check_lengths(format, bytes.len(), out.len())?;
    let blocks = bytes.chunks_exact(format.block_bytes());
    let outs = out.chunks_exact_mut(format.block_weights());
    for (block, out) in blocks.zip(outs) {
        decode_block(format, block, out);
    }
    Ok(())
}

impl Codes32 {
    /// `d` as a number.
    pub fn scale(&self, format: Format) -> f32 {
        match format {
            Format::MXFP4 => e8m0_half(self.d),
            _ => f16_to_f32(self.d),
        }
    }

    /// The weights, given the format that was read.
    pub fn decode(&self, format: Format) -> [f32; 32] {
        let d = self.scale(format);
        let scaled = self.codes.map(|code| d * f32::from(format.code_value(code)));
        match format.has_min() {
            true => scaled.map(|s| s + f16_to_f32(self.min)),
            false => scaled,
        }
    }
}

impl Codes256 {
    /// The weights, given the format that was read.
    pub fn decode(&self, format: Format) -> [f32; 256] {
        let (d, dmin) = (f16_to_f32(self.d), f16_to_f32(self.dmin));
        std::array::from_fn(|k| {
            let j = k / format.sub_block();
            let scaled = d * f32::from(self.scales[j]) * f32::from(format.code_value(self.codes[k]));
            match format.has_min() {
                true => scaled - dmin * f32::from(self.mins[j]),
                false => scaled,
            }
        })
    }
}

fn check_lengths(format: Format, bytes: usize, weights: usize) -> Result<(), Error> {
    if !bytes.is_multiple_of(format.block_bytes()) {
        return Err(Error::Bytes { format, bytes });
    }
    let held = bytes / format.block_bytes() * format.block_weights();
    if held != weights {
        return Err(Error::Length { format, bytes, held, weights });
    }
    Ok(())
}

/// One block of the right lengths.
fn decode_block(format: Format, block: &[u8], out: &mut [f32]) {
    if let ([out], Some(value)) = (&mut *out, decode_number(format, block)) {
        *out = value;
    } else if let Some(codes) = Codes32::read(format, block) {
        out.copy_from_slice(&codes.decode(format));
    } else if let Some(codes) = Codes256::read(format, block) {
        out.copy_from_slice(&codes.decode(format));
    }
}

fn decode_number(format: Format, bytes: &[u8]) -> Option<f32> {
    Some(match format {
        Format::F32 => f32::from_le_bytes(bytes.try_into().ok()?),
        Format::F16 => f16_to_f32(u16::from_le_bytes(bytes.try_into().ok()?)),
        Format::BF16 => bf16_to_f32(u16::from_le_bytes(bytes.try_into().ok()?)),
        _ => return None,
    })
}

/// `2^(exponent - 128)`: half the E8M0 number, since the codebook of MXFP4 is doubled to be whole. 255 is not NaN here.
fn e8m0_half(exponent: u16) -> f32 {
    match exponent {
        0 | 1 => f32::from_bits(0x0020_0000 << exponent),
        _ => f32::from_bits(u32::from(exponent - 1) << 23),
    }
}
