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
        let Some(bytes) = self.tokenizer.model().text(token) else { return String::new() };
        let first_space = match self.tokenizer.model() {
            // A special token ends the text before it.
            Model::Tekken(_) => return take(&mut self.pending, bytes, Broken::Sequence, bytes.is_empty()),
            Model::SentencePiece(model) => model.first_space(),
        };
        let kind = self.tokenizer.model().pieces().kind(token).unwrap_or(Kind::Control);
        if kind == Kind::Byte {
            self.at_start = false;
            return take(&mut self.pending, bytes, Broken::Byte, false);
        }
        // A piece ends the bytes before it.
        let mut out = take(&mut self.pending, &[], Broken::Byte, true);
        let dropped = self.at_start && drops_space(kind, bytes, first_space);
        self.at_start &= match first_space {
            FirstSpace::DropAll => bytes.len() == usize::from(dropped),
            FirstSpace::DropOne | FirstSpace::Keep => bytes.is_empty(),
        };
        out.push_str(&String::from_utf8_lossy(bytes.get(usize::from(dropped)..).unwrap_or_default()));
        out
    }

    /// The end of the text: what is left of a broken character becomes U+FFFD.
    pub fn finish(mut self) -> String {
        let broken = match self.tokenizer.model() {
            Model::Tekken(_) => Broken::Sequence,
            Model::SentencePiece(_) => Broken::Byte,
        };
        take(&mut self.pending, &[], broken, true)
    }
}

/// Whether the first space of this piece, which begins a text, is the one that encoding put before it.
fn drops_space(kind: Kind, bytes: &[u8], first_space: FirstSpace) -> bool {
    let is_piece = matches!(kind, Kind::Normal | Kind::UserDefined | Kind::Unused);
    is_piece && first_space != FirstSpace::Keep && bytes.starts_with(b" ")
}

/// Adds bytes to the pending ones and takes all whole characters; at the end, everything.
fn take(pending: &mut Vec<u8>, bytes: &[u8], broken: Broken, at_end: bool) -> String {
    pending.extend_from_slice(bytes);
    let mut out = String::new();
    let mut rest = pending.as_slice();
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
    pending.drain(..pending.len() - rest.len());
    out
}

/// What becomes one U+FFFD.
#[derive(Clone, Copy)]
enum Broken {
    /// Each byte (as sentencepiece does it).
    Byte,
    /// Each beginning of a character that is not ended (as Python does it).
    Sequence,
}
