//! A weight in a file, read row by row in the arrangement that the model computes with.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use quant::{Format, RowSource};

use crate::ReadAt;
use crate::fp8::Scales;

/// A matrix (or a vector: one row) under its canonical name, read from its file when it is asked for.
#[derive(Clone)]
pub struct Tensor {
    pub(crate) name: String,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Of the rows that are given; those in the file differ where there are scales.
    pub(crate) format: Format,
    /// Of 8-bit floats, which are widened.
    pub(crate) scales: Option<Arc<Scales>>,
    pub(crate) source: Arc<dyn ReadAt>,
    pub(crate) offset: u64,
    pub(crate) order: Order,
}

/// In which order the rows stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// In that of the model.
    Model,
    /// Each head's even rows first, then its odd ones.
    ///
    /// Hugging Face rotates row `i` of a head together with row `i + head_dim / 2`; Mistral and GGUF rotate rows `2i` and
    /// `2i + 1`. Same numbers, other order: row `2p + b` of ours is row `b · head_dim / 2 + p` of theirs.
    Halves {
        /// Rows of a head; even.
        head_dim: usize,
    },
}

impl Tensor {
    /// Canonical name, as `layers.3.attention.wq.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of all rows, as [`RowSource::read_rows`] gives them.
    pub fn bytes(&self) -> u64 {
        self.rows as u64 * self.row_bytes() as u64
    }

    /// Checked when the tensor was made.
    fn row_bytes(&self) -> usize {
        self.format.row_bytes(self.cols).unwrap_or(0)
    }

    /// Reads rows that follow one another in the file.
    fn read_run(&self, stored: Range<usize>, out: &mut [u8]) -> io::Result<()> {
        let Some(scales) = &self.scales else {
            let start = self.offset + stored.start as u64 * self.row_bytes() as u64;
            return self.source.read_exact_at(out, start);
        };
        let mut codes = vec![0; stored.len() * self.cols];
        self.source.read_exact_at(&mut codes, self.offset + stored.start as u64 * self.cols as u64)?;
        let rows = codes.chunks_exact(self.cols).zip(out.chunks_exact_mut(self.row_bytes()));
        stored.zip(rows).try_for_each(|(row, (codes, out))| scales.widen(row, codes, out))
    }

    /// Rows of one head, `wanted` counted within it: two runs in the file, one of even rows and one of odd.
    fn read_head(&self, head: usize, head_dim: usize, wanted: Range<usize>, out: &mut [u8]) -> io::Result<()> {
        let row_bytes = self.row_bytes();
        let mut run = Vec::new();
        for parity in 0..2 {
            let pairs = (wanted.start + 1 - parity) / 2..(wanted.end + 1 - parity) / 2;
            let first = head * head_dim + parity * head_dim / 2 + pairs.start;
            run.resize(pairs.len() * row_bytes, 0);
            self.read_run(first..first + pairs.len(), &mut run)?;
            let places = out.chunks_exact_mut(row_bytes).skip(2 * pairs.start + parity - wanted.start).step_by(2);
            places.zip(run.chunks_exact(row_bytes)).for_each(|(place, row)| place.copy_from_slice(row));
        }
        Ok(())
    }
}

impl RowSource for Tensor {
    fn name(&self) -> &str {
        &self.name
    }

    fn format(&self) -> Format {
        self.format
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn cols(&self) -> usize {
        self.cols
    }

    fn read_rows(&self, rows: Range<usize>, mut out: &mut [u8]) -> io::Result<()> {
        let row_bytes = self.row_bytes();
        if rows.start > rows.end || rows.end > self.rows || out.len() != rows.len() * row_bytes {
            let problem = format!("rows {rows:?} of {} into {} bytes", self.rows, out.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let Order::Halves { head_dim } = self.order else { return self.read_run(rows, out) };
        let mut next = rows.start;
        while next < rows.end {
            let head = next / head_dim;
            let end = rows.end.min((head + 1) * head_dim);
            let (part, rest) = out.split_at_mut((end - next) * row_bytes);
            self.read_head(head, head_dim, next - head * head_dim..end - head * head_dim, part)?;
            (next, out) = (end, rest);
        }
        Ok(())
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} [{}, {}] {}", self.name, self.rows, self.cols, self.format)
    }
}
