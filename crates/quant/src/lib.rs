//! Block formats of quantised weights: names, sizes, decoding, encoding.
//!
//! A weight matrix is stored row by row; a row is a whole number of blocks of one [`Format`]. This crate knows bytes and
//! numbers only: no files, no instruction sets. Start at [`Format`]; the walk from file to packed memory goes on in
//! the `checkpoint` and `kernels` crates.

mod format;
mod source;

pub use format::Format;
pub use source::RowSource;
