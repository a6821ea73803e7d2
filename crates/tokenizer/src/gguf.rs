//! Vocabularies as GGUF files embed them.
//!
//! `llama` is SentencePiece's merging: pieces, scores and types as in a `.model` file. `gpt2` with `pre` = `tekken` is
//! Tekken: every byte is spelled as a printable character (GPT-2's table), control tokens come first, and the rank of
//! another token is its id without them.

use crate::added::is_marker;
use crate::pieces::{Kind, Pieces};
use crate::sentencepiece::{self, Normalizer, Piece, SentencePiece};
use crate::tekken::Tekken;
use crate::tokenizer::Model;
use crate::{Error, limits};

/// The `tokenizer.ggml.…` metadata of a GGUF file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GgufVocab {
    /// `model`: `llama` or `gpt2`.
    pub model: String,
    /// `pre`: how text is split before it is merged.
    pub pre: Option<String>,
    /// `tokens`
    pub tokens: Vec<String>,
    /// `scores`; empty where the file has none.
    pub scores: Vec<f32>,
    /// `token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; empty where the file has none.
    pub token_types: Vec<i32>,
    /// `bos_token_id`
    pub bos_id: Option<u32>,
    /// `eos_token_id`
    pub eos_id: Option<u32>,
    /// `unknown_token_id`
    pub unknown_id: Option<u32>,
    /// `padding_token_id`
    pub padding_id: Option<u32>,
    /// `add_space_prefix`: SentencePiece puts a space before every text; where the file is silent, it does.
    pub add_space_prefix: Option<bool>,
}

pub(crate) fn model(vocab: &GgufVocab) -> Result<Model, Error> {
    match (vocab.model.as_str(), vocab.pre.as_deref()) {
        ("llama", _) => Ok(Model::SentencePiece(Box::new(sentencepiece(vocab)?))),
        ("gpt2", Some("tekken")) => tekken(vocab).map(Model::Tekken),
        ("gpt2", pre) => {
            let problem =
                format_args!("text split as `{}`; of this kind only `tekken` is known", pre.unwrap_or("default"));
            Err(Error::unsupported("tokenizer.ggml.pre", problem))
        }
        (model, _) => {
            let problem = format_args!("a vocabulary of kind `{model}`; `llama` and `gpt2` with `tekken` are known");
            Err(Error::unsupported("tokenizer.ggml.model", problem))
        }
    }
}

fn sentencepiece(vocab: &GgufVocab) -> Result<SentencePiece, Error> {
    check_length("scores", vocab.scores.len(), vocab.tokens.len())?;
    let mut kinds = kinds(vocab)?;
    // Some files name the unknown token by its id alone.
    if !kinds.contains(&Kind::Unknown)
        && let Some(kind) = vocab.unknown_id.and_then(|id| kinds.get_mut(id as usize))
    {
        *kind = Kind::Unknown;
    }
    make_control(vocab, &mut kinds);
    let tokens = vocab.tokens.iter().zip(&vocab.scores).zip(kinds);
    let pieces = tokens.map(|((text, &score), kind)| Piece { text: sentencepiece::spaces(text), score, kind });
    SentencePiece::new(sentencepiece::Model {
        pieces: pieces.collect(),
        is_unigram: false,
        normalizer: Normalizer::identity(vocab.add_space_prefix.unwrap_or(true)),
        unknown_text: " ⁇ ".to_owned(),
    })
}

/// Many files give their control tokens the type of text that is always one token. What is named as the begin, the end
/// or the padding, and what is shaped like `<|im_start|>`, must not come about by what a user writes.
fn make_control(vocab: &GgufVocab, kinds: &mut [Kind]) {
    let named = [vocab.bos_id, vocab.eos_id, vocab.padding_id];
    for (id, (kind, text)) in kinds.iter_mut().zip(&vocab.tokens).enumerate() {
        let is_named = named.iter().flatten().any(|&named| named as usize == id);
        let is_control = match kind {
            Kind::UserDefined => is_named || is_marker(text),
            Kind::Normal => is_marker(text) || (is_named && text.starts_with('<') && text.ends_with('>')),
            _ => false,
        };
        if is_control {
            *kind = Kind::Control;
        }
    }
}

fn tekken(vocab: &GgufVocab) -> Result<Tekken, Error> {
    let kinds = kinds(vocab)?;
    let first_byte = || Error::malformed("tokenizer.ggml.tokens", "there is no token for the byte 0");
    let num_special = vocab.tokens.iter().position(|token| token == "Ā").ok_or_else(first_byte)?;
    let mut pieces = Pieces::with_capacity(vocab.tokens.len());
    for (id, (token, kind)) in vocab.tokens.iter().zip(kinds).enumerate() {
        if id < num_special || kind != Kind::Normal {
            pieces.push(token.as_bytes(), Kind::Control)?;
            continue;
        }
        let spelling = || Error::malformed(format_args!("token {id}"), format_args!("`{token}` does not spell bytes"));
        let bytes: Vec<u8> = token.chars().map(byte).collect::<Option<_>>().ok_or_else(spelling)?;
        if bytes.is_empty() {
            return Err(spelling());
        }
        pieces.push(&bytes, Kind::Normal)?;
    }
    Tekken::new(pieces)
}

fn kinds(vocab: &GgufVocab) -> Result<Vec<Kind>, Error> {
    if vocab.tokens.len() > limits::VOCABULARY {
        return Err(Error::TooLarge { what: "tokens", limit: limits::VOCABULARY as u64 });
    }
    check_length("token_type", vocab.token_types.len(), vocab.tokens.len())?;
    let kind = |(id, &number): (usize, &i32)| match number {
        1 => Ok(Kind::Normal),
        2 => Ok(Kind::Unknown),
        3 => Ok(Kind::Control),
        4 => Ok(Kind::UserDefined),
        5 => Ok(Kind::Unused),
        6 => Ok(Kind::Byte),
        _ => Err(Error::malformed(format_args!("token {id}"), format_args!("there is no type {number}"))),
    };
    vocab.token_types.iter().enumerate().map(kind).collect()
}

fn check_length(key: &str, length: usize, tokens: usize) -> Result<(), Error> {
    if length == tokens {
        return Ok(());
    }
    let place = format_args!("tokenizer.ggml.{key}");
    Err(Error::malformed(place, format_args!("it has {length} entries for {tokens} tokens")))
}

/// The byte that a character of GPT-2's table spells: a printable one itself, the others counted from U+0100 on.
fn byte(spelled: char) -> Option<u8> {
    match u8::try_from(u32::from(spelled)) {
        Ok(byte) => matches!(byte, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff).then_some(byte),
        Err(_) => match u32::from(spelled) - 0x100 {
            at @ 0..=0x20 => Some(at as u8),
            at @ 0x21..=0x42 => Some((at + (0x7f - 0x21)) as u8),
            0x43 => Some(0xad),
            _ => None,
        },
    }
}

/// Bytes in GPT-2's table of characters.
pub(crate) fn spelled(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| character(byte)).collect()
}

/// The character that spells a byte.
fn character(byte: u8) -> char {
    let code = match byte {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => u32::from(byte),
        0..=0x20 => 0x100 + u32::from(byte),
        0x7f..=0xa0 => 0x121 + u32::from(byte - 0x7f),
        0xad => 0x143,
    };
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spelling_of_bytes() {
        let rows = [('Ā', Some(0)), ('!', Some(b'!')), ('Ġ', Some(b' ')), ('Ċ', Some(b'\n')), ('Ń', Some(0xad))];
        for (spelled, expected) in rows.into_iter().chain([(' ', None), ('\u{144}', None), ('é', Some(0xe9))]) {
            assert_eq!(byte(spelled), expected, "{spelled}");
        }
        for value in 0..=u8::MAX {
            assert_eq!(byte(character(value)), Some(value));
        }
    }
}
