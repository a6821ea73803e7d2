//! A weight matrix as the kernels multiply from it: 16 output rows interleaved, still quantised.
//!
//! The bytes are the same for every instruction set, so packing is part of loading and no kernel unpacks what another
//! packed. The layout is in [`layout`], and in docs/numerics.md. Rows are packed group by group, each group on its own,
//! so that threads can share the work ([`PackedMatrix::groups_mut`]).

mod chunk;
mod layout;
mod words;

use std::io;
use std::ops::Range;

use quant::{Codes32, Codes256, Format};

use crate::aligned::{AlignedBytes, LINE};
use crate::{Bands, Grid, Isa};
pub(crate) use chunk::{BLOCKS, Lines, read32, read256};
use chunk::{write32, write256};
pub(crate) use layout::{CHUNK, GROUP, Layout, Piece, Pieces};
pub(crate) use words::Columns;

/// Weights `[rows, cols]` in groups of 16 rows.
#[derive(Debug)]
pub struct PackedMatrix {
    format: Format,
    rows: usize,
    cols: usize,
    bytes: AlignedBytes,
}

impl PackedMatrix {
    /// Rows of a group.
    pub const GROUP_ROWS: usize = GROUP;

    /// A matrix of zeros, to be filled through [`PackedMatrix::groups_mut`].
    ///
    /// # Errors
    /// The system refuses the memory.
    ///
    /// # Panics
    /// A size is zero, or `cols` is not whole blocks.
    pub fn zeroed(format: Format, rows: usize, cols: usize) -> io::Result<Self> {
        assert!(rows > 0 && cols > 0 && format.row_bytes(cols).is_some(), "{rows}×{cols} weights of {format}");
        let bytes = packed_bytes(format, rows, cols).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { format, rows, cols, bytes: AlignedBytes::zeroed_beside_others(bytes)? })
    }

    /// Packs all rows at once, as the specification does it. `file` is row after row as in the file.
    ///
    /// # Errors
    /// As [`PackedMatrix::zeroed`].
    ///
    /// # Panics
    /// As [`PackedMatrix::zeroed`], or `file` is not exactly the rows.
    pub fn from_rows(format: Format, rows: usize, cols: usize, file: &[u8]) -> io::Result<Self> {
        let mut matrix = Self::zeroed(format, rows, cols)?;
        let row_bytes = file.len() / rows;
        assert_eq!(format.row_bytes(cols).and_then(|bytes| bytes.checked_mul(rows)), Some(file.len()), "bytes of rows");
        let group_bytes = group_bytes(format, cols).unwrap_or(LINE);
        let groups = matrix.bytes.chunks_exact_mut(group_bytes);
        for (rows, group) in file.chunks(GROUP * row_bytes).zip(groups) {
            pack_group(Isa::Scalar, format, cols, rows, group);
        }
        Ok(matrix)
    }

    /// How the weights are stored.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Outputs of the linear layer.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Inputs of the linear layer.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Groups of 16 rows, the last one padded.
    pub fn num_groups(&self) -> usize {
        self.rows.div_ceil(GROUP)
    }

    /// Rows of the matrix in group `group`: 16, or fewer in the last one.
    pub fn group_rows(&self, group: usize) -> Range<usize> {
        group * GROUP..self.rows.min((group + 1) * GROUP)
    }

    /// Bytes in memory.
    pub fn num_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The packed bytes, group after group.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The packed bytes as a grid of `[num_groups, bytes of a group]` in bands of `per_tile` groups: row `g` is what
    /// [`pack_group`] fills.
    pub fn groups_mut(&mut self, per_tile: usize) -> Grid<'_, u8> {
        let group_bytes = self.bytes.len() / self.num_groups();
        Grid::new(&mut self.bytes, group_bytes, Bands::Every(per_tile), group_bytes)
    }

    /// The weights of one row, decoded: equal to [`quant::decode_row`] on the file's bytes.
    ///
    /// # Panics
    /// There is no such row, or `out` is not `cols` long.
    pub fn unpack_row(&self, row: usize, out: &mut [f32]) {
        assert!(row < self.rows && out.len() == self.cols, "row {row} of {}×{}", self.rows, self.cols);
        let (group, lane) = (self.group(row / GROUP), row % GROUP);
        match self.format.block_weights() {
            1 => unpack_numbers(self.format, group, lane, out),
            32 => {
                for (block, out) in out.chunks_exact_mut(32).enumerate() {
                    let chunk = self.chunk(group, block / BLOCKS);
                    out.copy_from_slice(&read32(self.format, chunk, lane, block % BLOCKS).decode(self.format));
                }
            }
            _ => {
                for (index, out) in out.chunks_exact_mut(CHUNK).enumerate() {
                    let chunk = self.chunk(group, index);
                    out.copy_from_slice(&read256(self.format, chunk, lane).decode(self.format));
                }
            }
        }
    }

    /// The lines of a group.
    pub(crate) fn group(&self, group: usize) -> &Lines {
        let lines = self.bytes.as_chunks().0;
        let group_lines = lines.len() / self.num_groups();
        &lines[group * group_lines..(group + 1) * group_lines]
    }

    /// The lines of a chunk of a group of a block format.
    pub(crate) fn chunk<'a>(&self, group: &'a Lines, chunk: usize) -> &'a Lines {
        let lines = Layout::of(self.format).lines();
        &group[chunk * lines..(chunk + 1) * lines]
    }
}

/// Packs up to 16 rows, given as in the file, into one group; rows that are missing become zeros.
///
/// `out` is one row of [`PackedMatrix::groups_mut`]. The bytes are the same on every instruction set.
///
/// # Panics
/// `file_rows` is not 1 to 16 rows of `cols` weights, or `out` has another length than a group.
pub fn pack_group(isa: Isa, format: Format, cols: usize, file_rows: &[u8], out: &mut [u8]) {
    let row_bytes = format.row_bytes(cols).unwrap_or(0);
    let whole = row_bytes > 0 && file_rows.len().is_multiple_of(row_bytes) && !file_rows.is_empty();
    assert!(whole && file_rows.len() <= GROUP * row_bytes, "{} bytes of rows of {row_bytes}", file_rows.len());
    assert_eq!(Some(out.len()), group_bytes(format, cols), "bytes of a group");
    let lines = out.as_chunks_mut().0;
    if format.block_weights() > 1 {
        let whole = cols / CHUNK;
        let (chunks, rest) = lines.split_at_mut(whole * Layout::of(format).lines());
        let packed = words::pack(isa, format, file_rows, row_bytes, chunks);
        let (from, lines) = if packed { (whole, rest) } else { (0, lines) };
        return pack_chunks(format, file_rows, row_bytes, from, lines);
    }
    let packed = words::pack_numbers(isa, format, file_rows, row_bytes, lines);
    let (done, size) = (packed * format.block_bytes(), format.block_bytes());
    let rest = &mut lines.as_flattened_mut()[GROUP * done..];
    rest.fill(0);
    for (lane, row) in file_rows.chunks_exact(row_bytes).enumerate() {
        pack_numbers(size, &row[done..], lane, rest);
    }
}

/// The chunks from chunk `from` on, one after the other, so that what is written stays in the fastest cache until all rows
/// have added to it.
fn pack_chunks(format: Format, file_rows: &[u8], row_bytes: usize, from: usize, chunks: &mut Lines) {
    let chunk_bytes = CHUNK / format.block_weights() * format.block_bytes();
    for (index, chunk) in (from..).zip(chunks.chunks_exact_mut(Layout::of(format).lines())) {
        let part = index * chunk_bytes..row_bytes.min((index + 1) * chunk_bytes);
        chunk.as_flattened_mut().fill(0);
        for (lane, row) in file_rows.chunks_exact(row_bytes).enumerate() {
            pack_blocks(format, &row[part.clone()], lane, chunk);
        }
    }
}

fn pack_blocks(format: Format, blocks: &[u8], lane: usize, chunk: &mut Lines) {
    for (block, bytes) in blocks.chunks_exact(format.block_bytes()).enumerate() {
        if let Some(codes) = Codes32::read(format, bytes) {
            write32(format, chunk, lane, block, &codes);
        } else if let Some(codes) = Codes256::read(format, bytes) {
            write256(format, chunk, lane, &codes);
        }
    }
}

/// Plain numbers of `size` bytes: for each input, 16 rows side by side.
fn pack_numbers(size: usize, row: &[u8], lane: usize, group: &mut [u8]) {
    let slots = group.chunks_exact_mut(GROUP * size);
    for (slot, number) in slots.zip(row.chunks_exact(size)) {
        slot[lane * size..(lane + 1) * size].copy_from_slice(number);
    }
}

fn unpack_numbers(format: Format, group: &Lines, lane: usize, out: &mut [f32]) {
    let size = format.block_bytes();
    let slots = group.as_flattened().chunks_exact(GROUP * size);
    for (out, slot) in out.iter_mut().zip(slots) {
        let decoded = quant::decode_row(format, &slot[lane * size..(lane + 1) * size], std::slice::from_mut(out));
        debug_assert!(decoded.is_ok(), "one number decodes to one number");
    }
}

/// Bytes of a group of 16 rows; `None` on overflow.
fn group_bytes(format: Format, cols: usize) -> Option<usize> {
    match format.block_weights() {
        1 => cols.checked_mul(GROUP * format.block_bytes())?.checked_next_multiple_of(LINE),
        _ => cols.div_ceil(CHUNK).checked_mul(Layout::of(format).lines() * LINE),
    }
}

fn packed_bytes(format: Format, rows: usize, cols: usize) -> Option<usize> {
    group_bytes(format, cols)?.checked_mul(rows.div_ceil(GROUP)).filter(|&bytes| bytes <= isize::MAX as usize)
}
