//! Chunks of the formats that most files use, packed in words of four codes: the file's bits are moved, no code is taken apart.
//!
//! A *column* is what one row puts into a chunk: a word for each line. In planes of `p` bits, line `l` of a block of 32
//! holds code vector `l` with vectors `l + p`, `l + 2p`, … above it; the files' nibbles and bits lie in words of four
//! codes as well, so that masks and shifts are all it takes. The bytes are those of [`super::chunk`], which is the
//! specification and packs what is not named here.

use quant::Format;

use super::chunk::{Lines, put_word};
use super::layout::{CHUNK, GROUP, Layout};

/// Bytes of a row in a chunk.
pub(crate) const fn chunk_bytes(format: Format) -> usize {
    CHUNK / format.block_weights() * format.block_bytes()
}

/// Packs the parts of up to 16 rows that belong to one chunk; `false`, and nothing done, where another way is needed.
pub(crate) fn pack<'a>(format: Format, rows: impl Iterator<Item = &'a [u8]> + Clone, chunk: &mut Lines) -> bool {
    if rows.clone().any(|row| row.len() != chunk_bytes(format)) {
        return false;
    }
    match format {
        Format::Q4K => columns(rows.clone(), chunk, q4_k),
        Format::Q5K => columns(rows.clone(), chunk, q5_k),
        Format::Q6K => columns(rows.clone(), chunk, q6_k),
        Format::Q8_0 => columns(rows.clone(), chunk, q8_0),
        Format::Q4_0 => columns(rows.clone(), chunk, q4_0),
        _ => return false,
    }
    let scales = chunk[Layout::of(format).scales()..].as_flattened_mut();
    for (lane, row) in rows.enumerate() {
        match format {
            Format::Q4_0 | Format::Q8_0 => {
                for (block, bytes) in row.chunks_exact(format.block_bytes()).enumerate() {
                    put_word(scales, block * GROUP + lane, half(bytes, 0));
                }
            }
            Format::Q6K => put_word(scales, 8 * GROUP + lane, half(row, 208)),
            _ => {
                put_word(scales, 6 * GROUP + lane, half(row, 0));
                put_word(scales, 7 * GROUP + lane, half(row, 2));
            }
        }
    }
    true
}

/// Line `l` of the chunk is word `l` of every row's column.
fn columns<'a, const N: usize>(
    rows: impl Iterator<Item = &'a [u8]>,
    chunk: &mut Lines,
    column: impl Fn(&[u8]) -> [u32; N],
) {
    let mut columns = [[0; N]; GROUP];
    for (into, row) in columns.iter_mut().zip(rows) {
        *into = column(row);
    }
    for (l, line) in chunk[..N].iter_mut().enumerate() {
        for (word, column) in line.as_chunks_mut::<4>().0.iter_mut().zip(&columns) {
            *word = column[l].to_le_bytes();
        }
    }
}

/// `d`, `dmin`, `scales[12]`, `qs[128]`: a word of `qs` has four codes of one block, and above them four of the next.
fn q4_k(block: &[u8]) -> [u32; 35] {
    let mut column = [0; 35];
    nibbles_by_64(words::<32>(block, 16), &mut column[..32]);
    column[32..].copy_from_slice(&words::<3>(block, 4));
    column
}

/// As Q4_K, with `qh[32]` before `qs`: bit `b` of its bytes is the fifth bit of block `b`.
fn q5_k(block: &[u8]) -> [u32; 43] {
    let mut column = [0; 43];
    nibbles_by_64(words::<32>(block, 48), &mut column[..32]);
    let high = words::<8>(block, 16);
    for (b, word) in column[32..40].iter_mut().enumerate() {
        *word = (0..8).fold(0, |sum, v| sum | (high[v] >> b & 0x0101_0101) << v);
    }
    column[40..].copy_from_slice(&words::<3>(block, 4));
    column
}

/// `ql[128]`, `qh[64]`, `scales[16]`, `d`; the quarters of each half as [`quant::Codes256::read`] has them.
fn q6_k(block: &[u8]) -> [u32; 52] {
    let (low, high) = (words::<32>(block, 0), words::<16>(block, 128));
    let mut column = [0; 52];
    for b in 0..8 {
        let (half, quarter) = (b / 4, b % 4);
        let low = &low[16 * half + 8 * (quarter % 2)..][..8];
        let high = &high[8 * half..][..8];
        for l in 0..4 {
            let nibble = |word: u32| word >> (4 * (quarter / 2)) & NIBBLES;
            column[4 * b + l] = nibble(low[l]) | nibble(low[l + 4]) << 4;
        }
        for l in 0..2 {
            let pair = |v: usize| high[l + 2 * v] >> (2 * quarter) & 0x0303_0303;
            column[32 + 2 * b + l] = pair(0) | pair(1) << 2 | pair(2) << 4 | pair(3) << 6;
        }
    }
    column[48..].copy_from_slice(&words::<4>(block, 192));
    column
}

/// Eight times `d`, `qs[32]`: int8 becomes unsigned by adding 128.
fn q8_0(blocks: &[u8]) -> [u32; 64] {
    let mut column = [0; 64];
    for (block, column) in blocks.chunks_exact(34).zip(column.as_chunks_mut::<8>().0) {
        *column = words::<8>(block, 2).map(|word| word ^ 0x8080_8080);
    }
    column
}

/// Eight times `d`, `qs[16]`: both planes lie as they should.
fn q4_0(blocks: &[u8]) -> [u32; 32] {
    let mut column = [0; 32];
    for (block, column) in blocks.chunks_exact(18).zip(column.as_chunks_mut::<4>().0) {
        *column = words(block, 2);
    }
    column
}

/// Eight words are 32 weights in the low nibbles and the next 32 in the high ones.
fn nibbles_by_64(file: [u32; 32], column: &mut [u32]) {
    for (pair, column) in file.as_chunks::<8>().0.iter().zip(column.as_chunks_mut::<8>().0) {
        for l in 0..4 {
            column[l] = pair[l] & NIBBLES | (pair[l + 4] & NIBBLES) << 4;
            column[4 + l] = pair[l] >> 4 & NIBBLES | pair[l + 4] & !NIBBLES;
        }
    }
}

/// The low four bits of each byte.
const NIBBLES: u32 = 0x0f0f_0f0f;

/// `N` words from byte `at` on.
fn words<const N: usize>(block: &[u8], at: usize) -> [u32; N] {
    let bytes = block[at..at + 4 * N].as_chunks::<4>().0;
    std::array::from_fn(|i| u32::from_le_bytes(bytes[i]))
}

fn half(block: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([block[at], block[at + 1]])
}
