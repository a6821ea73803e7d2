//! Tokens to text, as they come.
//!
//! A token may hold part of a character. The rest is waited for, so that what is emitted is always text; nothing is
//! lost, and all that is emitted together is what [`Tokenizer::decode`] makes of all tokens at once.

use crate::pieces::Kind;
use crate::sentencepiece::FirstSpace;
use crate::tokenizer::Model;
use crate::{TokenId, Tokenizer};

/// Turns the tokens of one answer into text.
#[derive(Clone, Debug)]
pub struct Detokenizer {
    tokenizer: Tokenizer,
    /// The beginning of a character, or nothing.
    pending: Vec<u8>,
    at_start: bool,
}

impl Detokenizer {
    /// At the beginning of a text.
    pub fn new(tokenizer: &Tokenizer) -> Self {
        Self { tokenizer: tokenizer.clone(), pending: Vec::new(), at_start: true }
    }

    /// The text that is certain with this token.
    pub fn push(&mut self, token: TokenId) -> String {
        let tokenizer = self.tokenizer.clone();
        match tokenizer.model() {
            Model::Tekken(model) => match model.text(token) {
                // A special token ends the text before it.
                Some([]) => self.flush(Broken::Sequence),
                bytes => self.add(bytes.unwrap_or_default(), Broken::Sequence),
            },
            Model::SentencePiece(model) => {
                let Some(kind) = model.pieces().kind(token) else { return String::new() };
                let bytes = model.text(token).unwrap_or_default();
                if kind == Kind::Byte {
                    self.at_start = false;
                    return self.add(bytes, Broken::Byte);
                }
                // A piece ends the bytes before it.
                let mut out = self.flush(Broken::Byte);
                let dropped = self.drops(kind, bytes, model.first_space());
                out.push_str(&String::from_utf8_lossy(bytes.get(usize::from(dropped)..).unwrap_or_default()));
                out
            }
        }
    }

    /// The end of the text: what is left of a broken character becomes U+FFFD.
    pub fn finish(mut self) -> String {
        match self.tokenizer.model() {
            Model::Tekken(_) => self.flush(Broken::Sequence),
            Model::SentencePiece(_) => self.flush(Broken::Byte),
        }
    }

    /// Whether the first space of this piece is the one that encoding put before the text.
    fn drops(&mut self, kind: Kind, bytes: &[u8], first_space: FirstSpace) -> bool {
        let is_text = !matches!(kind, Kind::Unknown | Kind::Control);
        let dropped = self.at_start && is_text && first_space != FirstSpace::Keep && bytes.starts_with(b" ");
        let is_done =
            if first_space == FirstSpace::DropAll { bytes.len() > usize::from(dropped) } else { !bytes.is_empty() };
        self.at_start &= !is_done;
        dropped
    }

    fn add(&mut self, bytes: &[u8], broken: Broken) -> String {
        self.pending.extend_from_slice(bytes);
        self.take(broken, false)
    }

    fn flush(&mut self, broken: Broken) -> String {
        self.take(broken, true)
    }

    /// Takes all whole characters; at the end, everything.
    fn take(&mut self, broken: Broken, at_end: bool) -> String {
        let mut out = String::new();
        let mut rest = self.pending.as_slice();
        while !rest.is_empty() {
            let (valid, length) = match std::str::from_utf8(rest) {
                Ok(text) => (text.len(), 0),
                Err(error) => (error.valid_up_to(), error.error_len().unwrap_or(0)),
            };
            let (text, bad) = rest.split_at_checked(valid).unwrap_or((rest, &[]));
            out.push_str(&String::from_utf8_lossy(text));
            rest = bad;
            if bad.is_empty() || (length == 0 && !at_end) {
                break;
            }
            out.push(char::REPLACEMENT_CHARACTER);
            let replaced = match broken {
                Broken::Byte => 1,
                Broken::Sequence if length == 0 => bad.len(),
                Broken::Sequence => length,
            };
            rest = bad.get(replaced..).unwrap_or_default();
        }
        self.pending = rest.to_vec();
        out
    }
}

/// What becomes one U+FFFD.
#[derive(Clone, Copy)]
enum Broken {
    /// Each byte (as sentencepiece does it).
    Byte,
    /// Each beginning of a character that is not ended (as Python does it).
    Sequence,
}
