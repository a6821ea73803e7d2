//! Model files, opened where they lie: GGUF, Hugging Face safetensors, Mistral's own layout.
//!
//! [`Checkpoint::open`] reads and checks everything but the weights; a [`Tensor`] reads its rows when it is asked for
//! them, in the arrangement that the model computes with. All three layouts come out the same: Mistral's names, adjacent
//! rotary pairs, one [`Config`].
//!
//! Files come from outside. Nothing in them can make this crate panic, run code, or take memory beyond the bounds in `limits.rs`:
//! a damaged or hostile file is an [`Error`] that names the file and the place in it. Start reading at `open.rs`.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod about;
mod arrange;
mod checkpoint;
mod config;
mod error;
mod expect;
mod folder;
mod fp8;
pub mod gguf;
mod huggingface;
mod importance;
mod json;
mod limits;
mod magic;
mod mistral;
mod names;
mod notes;
mod open;
mod quantization;
mod recommended;
pub mod safetensors;
mod source;
mod stored;
mod tensor;
mod tokenizer;
mod verify;

pub use about::About;
pub use checkpoint::{Checkpoint, Layout};
pub use config::{Config, Experts, Pooling, QueryScaling, Rope, RopeScaling};
pub use error::Error;
pub use expect::Expected;
pub use folder::config_from_json;
pub use gguf::GgufVocab;
pub use importance::ImportanceMatrix;
pub use recommended::Recommended;
pub use source::ReadAt;
pub use tensor::Tensor;
pub use tokenizer::{AddedTokens, TokenizerSource};
