//! Weights come in whole, or not at all.

use std::io;
use std::ops::Range;

use compute::{Backend, CpuBackend, CpuOptions, Error};
use quant::{Format, RowSource};

use crate::{backends, random};

/// Rows in memory, which break off after `readable` of them.
pub(crate) struct Rows {
    format: Format,
    rows: usize,
    cols: usize,
    bytes: Vec<u8>,
    readable: usize,
}

/// `rows` rows of f32 weights.
pub(crate) fn f32_rows(rows: usize, weights: &[f32]) -> Rows {
    encoded(Format::F32, rows, weights)
}

/// `rows` rows of weights in any format that can be written.
pub(crate) fn encoded(format: Format, rows: usize, weights: &[f32]) -> Rows {
    let cols = weights.len() / rows;
    let mut bytes = vec![0; rows * format.row_bytes(cols).unwrap()];
    for (row, bytes) in weights.chunks_exact(cols).zip(bytes.chunks_exact_mut(format.row_bytes(cols).unwrap())) {
        quant::encode_row(format, row, bytes).unwrap();
    }
    Rows { format, rows, cols, bytes, readable: rows }
}

impl RowSource for Rows {
    fn format(&self) -> Format {
        self.format
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn cols(&self) -> usize {
        self.cols
    }

    fn read_rows(&self, rows: Range<usize>, out: &mut [u8]) -> io::Result<()> {
        if rows.end > self.readable {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let row_bytes = self.bytes.len() / self.rows;
        out.copy_from_slice(&self.bytes[rows.start * row_bytes..rows.end * row_bytes]);
        Ok(())
    }
}

#[test]
fn embedded_rows_are_the_decoded_rows() {
    for (format, rows, cols) in [(Format::F32, 37, 96), (Format::F16, 5, 24), (Format::Q8_0, 700, 2048)] {
        let source = encoded(format, rows, &random(1, rows * cols));
        let wanted = [0, rows as u32 - 1, 3, 3];
        let decoded = |row: u32| {
            let row_bytes = source.bytes.len() / rows;
            let mut out = vec![0.0; cols];
            quant::decode_row(format, &source.bytes[row as usize * row_bytes..][..row_bytes], &mut out).unwrap();
            out
        };
        let expected: Vec<f32> = wanted.iter().flat_map(|&row| decoded(row)).collect();
        for backend in backends() {
            let mut out = backend.tensor(wanted.len(), cols);
            backend.embed(&backend.matrix(&source).unwrap(), &wanted, &mut out);
            assert_eq!(*backend.read(&out), *expected, "{format} {rows}×{cols}");
        }
    }
}

#[test]
fn a_source_that_breaks_off_is_an_error() {
    let backend = CpuBackend::new(CpuOptions { threads: Some(3), isa: None }).unwrap();
    for (rows, readable) in [(1, 0), (40, 17), (3000, 2999)] {
        let source = Rows { readable, ..f32_rows(rows, &random(2, rows * 256)) };
        let error = backend.matrix(&source).map(|_| ()).unwrap_err();
        assert!(matches!(&error, Error::Read(e) if e.kind() == io::ErrorKind::UnexpectedEof), "{error}");
    }
}

#[test]
fn half_a_block_is_an_error() {
    let backend = CpuBackend::new(CpuOptions { threads: Some(1), isa: None }).unwrap();
    let source = Rows { format: Format::Q8_0, cols: 48, ..f32_rows(1, &[0.0; 48]) };
    assert!(matches!(backend.matrix(&source), Err(Error::Read(_))));
}
