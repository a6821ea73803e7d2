//! Where everything stands in a chunk of packed weights.
//!
//! A *group* is 16 output rows, a *chunk* is 256 inputs of a group, in lines of 64 bytes. The codes of 32 inputs make
//! 8 code vectors of 16 rows × 4 consecutive inputs; vector `v` begins at input `4·v`. They are cut into planes by
//! bits: a plane of `p` bits keeps the 8 vectors in `p` lines, vector `v` in line `v % p`, shifted left by
//! `p · (v / p)`. So 4-bit codes have inputs 0–15 in the low nibbles, 16–31 in the high ones. A chunk is:
//!
//! ```text
//! for each 32 inputs:
//!     low plane    low_bits lines
//!     high plane   high_bits lines     the 5th, the 5th and 6th, or the 3rd bit
//! scales           scale_lines lines   by format, see `Layout::of`
//! ```
//!
//! Codes are read line after line: what the processor asks for ahead of time is what comes next.
//!
//! Inputs are padded to a whole number of chunks, rows to a whole number of groups, with zeros.

use quant::Format;

/// Output rows that are interleaved: one for each lane of a 512-bit vector of f32.
pub(crate) const GROUP: usize = 16;

/// Inputs of a chunk.
pub(crate) const CHUNK: usize = 256;

/// Sizes of a chunk, in lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bits of a code in the low plane.
    pub(crate) low_bits: usize,
    /// Bits of a code in the high plane.
    pub(crate) high_bits: usize,
    /// Lines of scales after the planes.
    pub(crate) scale_lines: usize,
}

impl Layout {
    /// The layout of a block format. Its scale lines, row after row within each field:
    ///
    /// - 32-weight formats: f16 `d` of all 8 blocks (32 bytes each), then f16 `min` likewise; MXFP4: 16 exponent bytes a block.
    /// - Q2_K: 4 lines, byte `j` of lane `i` in line `q` is `scale | min << 4` of sub-block `4q + j`; then `d`, `dmin`.
    /// - Q3_K, Q4_K, Q5_K: 3 lines, the 12 scale bytes of the file as three words a lane; then `d`, `dmin` (Q3_K: zeros).
    /// - Q6_K: 4 lines of int8 scales as in Q2_K; then `d`, zeros.
    /// - IQ4_XS: 1 line of low nibbles, one word a lane; then 16 words of 16 high bits, `d`.
    pub(crate) const fn of(format: Format) -> Self {
        let (low_bits, high_bits, scale_lines) = match format {
            Format::Q4_0 | Format::IQ4NL => (4, 0, 4),
            Format::Q4_1 => (4, 0, 8),
            Format::Q5_0 => (4, 1, 4),
            Format::Q5_1 => (4, 1, 8),
            Format::Q8_0 => (8, 0, 4),
            Format::MXFP4 => (4, 0, 2),
            Format::Q2K => (2, 0, 5),
            Format::Q3K => (2, 1, 4),
            Format::Q4K => (4, 0, 4),
            Format::Q5K => (4, 1, 4),
            Format::Q6K => (4, 2, 5),
            Format::IQ4XS => (4, 0, 2),
            _ => panic!("plain numbers have no chunks"),
        };
        Self { low_bits, high_bits, scale_lines }
    }

    /// Lines of a chunk.
    pub(crate) const fn lines(self) -> usize {
        self.scales() + self.scale_lines
    }

    /// First line of the low plane of inputs `32·block..`.
    pub(crate) const fn low(self, block: usize) -> usize {
        block * (self.low_bits + self.high_bits)
    }

    /// First line of the high plane of inputs `32·block..`.
    pub(crate) const fn high(self, block: usize) -> usize {
        self.low(block) + self.low_bits
    }

    /// First line of the scales.
    pub(crate) const fn scales(self) -> usize {
        8 * (self.low_bits + self.high_bits)
    }
}
