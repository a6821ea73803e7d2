//! Blocks from their numbers: the inverse of `Codes32::read` and `Codes256::read`, whose comments tell the layouts.

use crate::{Codes32, Codes256};

pub(super) fn q4_0(block: &Codes32) -> [u8; 18] {
    join(&[&block.d.to_le_bytes(), &nibbles(&block.codes)])
}

pub(super) fn q4_1(block: &Codes32) -> [u8; 20] {
    join(&[&block.d.to_le_bytes(), &block.min.to_le_bytes(), &nibbles(&block.codes)])
}

pub(super) fn q5_0(block: &Codes32) -> [u8; 22] {
    join(&[&block.d.to_le_bytes(), &fifth_bits(&block.codes), &nibbles(&block.codes)])
}

pub(super) fn q5_1(block: &Codes32) -> [u8; 24] {
    let (d, min) = (block.d.to_le_bytes(), block.min.to_le_bytes());
    join(&[&d, &min, &fifth_bits(&block.codes), &nibbles(&block.codes)])
}

pub(super) fn mxfp4(block: &Codes32) -> [u8; 17] {
    join(&[&[block.d as u8], &nibbles(&block.codes)])
}

pub(super) fn q2_k(block: &Codes256) -> [u8; 84] {
    let scales: [u8; 16] = std::array::from_fn(|j| block.scales[j] as u8 | block.mins[j] << 4);
    join(&[&scales, &crumbs(&block.codes), &block.d.to_le_bytes(), &block.dmin.to_le_bytes()])
}

pub(super) fn q3_k(block: &Codes256) -> [u8; 110] {
    let mut packed = [0; 12];
    for (j, scale) in block.scales.iter().enumerate() {
        let scale = (scale + 32) as u8;
        packed[j % 8] |= (scale & 15) << (4 * (j / 8));
        packed[8 + j % 4] |= (scale >> 4) << (2 * (j / 4));
    }
    join(&[&high_bits(&block.codes, 2), &crumbs(&block.codes), &packed, &block.d.to_le_bytes()])
}

pub(super) fn q4_k(block: &Codes256) -> [u8; 144] {
    let (d, dmin) = (block.d.to_le_bytes(), block.dmin.to_le_bytes());
    join(&[&d, &dmin, &scales_and_mins(block), &nibbles_by_64(&block.codes)])
}

pub(super) fn q5_k(block: &Codes256) -> [u8; 176] {
    let (d, dmin) = (block.d.to_le_bytes(), block.dmin.to_le_bytes());
    join(&[&d, &dmin, &scales_and_mins(block), &high_bits(&block.codes, 4), &nibbles_by_64(&block.codes)])
}

pub(super) fn q6_k(block: &Codes256) -> [u8; 210] {
    let (mut low, mut high) = ([0; 128], [0; 64]);
    for (k, code) in block.codes.iter().enumerate() {
        let (half, quarter, i) = (k / 128, k / 32 % 4, k % 32);
        low[64 * half + 32 * (quarter % 2) + i] |= (code & 15) << (4 * (quarter / 2));
        high[32 * half + i] |= code >> 4 << (2 * quarter);
    }
    join(&[&low, &high, &block.scales.map(|scale| scale as u8), &block.d.to_le_bytes()])
}

pub(super) fn iq4_xs(block: &Codes256) -> [u8; 136] {
    let (mut high, mut low) = (0u16, [0; 4]);
    for j in 0..8 {
        let scale = (block.scales[j] + 32) as u8;
        low[j / 2] |= (scale & 15) << (4 * (j % 2));
        high |= u16::from(scale >> 4) << (2 * j);
    }
    let mut codes = [0; 128];
    for (bytes, codes) in codes.as_chunks_mut().0.iter_mut().zip(block.codes.as_chunks().0) {
        *bytes = nibbles(codes);
    }
    join(&[&block.d.to_le_bytes(), &high.to_le_bytes(), &low, &codes])
}

fn join<const B: usize>(parts: &[&[u8]]) -> [u8; B] {
    let mut block = [0; B];
    let mut rest = block.as_mut_slice();
    for part in parts {
        let (place, behind) = rest.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = behind;
    }
    debug_assert!(rest.is_empty());
    block
}

fn nibbles(codes: &[u8; 32]) -> [u8; 16] {
    std::array::from_fn(|i| codes[i] & 15 | codes[16 + i] << 4)
}

fn nibbles_by_64(codes: &[u8; 256]) -> [u8; 128] {
    std::array::from_fn(|i| codes[i / 32 * 64 + i % 32] & 15 | codes[i / 32 * 64 + 32 + i % 32] << 4)
}

fn crumbs(codes: &[u8; 256]) -> [u8; 64] {
    std::array::from_fn(|i| (0..4).fold(0, |byte, n| byte | (codes[i / 32 * 128 + 32 * n + i % 32] & 3) << (2 * n)))
}

fn fifth_bits(codes: &[u8; 32]) -> [u8; 4] {
    codes.iter().enumerate().fold(0, |bits, (k, code)| bits | u32::from(code >> 4 & 1) << k).to_le_bytes()
}

/// Bit `bit` of each code: bit `j` of byte `i` is that of code `32·j + i`.
fn high_bits(codes: &[u8; 256], bit: u8) -> [u8; 32] {
    std::array::from_fn(|i| (0..8).fold(0, |byte, j| byte | (codes[32 * j + i] >> bit & 1) << j))
}

fn scales_and_mins(block: &Codes256) -> [u8; 12] {
    let mut packed = [0; 12];
    for j in 0..4 {
        let (scale, min) = (block.scales[j] as u8, block.mins[j]);
        let (later_scale, later_min) = (block.scales[4 + j] as u8, block.mins[4 + j]);
        packed[j] = scale & 63 | later_scale >> 4 << 6;
        packed[4 + j] = min & 63 | later_min >> 4 << 6;
        packed[8 + j] = later_scale & 15 | later_min << 4;
    }
    packed
}
