//! Text to token ids and back: SentencePiece and Tekken.
//!
//! Text from outside never becomes a control token: [`Tokenizer::encode`] knows no special strings, only the `prompt`
//! crate places control ids.

mod id;
mod version;

pub use id::TokenId;
pub use version::TemplateVersion;
