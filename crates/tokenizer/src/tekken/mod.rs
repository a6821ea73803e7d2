//! Tekken: text is split by a fixed pattern, and the bytes of each part are merged (tiktoken's byte-pair encoding).
//!
//! Ids below `num_special` are control tokens and never come from text; the others are ranks of byte strings, the most
//! urgent first. Reference: tiktoken, as mistral-common calls it.

mod class;
mod class_table;
mod file;
mod split;

use crate::merge::Merger;
use crate::pieces::{Kind, Pieces};
use crate::{Error, TokenId, limits};

pub(crate) use file::{File, read};
pub(crate) use split::PATTERN;

/// A Tekken vocabulary.
#[derive(Debug)]
pub(crate) struct Tekken {
    pieces: Pieces,
}

impl Tekken {
    /// A vocabulary whose control tokens are of kind `Control` and whose other tokens are `Normal`, most urgent first.
    ///
    /// # Errors
    /// Two tokens with the same bytes, or a byte without a token.
    pub(crate) fn new(mut pieces: Pieces) -> Result<Self, Error> {
        pieces.index(|kind| kind == Kind::Normal)?;
        if let Some(byte) = (0..=u8::MAX).find(|&byte| pieces.find(&[byte]).is_none()) {
            return Err(Error::malformed("the vocabulary", format_args!("it has no token for the byte {byte}")));
        }
        Ok(Self { pieces })
    }

    pub(crate) const fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    /// The tokens of a text.
    pub(crate) fn encode(&self, text: &str) -> Vec<TokenId> {
        let mut merger = Merger::default();
        let mut tokens = Vec::with_capacity(text.len() / 4);
        for part in split::parts(text) {
            for part in part.as_bytes().chunks(limits::MERGE_BYTES) {
                self.encode_part(part, &mut merger, &mut tokens);
            }
        }
        tokens
    }

    fn encode_part(&self, part: &[u8], merger: &mut Merger, tokens: &mut Vec<TokenId>) {
        match self.pieces.find(part) {
            Some(token) => tokens.push(token),
            None => {
                let rank = |pair: &[u8]| self.pieces.find(pair).map(|token| token.0);
                merger.merge(part, 0..part.len(), rank, |symbol| tokens.extend(self.pieces.find(symbol)));
            }
        }
    }

    /// What a token adds to a text: nothing for a control token.
    pub(crate) fn text(&self, id: TokenId) -> Option<&[u8]> {
        match self.pieces.kind(id)? {
            Kind::Normal => self.pieces.bytes(id),
            _ => Some(&[]),
        }
    }
}
