//! The GGUF container: metadata keys and a table of tensors, then the tensors' bytes.
//!
//! [`parse`] reads the first two and checks the third: after it, every offset lies in the file and no two tensors
//! overlap. Values are kept as the file types them, so that a file can be written again without loss. What the keys mean for
//! a model is in `config.rs`, `vocab.rs` and `split.rs`; the way back to a file is [`Writer`], with
//! [`keys`] and [`tensors`] for a model from any layout.
//!
//! Format: <https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>, versions 2 and 3, little-endian.

mod config;
mod cursor;
mod load;
mod parse;
mod split;
mod value;
mod vocab;
mod write;
mod write_keys;
mod write_tensors;

pub(crate) use config::unknown_keys;
pub(crate) use cursor::{Cursor, Fault};
pub(crate) use load::{checkpoint, open};

pub use config::config;
pub use parse::{Gguf, TensorInfo, parse, read};
pub use value::{Array, Keys, Kind, Strings, Value};
pub use vocab::{GgufVocab, vocab};
pub use write::{TensorSpec, Writer, file_bytes};
pub use write_keys::keys;
pub use write_tensors::{Source, tensors};
