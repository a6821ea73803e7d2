//! A block taken apart: integer codes, integer scales, and the bits of its floats, whatever the format packs them like.
//!
//! The byte layouts are ggml's (`ggml-common.h`). A code is the unsigned number as stored; what it stands for is
//! [`Format::code_value`]. Decoding, packing and the scalar kernels all start from here, so that a layout is read in
//! one place only.

use crate::Format;

/// A block of 32 weights: `weight[k] = d · value(codes[k]) + min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes32 {
    /// f16 bits of the scale; for MXFP4 the biased exponent.
    pub d: u16,
    /// f16 bits of the minimum; 0 in formats without.
    pub min: u16,
    /// One code a weight.
    pub codes: [u8; 32],
}

/// A block of 256 weights in sub-blocks of [`Format::sub_block`]: `weight = (d · scale) · value(code) - dmin · min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes256 {
    /// f16 bits of the scale of scales.
    pub d: u16,
    /// f16 bits of the scale of minimums; 0 in formats without.
    pub dmin: u16,
    /// One scale a sub-block; the second half is unused where there are 8.
    pub scales: [i8; 16],
    /// One minimum a sub-block.
    pub mins: [u8; 16],
    /// One code a weight.
    pub codes: [u8; 256],
}

impl Codes32 {
    /// Takes one block apart; `None` where `block` is not one block of a 32-weight format.
    #[inline]
    pub fn read(format: Format, block: &[u8]) -> Option<Self> {
        Some(match format {
            Format::Q4_0 | Format::IQ4NL => read_q4_0(block.try_into().ok()?),
            Format::Q4_1 => read_q4_1(block.try_into().ok()?),
            Format::Q5_0 => read_q5_0(block.try_into().ok()?),
            Format::Q5_1 => read_q5_1(block.try_into().ok()?),
            Format::Q8_0 => read_q8_0(block.try_into().ok()?),
            Format::MXFP4 => read_mxfp4(block.try_into().ok()?),
            _ => return None,
        })
    }
}

impl Codes256 {
    /// Takes one block apart; `None` where `block` is not one block of a 256-weight format.
    #[inline]
    pub fn read(format: Format, block: &[u8]) -> Option<Self> {
        Some(match format {
            Format::Q2K => read_q2_k(block.try_into().ok()?),
            Format::Q3K => read_q3_k(block.try_into().ok()?),
            Format::Q4K => read_q4_k(block.try_into().ok()?),
            Format::Q5K => read_q5_k(block.try_into().ok()?),
            Format::Q6K => read_q6_k(block.try_into().ok()?),
            Format::IQ4XS => read_iq4_xs(block.try_into().ok()?),
            _ => return None,
        })
    }
}

fn read_q4_0(block: &[u8; 18]) -> Codes32 {
    Codes32 { d: word(block, 0), min: 0, codes: nibbles(&array(block, 2)) }
}

fn read_q4_1(block: &[u8; 20]) -> Codes32 {
    Codes32 { d: word(block, 0), min: word(block, 2), codes: nibbles(&array(block, 4)) }
}

fn read_q5_0(block: &[u8; 22]) -> Codes32 {
    let codes = with_fifth_bits(nibbles(&array(block, 6)), u32::from_le_bytes(array(block, 2)));
    Codes32 { d: word(block, 0), min: 0, codes }
}

fn read_q5_1(block: &[u8; 24]) -> Codes32 {
    let codes = with_fifth_bits(nibbles(&array(block, 8)), u32::from_le_bytes(array(block, 4)));
    Codes32 { d: word(block, 0), min: word(block, 2), codes }
}

fn read_q8_0(block: &[u8; 34]) -> Codes32 {
    Codes32 { d: word(block, 0), min: 0, codes: array(block, 2) }
}

fn read_mxfp4(block: &[u8; 17]) -> Codes32 {
    Codes32 { d: u16::from(block[0]), min: 0, codes: nibbles(&array(block, 1)) }
}

/// `scales[16]` (low nibble scale, high nibble minimum), `qs[64]`, `d`, `dmin`.
fn read_q2_k(block: &[u8; 84]) -> Codes256 {
    let packed: [u8; 16] = array(block, 0);
    Codes256 {
        d: word(block, 80),
        dmin: word(block, 82),
        scales: packed.map(|s| (s & 15) as i8),
        mins: packed.map(|s| s >> 4),
        codes: crumbs(&array(block, 16)),
    }
}

/// `hmask[32]`, `qs[64]`, `scales[12]`, `d`. Bit `j` of `hmask[i]` is the third bit of weight `32·j + i`.
fn read_q3_k(block: &[u8; 110]) -> Codes256 {
    let mut codes = crumbs(&array(block, 32));
    for (k, code) in codes.iter_mut().enumerate() {
        *code |= (block[k % 32] >> (k / 32) & 1) << 2;
    }
    let packed: [u8; 12] = array(block, 96);
    let scales = std::array::from_fn(|j| {
        let low = packed[j % 8] >> (4 * (j / 8)) & 15;
        let high = packed[8 + j % 4] >> (2 * (j / 4)) & 3;
        (low | high << 4) as i8 - 32
    });
    Codes256 { d: word(block, 108), dmin: 0, scales, mins: [0; 16], codes }
}

/// `d`, `dmin`, `scales[12]`, `qs[128]`.
fn read_q4_k(block: &[u8; 144]) -> Codes256 {
    let (scales, mins) = scales_and_mins(&array(block, 4));
    Codes256 { d: word(block, 0), dmin: word(block, 2), scales, mins, codes: nibbles_by_64(&array(block, 16)) }
}

/// As Q4_K, with `qh[32]` before `qs`. Bit `j` of `qh[i]` is the fifth bit of weight `32·j + i`.
fn read_q5_k(block: &[u8; 176]) -> Codes256 {
    let (scales, mins) = scales_and_mins(&array(block, 4));
    let mut codes = nibbles_by_64(&array(block, 48));
    for (k, code) in codes.iter_mut().enumerate() {
        *code |= (block[16 + k % 32] >> (k / 32) & 1) << 4;
    }
    Codes256 { d: word(block, 0), dmin: word(block, 2), scales, mins, codes }
}

/// `ql[128]`, `qh[64]`, `scales[16]`, `d`. In each half of 128 weights, quarter `j` has its low bits in nibble `j / 2` of
/// `ql[32·(j % 2) + i]` and its high bits in bits `2j` of `qh[i]`.
fn read_q6_k(block: &[u8; 210]) -> Codes256 {
    let mut codes = [0; 256];
    for (half, codes) in codes.chunks_exact_mut(128).enumerate() {
        let (low, high) = (&block[64 * half..][..64], &block[128 + 32 * half..][..32]);
        for (quarter, codes) in codes.chunks_exact_mut(32).enumerate() {
            let low = &low[32 * (quarter % 2)..][..32];
            for i in 0..32 {
                codes[i] = low[i] >> (4 * (quarter / 2)) & 15 | (high[i] >> (2 * quarter) & 3) << 4;
            }
        }
    }
    let scales = array::<16, 210>(block, 192).map(|s| s as i8);
    Codes256 { d: word(block, 208), dmin: 0, scales, mins: [0; 16], codes }
}

/// `d`, `scales_h` (u16), `scales_l[4]`, `qs[128]`.
fn read_iq4_xs(block: &[u8; 136]) -> Codes256 {
    let high = word(block, 2);
    let mut scales = [0; 16];
    for j in 0..8 {
        let low = block[4 + j / 2] >> (4 * (j % 2)) & 15;
        scales[j] = (low | ((high >> (2 * j) & 3) as u8) << 4) as i8 - 32;
    }
    let mut codes = [0; 256];
    for j in 0..8 {
        codes[32 * j..32 * j + 32].copy_from_slice(&nibbles(&array(block, 8 + 16 * j)));
    }
    Codes256 { d: word(block, 0), dmin: 0, scales, mins: [0; 16], codes }
}

/// 16 bytes: low nibbles first, then high nibbles.
fn nibbles(bytes: &[u8; 16]) -> [u8; 32] {
    let mut codes = [0; 32];
    for i in 0..16 {
        codes[i] = bytes[i] & 15;
        codes[16 + i] = bytes[i] >> 4;
    }
    codes
}

/// Four times 32 bytes: low nibbles are 32 weights, high nibbles the next 32.
fn nibbles_by_64(bytes: &[u8; 128]) -> [u8; 256] {
    let mut codes = [0; 256];
    for (codes, bytes) in codes.chunks_exact_mut(64).zip(bytes.chunks_exact(32)) {
        for i in 0..32 {
            codes[i] = bytes[i] & 15;
            codes[32 + i] = bytes[i] >> 4;
        }
    }
    codes
}

/// Twice 32 bytes of four 2-bit fields; each field plane is 32 weights.
fn crumbs(bytes: &[u8; 64]) -> [u8; 256] {
    let mut codes = [0; 256];
    for (codes, bytes) in codes.chunks_exact_mut(128).zip(bytes.chunks_exact(32)) {
        for i in 0..128 {
            codes[i] = bytes[i % 32] >> (2 * (i / 32)) & 3;
        }
    }
    codes
}

fn with_fifth_bits(mut codes: [u8; 32], bits: u32) -> [u8; 32] {
    for (k, code) in codes.iter_mut().enumerate() {
        *code |= ((bits >> k & 1) as u8) << 4;
    }
    codes
}

/// Eight 6-bit scales and eight 6-bit minimums in 12 bytes: the first four of each whole in the low bits of bytes 0–7,
/// the other four split between bytes 8–11 and the high bits of bytes 0–7.
fn scales_and_mins(packed: &[u8; 12]) -> ([i8; 16], [u8; 16]) {
    let (mut scales, mut mins) = ([0; 16], [0; 16]);
    for j in 0..4 {
        let (scale, min, last) = (packed[j], packed[4 + j], packed[8 + j]);
        scales[j] = (scale & 63) as i8;
        mins[j] = min & 63;
        scales[4 + j] = (last & 15 | scale >> 6 << 4) as i8;
        mins[4 + j] = last >> 4 | min >> 6 << 4;
    }
    (scales, mins)
}

fn word<const N: usize>(block: &[u8; N], at: usize) -> u16 {
    u16::from_le_bytes(array(block, at))
}

fn array<const M: usize, const N: usize>(block: &[u8; N], at: usize) -> [u8; M] {
    std::array::from_fn(|i| block[at + i])
}
