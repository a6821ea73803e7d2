//! The vocabulary that a GGUF file carries, as plain data.

use super::{Array, Gguf, Value};
use crate::{Error, limits};

/// What a GGUF file says of its tokenizer. What the ids mean is for the `tokenizer` crate to work out.
///
/// `scores` and `token_types` are empty or as long as `tokens`; the ids are below the number of tokens.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs)] // the keys' own names
pub struct GgufVocab {
    /// `tokenizer.ggml.model`: `llama` (SentencePiece), `gpt2` (byte pairs, tokens in GPT-2's spelling of bytes), ….
    pub model: String,
    /// `tokenizer.ggml.pre`: how text is split before byte pairs are merged.
    pub pre: Option<String>,
    /// `tokenizer.ggml.tokens`.
    pub tokens: Vec<String>,
    /// `tokenizer.ggml.scores`.
    pub scores: Vec<f32>,
    /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
    pub token_types: Vec<i32>,
    /// `tokenizer.ggml.merges`: `left right`, most urgent first.
    pub merges: Vec<String>,
    pub bos_id: Option<u32>,
    pub eos_id: Option<u32>,
    pub unknown_id: Option<u32>,
    pub padding_id: Option<u32>,
    pub add_bos: Option<bool>,
    pub add_eos: Option<bool>,
    pub add_space_prefix: Option<bool>,
}

/// The vocabulary of a GGUF file; `None` where it has none.
///
/// # Errors
/// Lengths that differ, ids out of range, values of the wrong type.
pub fn vocab(gguf: &Gguf, file: &str) -> Result<Option<GgufVocab>, Error> {
    let fields = Fields { gguf, file };
    // llama.cpp's words for a model without a vocabulary.
    let Some(model) = fields.text("model")?.filter(|model| model != "no_vocab" && model != "none") else {
        return Ok(None);
    };
    let tokens = fields.strings("tokens")?;
    if tokens.is_empty() || tokens.len() > limits::VOCABULARY {
        return fields.wrong("tokens", format_args!("{} tokens are no vocabulary", tokens.len()));
    }
    let count = tokens.len();
    Ok(Some(GgufVocab {
        model,
        pre: fields.text("pre")?,
        scores: fields.numbers("scores", count, |value| value.number().map(|x| x as f32))?,
        token_types: fields.numbers("token_type", count, |value| value.integer()?.try_into().ok())?,
        merges: fields.strings("merges")?,
        bos_id: fields.id("bos_token_id", count)?,
        eos_id: fields.id("eos_token_id", count)?,
        unknown_id: fields.id("unknown_token_id", count)?,
        padding_id: fields.id("padding_token_id", count)?,
        add_bos: fields.flag("add_bos_token")?,
        add_eos: fields.flag("add_eos_token")?,
        add_space_prefix: fields.flag("add_space_prefix")?,
        tokens,
    }))
}

struct Fields<'a> {
    gguf: &'a Gguf,
    file: &'a str,
}

impl<'a> Fields<'a> {
    fn value(&self, key: &str) -> Option<&'a Value> {
        self.gguf.keys.value(&format!("tokenizer.ggml.{key}"))
    }

    fn wrong<T>(&self, key: &str, problem: impl std::fmt::Display) -> Result<T, Error> {
        Err(Error::config(self.file, format_args!("tokenizer.ggml.{key}"), problem))
    }

    fn text(&self, key: &str) -> Result<Option<String>, Error> {
        match self.value(key).map(Value::text) {
            None => Ok(None),
            Some(Some(text)) => Ok(Some(text.to_owned())),
            Some(None) => self.wrong(key, "is not text"),
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        match self.value(key).map(Value::flag) {
            None => Ok(None),
            Some(Some(flag)) => Ok(Some(flag)),
            Some(None) => self.wrong(key, "is not a yes or no"),
        }
    }

    fn array(&self, key: &str) -> Result<Option<&'a Array>, Error> {
        match self.value(key).map(Value::array) {
            None => Ok(None),
            Some(Some(array)) => Ok(Some(array)),
            Some(None) => self.wrong(key, "is not an array"),
        }
    }

    fn strings(&self, key: &str) -> Result<Vec<String>, Error> {
        match self.array(key)?.map(Array::strings) {
            None => Ok(Vec::new()),
            Some(Some(strings)) => Ok(strings.iter().map(str::to_owned).collect()),
            Some(None) => self.wrong(key, "is not an array of strings"),
        }
    }

    fn numbers<T>(&self, key: &str, count: usize, read: impl Fn(Value) -> Option<T>) -> Result<Vec<T>, Error> {
        let Some(array) = self.array(key)? else { return Ok(Vec::new()) };
        if array.len() != count {
            return self.wrong(key, format_args!("{} values for {count} tokens", array.len()));
        }
        match array.values().map(read).collect::<Option<Vec<_>>>().filter(|values| values.len() == count) {
            Some(values) => Ok(values),
            None => self.wrong(key, "holds values of the wrong type"),
        }
    }

    fn id(&self, key: &str, count: usize) -> Result<Option<u32>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let id = value.integer().and_then(|id| u32::try_from(id).ok()).filter(|id| (*id as usize) < count);
        match id {
            Some(id) => Ok(Some(id)),
            None => self.wrong(key, format_args!("{value:?} is not the id of one of the {count} tokens")),
        }
    }
}
