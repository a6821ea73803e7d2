//! Where the tokenizer of a checkpoint is, as plain data: reading it is the `tokenizer` crate's business.

use std::path::PathBuf;

use crate::gguf::GgufVocab;

/// Where a checkpoint's tokenizer is.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenizerSource {
    /// In the GGUF file itself.
    Gguf(Box<GgufVocab>),
    /// In a file: `tekken.json`, or a SentencePiece model (`tokenizer.model`, `tokenizer.model.v3`, …).
    File(PathBuf),
    /// Nowhere that this program can read. Scoring and running token ids still work.
    None {
        /// What was looked for and where, as a sentence.
        looked_for: String,
    },
}
