//! Text to token ids and back: SentencePiece and Tekken, from their own files and from GGUF.
//!
//! Text from outside never becomes a control token: [`Tokenizer::encode`] knows no special strings, only the `prompt`
//! crate places control ids. The ids are those of mistral-common for every text; `vectors/tokenizer` holds the proof.
//!
//! Start at [`Tokenizer`]. `sentencepiece` and `tekken` cut and look up, `merge` is the byte-pair merging that both
//! share, `pieces` the vocabulary, [`Detokenizer`] the way back.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod added;
mod detokenizer;
mod error;
mod gguf;
mod id;
mod limits;
mod mask;
mod merge;
mod open;
mod pieces;
mod sentencepiece;
mod settings;
mod tekken;
mod to_gguf;
mod tokenizer;
mod trie;
mod version;

pub use added::{AddedToken, Additions};
pub use detokenizer::Detokenizer;
pub use error::Error;
pub use gguf::GgufVocab;
pub use id::TokenId;
pub use mask::TokenMask;
pub use settings::{ModelSettings, ReasoningEffortSetting};
pub use tokenizer::{Tokenizer, TokenizerKind};
pub use version::TemplateVersion;
