//! Where everything stands in a chunk of packed weights.
//!
//! A *group* is 16 output rows, a *chunk* is 256 inputs of a group, in lines of 64 bytes. The codes of 32 inputs make
//! 8 code vectors of 16 rows × 4 consecutive inputs; vector `v` begins at input `4·v`. Codes of `b` bits take `b` lines: each
//! line has as many whole vectors as go into 8 bits, vector `v` in line `v % b`, shifted left by `b · (v / b)`, and the bits that
//! are left over on top have the last vectors in [`Pieces`]. So 4-bit codes have inputs 0–15 in the low nibbles, 16–31 in
//! the high ones, and 6-bit codes have inputs 0–23 in the low six bits. A chunk is:
//!
//! ```text
//! for each 32 inputs:
//!     codes        bits lines
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
    /// Bits of a code, and lines of the codes of 32 inputs.
    pub(crate) bits: usize,
    /// Lines of scales after the codes.
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
        let (bits, scale_lines) = match format {
            Format::Q4_0 | Format::IQ4NL => (4, 4),
            Format::Q4_1 => (4, 8),
            Format::Q5_0 => (5, 4),
            Format::Q5_1 => (5, 8),
            Format::Q8_0 => (8, 4),
            Format::MXFP4 => (4, 2),
            Format::Q2K => (2, 5),
            Format::Q3K => (3, 4),
            Format::Q4K => (4, 4),
            Format::Q5K => (5, 4),
            Format::Q6K => (6, 5),
            Format::IQ4XS => (4, 2),
            _ => panic!("plain numbers have no chunks"),
        };
        Self { bits, scale_lines }
    }

    /// Lines of a chunk.
    pub(crate) const fn lines(self) -> usize {
        self.scales() + self.scale_lines
    }

    /// First line of the codes of inputs `32·block..`.
    pub(crate) const fn codes(self, block: usize) -> usize {
        block * self.bits
    }

    /// First line of the scales.
    pub(crate) const fn scales(self) -> usize {
        8 * self.bits
    }
}

/// Some bits of the codes of a vector.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Piece {
    /// The line that they are in, and where in its bytes.
    pub(crate) line: usize,
    pub(crate) from: usize,
    /// Where in the codes.
    pub(crate) to: usize,
    /// How many.
    pub(crate) bits: usize,
}

impl Piece {
    /// The bits where the codes have them, in each byte of a word.
    pub(crate) const fn mask(self) -> u32 {
        (((1 << self.bits) - 1) << self.to) * 0x0101_0101
    }
}

/// The pieces of a vector of codes: one, or up to three from the bits of lines that whole vectors leave over. Not a list, so that
/// compilers see through it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pieces(pub(crate) Piece, pub(crate) Option<Piece>, pub(crate) Option<Piece>);

impl Pieces {
    /// Of vector `v` of codes of so many bits.
    #[inline(always)]
    pub(crate) const fn of(bits: usize, v: usize) -> Self {
        const fn piece(line: usize, from: usize, to: usize, bits: usize) -> Piece {
            Piece { line, from, to, bits }
        }
        match (bits, v) {
            (3, 6..) => Self(piece(v - 6, 6, 1, 2), Some(piece(2, v, 0, 1)), None),
            (5, 5 | 6) => Self(piece(v - 5, 5, 2, 3), Some(piece(v - 2, 5, 0, 2)), None),
            (5, 7..) => Self(piece(2, 5, 2, 3), Some(piece(3, 7, 1, 1)), Some(piece(4, 7, 0, 1))),
            (6, 6..) => {
                let line = 3 * (v - 6);
                Self(piece(line, 6, 4, 2), Some(piece(line + 1, 6, 2, 2)), Some(piece(line + 2, 6, 0, 2)))
            }
            _ => Self(piece(v % bits, v / bits * bits, 0, bits), None, None),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Piece> {
        [Some(self.0), self.1, self.2].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bits_have_a_place_of_their_own() {
        for bits in [2, 3, 4, 5, 6, 8] {
            let (mut lines, mut codes) = ([0_u32; 8], [0; 8]);
            for v in 0..8 {
                for piece in Pieces::of(bits, v).iter() {
                    for bit in 0..piece.bits {
                        let (line, code) = (1 << (piece.from + bit), 1 << (piece.to + bit));
                        assert!(
                            lines[piece.line] & line == 0 && codes[v] & code == 0,
                            "{bits} bits, vector {v}, {piece:?}"
                        );
                        lines[piece.line] |= line;
                        codes[v] |= code;
                    }
                }
            }
            assert!(codes == [(1 << bits) - 1; 8] && lines[..bits] == vec![0xFF; bits], "{bits} bits");
        }
    }
}
