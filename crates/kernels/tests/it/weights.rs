//! Weights as in a file, with scales that the test asks for.

use quant::{Format, f32_to_f16};
use testkit::Random;

/// What the scales of a matrix are like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Random codes and scales, scales about 1/100.
    Random,
    /// All bytes zero.
    Zeros,
    /// All code and integer scale bits set, scales about 1/100.
    Ones,
    /// Random codes; f16 scales denormal, zero, negative, largest.
    Extreme,
    /// Random bytes, so that scales are infinite and NaN too.
    Bytes,
}

impl Kind {
    pub(crate) const ALL: [Kind; 5] = [Kind::Random, Kind::Zeros, Kind::Ones, Kind::Extreme, Kind::Bytes];
    pub(crate) const FINITE: [Kind; 4] = [Kind::Random, Kind::Zeros, Kind::Ones, Kind::Extreme];
}

/// `rows` rows of `cols` weights, row after row.
pub(crate) fn rows_of(format: Format, rows: usize, cols: usize, kind: Kind, random: &mut Random) -> Vec<u8> {
    let mut bytes = random.bytes(rows * format.row_bytes(cols).unwrap());
    for block in bytes.chunks_exact_mut(format.block_bytes()) {
        match kind {
            Kind::Bytes => {}
            Kind::Zeros => block.fill(0),
            Kind::Ones => block.fill(0xFF),
            Kind::Random | Kind::Extreme => {}
        }
        if !matches!(kind, Kind::Bytes | Kind::Zeros) {
            set_scales(format, block, kind, random);
        }
    }
    bytes
}

fn set_scales(format: Format, block: &mut [u8], kind: Kind, random: &mut Random) {
    let extremes = [0x7BFF, 0xFBFF, 0x0001, 0x83FF, 0x8000, 0x0400];
    let mut scale = || match kind {
        Kind::Extreme => extremes[random.below(extremes.len())],
        _ => f32_to_f16(random.float() / 50.0),
    };
    match format {
        Format::F32 => block.copy_from_slice(&quant::f16_to_f32(scale()).to_le_bytes()),
        Format::BF16 => block.copy_from_slice(&quant::f32_to_bf16(quant::f16_to_f32(scale())).to_le_bytes()),
        Format::MXFP4 => {
            block[0] = if kind == Kind::Extreme { random.bits() as u8 / 2 } else { 118 + random.below(4) as u8 }
        }
        _ => {
            for &at in scale_offsets(format) {
                block[at..at + 2].copy_from_slice(&scale().to_le_bytes());
            }
        }
    }
}

/// Where a block's f16 numbers stand.
fn scale_offsets(format: Format) -> &'static [usize] {
    match format {
        Format::Q4_1 | Format::Q5_1 | Format::Q4K | Format::Q5K => &[0, 2],
        Format::Q2K => &[80, 82],
        Format::Q3K => &[108],
        Format::Q6K => &[208],
        _ => &[0],
    }
}
