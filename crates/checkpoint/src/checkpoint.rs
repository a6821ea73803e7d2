//! A model's files, opened: configuration, tensors, tokenizer, template.

use std::path::Path;
use std::sync::Arc;

use crate::about::About;
use crate::arrange::Tensors;
use crate::expect::expect;
use crate::{AddedTokens, Config, Error, Expected, ReadAt, Tensor, TokenizerSource, gguf, open};

/// In whose arrangement the files of a checkpoint are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One GGUF file, or the parts of a split one.
    Gguf,
    /// `config.json` and `model*.safetensors`.
    HuggingFace,
    /// `params.json` and `consolidated*.safetensors`.
    Mistral,
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Gguf => "GGUF",
            Self::HuggingFace => "Hugging Face safetensors",
            Self::Mistral => "Mistral safetensors",
        })
    }
}

/// A model's files, opened where they lie.
///
/// Everything but the weights has been read and checked; weights are read when they are asked for.
#[derive(Debug)]
pub struct Checkpoint {
    /// In whose arrangement the files are.
    pub layout: Layout,
    /// The model's shape.
    pub config: Config,
    /// Where the tokenizer is.
    pub tokenizer: TokenizerSource,
    /// What a folder's other files add to its tokenizer file.
    pub added_tokens: AddedTokens,
    /// Jinja template of conversations, where the files have one.
    pub chat_template: Option<String>,
    /// Facts for people.
    pub about: About,
    /// What was left out or chosen while opening, in sentences for people.
    pub notes: Vec<String>,
    /// Path, for errors.
    pub(crate) file: String,
    pub(crate) tensors: Tensors,
}

impl Checkpoint {
    /// Opens a `.gguf` file (any part of a split one), or a folder in Hugging Face's or Mistral's layout.
    ///
    /// # Errors
    /// Nothing there that is a model, a file that breaks its format, or a model that this program cannot run: each is found
    /// here, before any weight is read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        open::open(path.as_ref())
    }

    /// A GGUF file that is in memory, or anywhere else; `name` stands for its path in errors.
    ///
    /// # Errors
    /// As [`Checkpoint::open`]. A part of a split file is refused: its siblings cannot be found.
    pub fn from_gguf(source: Arc<dyn ReadAt>, name: &str) -> Result<Self, Error> {
        gguf::checkpoint(source, name)
    }

    /// The tensor with this canonical name.
    ///
    /// # Errors
    /// There is none.
    pub fn tensor(&self, name: &str) -> Result<&Tensor, Error> {
        self.tensors.named(name).ok_or_else(|| Error::NoSuchTensor { file: self.file.clone(), name: name.to_owned() })
    }

    /// All tensors, in the order of the files.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &Tensor> {
        self.tensors.iter()
    }

    /// Bytes of all tensors, as they will be read.
    pub fn weight_bytes(&self) -> u64 {
        self.tensors().map(Tensor::bytes).sum()
    }

    /// Compares the tensors with those that a model needs.
    ///
    /// # Errors
    /// The first tensor that is missing or has another shape, in the order of `expected`; else the first one that is too many.
    pub fn expect(&self, expected: &[Expected]) -> Result<(), Error> {
        expect(&self.tensors, expected, &self.file)
    }
}
