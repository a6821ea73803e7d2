//! Block formats of quantised weights: names, sizes, decoding, encoding.
//!
//! A weight matrix is stored row by row; a row is a whole number of blocks of one [`Format`]. This crate knows bytes and
//! numbers only: no files, no instruction sets. Every format is one sentence: a weight is a small integer
//! ([`Format::code_value`]) times a scale, plus or minus a minimum; [`Codes32`] and [`Codes256`] take a block apart
//! into those numbers, [`decode_row`] puts them together as f32. Start at [`Format`]; the walk from file to packed
//! memory goes on in the `checkpoint` and `kernels` crates.

#![forbid(unsafe_code)]

mod codes;
mod decode;
mod encode;
mod encoded;
mod error;
mod float;
mod format;
mod source;

pub use codes::{Codes32, Codes256};
pub use decode::decode_row;
pub use encode::{encode_row, encode_row_weighted};
pub use encoded::Encoded;
pub use error::Error;
pub use float::{bf16_to_f32, e8m0_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16, f32_to_fp8_e4m3, fp8_e4m3_to_f32};
pub use format::Format;
pub use source::RowSource;
