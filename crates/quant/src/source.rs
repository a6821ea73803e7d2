//! Where the rows of a matrix come from, without saying where.

use std::io;
use std::ops::Range;

use crate::Format;

/// Rows of a weight matrix that can be read in any order, from several threads at once.
///
/// `checkpoint` implements it over files, tests over memory; `compute` packs what it reads. A vector is a matrix of one row.
pub trait RowSource: Sync {
    /// What it is called, for whoever watches what a matrix does; empty where it has no name.
    fn name(&self) -> &str {
        ""
    }
    /// How the bytes of a row are to be read.
    fn format(&self) -> Format;
    /// Number of rows (outputs of the linear layer).
    fn rows(&self) -> usize;
    /// Weights in a row (inputs of the linear layer).
    fn cols(&self) -> usize;
    /// Reads `rows` into `out`, which is exactly `rows.len() * format().row_bytes(cols())` long.
    ///
    /// # Errors
    /// The file is shorter than it was when it was opened, or cannot be read.
    fn read_rows(&self, rows: Range<usize>, out: &mut [u8]) -> io::Result<()>;
}
