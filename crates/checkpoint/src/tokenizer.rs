//! Where the tokenizer of a checkpoint is, as plain data: reading it is the `tokenizer` crate's business.

use std::path::PathBuf;

use crate::gguf::GgufVocab;

/// What a folder's other files add to its tokenizer file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedTokens {
    /// Ids, contents, and whether they are control tokens. All ids are below the model's vocabulary.
    pub tokens: Vec<(u32, String, bool)>,
    /// The token that ends an answer, where they say it.
    pub eos_id: Option<u32>,
}

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
