//! From a checkpoint's rows to packed matrices, at the speed of the disk or of memory.

use std::cell::RefCell;
use std::io;
use std::sync::Mutex;

use kernels::{PackedMatrix, pack_group};
use quant::{Format, RowSource};

use super::{CpuBackend, CpuVector, lock};
use crate::Error;

/// Every thread reads some rows, packs them, and goes on to the next: reading and packing overlap, and no more than a
/// buffer for each thread is needed besides the result.
pub(super) fn matrix(backend: &CpuBackend, source: &dyn RowSource) -> Result<PackedMatrix, Error> {
    let (format, rows, cols) = (source.format(), source.rows(), source.cols());
    let row_bytes = row_bytes(source)?;
    let mut matrix = PackedMatrix::zeroed(format, rows, cols).map_err(|error| refused(error, rows, row_bytes))?;
    let groups_per_tile = (BUFFER_BYTES / (row_bytes * PackedMatrix::GROUP_ROWS)).max(1);
    let failure = Mutex::new(None);
    let threads = backend.threads_for(rows * cols);
    threads.for_each_tile(&mut [matrix.groups_mut(groups_per_tile)], |_, mut tile| {
        if lock(&failure).is_some() {
            return;
        }
        let groups = tile.rows();
        let range = groups.start * PackedMatrix::GROUP_ROWS..rows.min(groups.end * PackedMatrix::GROUP_ROWS);
        BUFFER.with_borrow_mut(|buffer| {
            buffer.resize(range.len() * row_bytes, 0);
            match source.read_rows(range, buffer) {
                Err(error) => *lock(&failure) = Some(error),
                Ok(()) => {
                    let parts = buffer.chunks(PackedMatrix::GROUP_ROWS * row_bytes);
                    for (group, rows) in groups.zip(parts) {
                        pack_group(backend.isa, format, cols, rows, tile.row_mut(group));
                    }
                }
            }
        });
    });
    match lock(&failure).take() {
        Some(error) => Err(Error::Read(error)),
        None => Ok(matrix),
    }
}

/// Bytes of a matrix in memory, two percent more at most: rows are padded to groups, inputs of block formats to chunks of 256.
/// A matrix of one short row takes many times its bytes in the file.
pub fn packed_bytes(format: Format, rows: usize, cols: usize) -> u64 {
    const CHUNK: usize = 256;
    let cols = if format.block_weights() > 1 { cols.next_multiple_of(CHUNK) } else { cols };
    let row_bytes = format.row_bytes(cols).unwrap_or(0) as u64;
    let bytes = row_bytes.saturating_mul(rows.next_multiple_of(PackedMatrix::GROUP_ROWS) as u64);
    bytes.saturating_add(bytes / 50)
}

pub(super) fn vector(source: &dyn RowSource) -> Result<CpuVector, Error> {
    assert_eq!(source.rows(), 1, "a vector is a matrix of one row");
    let mut bytes = vec![0; row_bytes(source)?];
    source.read_rows(0..1, &mut bytes)?;
    let mut numbers = vec![0.0; source.cols()];
    quant::decode_row(source.format(), &bytes, &mut numbers).map_err(io::Error::other)?;
    Ok(CpuVector(numbers))
}

fn row_bytes(source: &dyn RowSource) -> Result<usize, Error> {
    let bytes = source.format().row_bytes(source.cols()).filter(|&bytes| bytes > 0 && source.rows() > 0);
    bytes.ok_or_else(|| {
        let shape = format!("{}×{} weights of {}", source.rows(), source.cols(), source.format());
        Error::Read(io::Error::new(io::ErrorKind::InvalidData, shape + " are not whole rows of blocks"))
    })
}

fn refused(error: io::Error, rows: usize, row_bytes: usize) -> Error {
    match error.kind() {
        io::ErrorKind::OutOfMemory => Error::Memory { what: "a weight matrix", bytes: rows.saturating_mul(row_bytes) },
        _ => Error::Read(error),
    }
}

thread_local! {
    /// Kept from matrix to matrix.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a thread reads at once: long enough for a disk, short enough to be packed from the cache.
const BUFFER_BYTES: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_matrix_takes_more_than_is_said() {
        for format in Format::ALL {
            for (rows, cols) in [(1, 256), (1, 512), (17, 768), (64, 2048), (1, 32), (33, 96), (5, 1)] {
                if format.row_bytes(cols).is_some_and(|bytes| bytes > 0) {
                    let taken = PackedMatrix::zeroed(format, rows, cols).unwrap().num_bytes() as u64;
                    let said = packed_bytes(format, rows, cols);
                    // A group of plain numbers is rounded up to a line.
                    assert!(
                        (said.saturating_sub(said / 20)..=said + 64).contains(&taken),
                        "{format} {rows}×{cols}: {taken}, not {said}"
                    );
                }
            }
        }
    }
}
