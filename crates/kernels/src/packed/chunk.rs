//! One row's part of a chunk: written from, and read back to, the numbers of its blocks.
//!
//! Reading back is exact, so a packed matrix still is the file's matrix: embeddings are decoded from it, and the scalar
//! kernels read the same bytes that the vector kernels multiply.

use quant::{Codes32, Codes256, Format};

use super::layout::{CHUNK, GROUP, Layout, Pieces};
use crate::aligned::LINE;

/// The lines of a chunk.
pub(crate) type Lines = [[u8; LINE]];

/// Blocks of 32 weights in a chunk.
pub(crate) const BLOCKS: usize = CHUNK / 32;

/// Writes one block of 32 weights of row `lane` as block `block` of the chunk.
pub(crate) fn write32(format: Format, chunk: &mut Lines, lane: usize, block: usize, codes: &Codes32) {
    let layout = Layout::of(format);
    write_codes(layout, chunk, lane, block, &stored(format, &codes.codes));
    let scales = chunk[layout.scales()..].as_flattened_mut();
    match format {
        Format::MXFP4 => scales[block * GROUP + lane] = codes.d as u8,
        _ => put_word(scales, block * GROUP + lane, codes.d),
    }
    if format.has_min() {
        put_word(scales, (BLOCKS + block) * GROUP + lane, codes.min);
    }
}

/// Reads back what [`write32`] wrote.
pub(crate) fn read32(format: Format, chunk: &Lines, lane: usize, block: usize) -> Codes32 {
    let layout = Layout::of(format);
    let scales = chunk[layout.scales()..].as_flattened();
    let d = match format {
        Format::MXFP4 => u16::from(scales[block * GROUP + lane]),
        _ => word(scales, block * GROUP + lane),
    };
    let min = if format.has_min() { word(scales, (BLOCKS + block) * GROUP + lane) } else { 0 };
    Codes32 { d, min, codes: stored(format, &read_codes(layout, chunk, lane, block)) }
}

/// Writes one block of 256 weights of row `lane`.
pub(crate) fn write256(format: Format, chunk: &mut Lines, lane: usize, codes: &Codes256) {
    let layout = Layout::of(format);
    for (block, codes) in codes.codes.as_chunks().0.iter().enumerate() {
        write_codes(layout, chunk, lane, block, codes);
    }
    let scales = &mut chunk[layout.scales()..];
    let lane_words = |scales: &mut Lines, bytes: &[u8]| {
        for (line, bytes) in scales.iter_mut().zip(bytes.as_chunks::<4>().0) {
            line[4 * lane..4 * lane + 4].copy_from_slice(bytes);
        }
    };
    match format {
        Format::Q2K => {
            lane_words(scales, &std::array::from_fn::<u8, 16, _>(|j| codes.scales[j] as u8 | codes.mins[j] << 4))
        }
        Format::Q3K => lane_words(scales, &pack_q3_scales(&codes.scales)),
        Format::Q6K => lane_words(scales, &codes.scales.map(|s| s as u8)),
        Format::IQ4XS => {
            let (low, high) = pack_iq4_scales(&codes.scales);
            lane_words(scales, &low.to_le_bytes());
            put_word(&mut scales[1], lane, high);
        }
        _ => lane_words(scales, &pack_scales_and_mins(&codes.scales, &codes.mins)),
    }
    let last = &mut scales[layout.scale_lines - 1];
    put_word(last, if format == Format::IQ4XS { GROUP } else { 0 } + lane, codes.d);
    if format.has_min() {
        put_word(last, GROUP + lane, codes.dmin);
    }
}

/// Reads back what [`write256`] wrote.
pub(crate) fn read256(format: Format, chunk: &Lines, lane: usize) -> Codes256 {
    let layout = Layout::of(format);
    let mut codes = [0; CHUNK];
    for (block, codes) in codes.as_chunks_mut().0.iter_mut().enumerate() {
        *codes = read_codes(layout, chunk, lane, block);
    }
    let lines = &chunk[layout.scales()..layout.lines()];
    let byte = |j: usize| lines[j / 4][4 * lane + j % 4];
    let (scales, mins) = match format {
        Format::Q2K => (std::array::from_fn(|j| (byte(j) & 15) as i8), std::array::from_fn(|j| byte(j) >> 4)),
        Format::Q3K => (std::array::from_fn(|j| q3_scale(byte, j)), [0; 16]),
        Format::Q6K => (std::array::from_fn(|j| byte(j) as i8), [0; 16]),
        Format::IQ4XS => (iq4_scales(byte, word(&lines[1], lane)), [0; 16]),
        _ => scales_and_mins(byte),
    };
    let last = &lines[layout.scale_lines - 1];
    let d = word(last, if format == Format::IQ4XS { GROUP } else { 0 } + lane);
    let dmin = if format.has_min() { word(last, GROUP + lane) } else { 0 };
    Codes256 { d, dmin, scales, mins, codes }
}

/// Codes as packed: int8 becomes unsigned by adding 128; its own inverse.
fn stored(format: Format, codes: &[u8; 32]) -> [u8; 32] {
    match format {
        Format::Q8_0 => codes.map(|code| code ^ 0x80),
        _ => *codes,
    }
}

fn write_codes(layout: Layout, chunk: &mut Lines, lane: usize, block: usize, codes: &[u8; 32]) {
    let mut words = [0; 8];
    for (v, codes) in codes.as_chunks::<4>().0.iter().enumerate() {
        for piece in Pieces::of(layout.bits, v).iter() {
            words[piece.line] |= (u32::from_le_bytes(*codes) & piece.mask()) >> piece.to << piece.from;
        }
    }
    for (line, word) in chunk[layout.codes(block)..][..layout.bits].iter_mut().zip(words) {
        line[4 * lane..4 * lane + 4].copy_from_slice(&word.to_le_bytes());
    }
}

fn read_codes(layout: Layout, chunk: &Lines, lane: usize, block: usize) -> [u8; 32] {
    let lines = &chunk[layout.codes(block)..][..layout.bits];
    let word = |line: usize| u32::from_le_bytes(lines[line][4 * lane..].first_chunk().copied().unwrap_or_default());
    let mut codes = [0; 32];
    for (v, codes) in codes.as_chunks_mut().0.iter_mut().enumerate() {
        let bits = Pieces::of(layout.bits, v).iter().map(|p| word(p.line) >> p.from << p.to & p.mask());
        *codes = bits.fold(0, |codes, bits| codes | bits).to_le_bytes();
    }
    codes
}

/// The 12 bytes of Q4_K and Q5_K (see [`Codes256::read`]).
fn pack_scales_and_mins(scales: &[i8; 16], mins: &[u8; 16]) -> [u8; 12] {
    let mut packed = [0; 12];
    for j in 0..4 {
        let (scale, min) = (scales[4 + j] as u8, mins[4 + j]);
        packed[j] = scales[j] as u8 | scale >> 4 << 6;
        packed[4 + j] = mins[j] | min >> 4 << 6;
        packed[8 + j] = scale & 15 | min << 4;
    }
    packed
}

fn scales_and_mins(byte: impl Fn(usize) -> u8) -> ([i8; 16], [u8; 16]) {
    let (mut scales, mut mins) = ([0; 16], [0; 16]);
    for j in 0..4 {
        scales[j] = (byte(j) & 63) as i8;
        mins[j] = byte(4 + j) & 63;
        scales[4 + j] = (byte(8 + j) & 15 | byte(j) >> 6 << 4) as i8;
        mins[4 + j] = byte(8 + j) >> 4 | byte(4 + j) >> 6 << 4;
    }
    (scales, mins)
}

/// The 12 bytes of Q3_K: 16 low nibbles, then 16 pairs of high bits.
fn pack_q3_scales(scales: &[i8; 16]) -> [u8; 12] {
    let mut packed = [0; 12];
    for j in 0..16 {
        let scale = (scales[j] + 32) as u8;
        packed[j % 8] |= (scale & 15) << (4 * (j / 8));
        packed[8 + j % 4] |= scale >> 4 << (2 * (j / 4));
    }
    packed
}

fn q3_scale(byte: impl Fn(usize) -> u8, j: usize) -> i8 {
    let (low, high) = (byte(j % 8) >> (4 * (j / 8)) & 15, byte(8 + j % 4) >> (2 * (j / 4)) & 3);
    (low | high << 4) as i8 - 32
}

/// Eight low nibbles and eight pairs of high bits.
fn pack_iq4_scales(scales: &[i8; 16]) -> (u32, u16) {
    let (mut low, mut high) = (0, 0);
    for j in 0..8 {
        let scale = (scales[j] + 32) as u8;
        low |= u32::from(scale & 15) << (4 * j);
        high |= u16::from(scale >> 4) << (2 * j);
    }
    (low, high)
}

fn iq4_scales(byte: impl Fn(usize) -> u8, high: u16) -> [i8; 16] {
    let mut scales = [0; 16];
    for j in 0..8 {
        let (low, high) = (byte(j / 2) >> (4 * (j % 2)) & 15, (high >> (2 * j) & 3) as u8);
        scales[j] = (low | high << 4) as i8 - 32;
    }
    scales
}

pub(crate) fn put_word(bytes: &mut [u8], index: usize, word: u16) {
    bytes[2 * index..2 * index + 2].copy_from_slice(&word.to_le_bytes());
}

fn word(bytes: &[u8], index: usize) -> u16 {
    u16::from_le_bytes([bytes[2 * index], bytes[2 * index + 1]])
}
