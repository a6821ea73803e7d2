//! SentencePiece: text is normalised, pieces that the model's author defined are cut out, and the rest is merged from
//! characters (BPE) or divided where the scores are best (unigram).
//!
//! SentencePiece writes a space as `▁` (U+2581), in its pieces and in the text, so both mean the same to it. Here
//! both are a plain space, and `▁` again only in [`SentencePiece::name`].
//!
//! Reference: the `sentencepiece` package, with which every id is compared.

mod charsmap;
mod file;
mod merging;
mod normalizer;
mod protobuf;
mod unigram;
mod vocabulary;

use merging::Merging;
use unigram::Unigram;

pub(crate) use normalizer::{FirstSpace, Normalizer};
pub(crate) use vocabulary::{Model, Piece, spaces};

use crate::pieces::{Kind, Pieces};
use crate::trie::Trie;
use crate::{Error, TokenId};

/// A SentencePiece model.
#[derive(Debug)]
pub(crate) struct SentencePiece {
    pieces: Pieces,
    normalizer: Normalizer,
    user_defined: Trie,
    division: Division,
    /// The byte tokens by byte, where the model has them.
    bytes: Option<Vec<TokenId>>,
    unknown: TokenId,
    /// What the unknown token decodes to.
    unknown_text: String,
}

/// The model in a `.model` file, as it stands there.
///
/// # Errors
/// The file is damaged, or asks for what is not done here.
pub(crate) fn read(bytes: &[u8]) -> Result<Model, Error> {
    file::read(bytes).map(|(model, _)| model)
}

/// How text is divided into pieces.
#[derive(Debug)]
enum Division {
    Merging(Merging),
    Unigram(Unigram),
}

/// The names under which a `.model` file knows its special tokens.
pub(crate) struct Named {
    pub bos: String,
    pub eos: String,
    pub padding: String,
}

impl SentencePiece {
    /// Reads a `.model` file.
    ///
    /// # Errors
    /// The file is damaged, or asks for what is not done here.
    pub(crate) fn from_file(bytes: &[u8]) -> Result<(Self, Named), Error> {
        let (model, named) = file::read(bytes)?;
        Ok((Self::new(model)?, named))
    }

    /// # Errors
    /// Pieces that are impossible or contradict each other.
    pub(crate) fn new(model: Model) -> Result<Self, Error> {
        let pieces = vocabulary::pieces(&model)?;
        let unknown = vocabulary::unknown(&pieces)?;
        let bytes = vocabulary::bytes(&pieces)?;
        let scores: Vec<f32> = model.pieces.iter().map(|piece| piece.score).collect();
        let division = if model.is_unigram {
            Division::Unigram(Unigram::new(&pieces, &scores, unknown))
        } else {
            Division::Merging(Merging::new(&pieces, &scores))
        };
        let user_defined = Trie::new(pieces.of_kind(Kind::UserDefined).map(|(id, text)| (text, id)));
        let Model { normalizer, unknown_text, .. } = model;
        Ok(Self { pieces, normalizer, user_defined, division, bytes, unknown, unknown_text })
    }

    pub(crate) const fn pieces(&self) -> &Pieces {
        &self.pieces
    }

    pub(crate) const fn unknown(&self) -> TokenId {
        self.unknown
    }

    /// The tokens of a text, with the space before it that the model asks for, or without.
    pub(crate) fn encode(&self, text: &str, with_prefix: bool) -> Vec<TokenId> {
        let text = self.normalizer.normalize(text, with_prefix);
        let mut tokens = Tokens { model: self, ids: Vec::with_capacity(text.len() / 4), after_unknown: false };
        match &self.division {
            Division::Unigram(unigram) => unigram.divide(&text, |id, piece| tokens.push(Some(id), piece)),
            Division::Merging(merging) => {
                merging.divide(&text, &self.pieces, &self.user_defined, |id, piece| tokens.push(id, piece));
            }
        }
        tokens.ids
    }

    /// What a token adds to a text: nothing for a control token, one byte for a byte token.
    pub(crate) fn text(&self, id: TokenId) -> Option<&[u8]> {
        Some(match self.pieces.kind(id)? {
            Kind::Control => &[],
            Kind::Unknown => self.unknown_text.as_bytes(),
            _ => self.pieces.bytes(id)?,
        })
    }

    /// The name of a token as its file spells it.
    pub(crate) fn name(&self, id: TokenId) -> Option<String> {
        Some(match (self.pieces.kind(id)?, self.pieces.bytes(id)?) {
            (Kind::Byte, &[byte]) => vocabulary::byte_name(byte),
            (_, bytes) => String::from_utf8_lossy(bytes).replace(' ', "▁"),
        })
    }

    /// What decoding does with the space before a text.
    pub(crate) const fn first_space(&self) -> FirstSpace {
        self.normalizer.first_space()
    }
}

/// Tokens under construction.
struct Tokens<'m> {
    model: &'m SentencePiece,
    ids: Vec<TokenId>,
    after_unknown: bool,
}

impl Tokens<'_> {
    /// Appends a piece of the text. One that is not in the vocabulary becomes its bytes, or, where the model has no
    /// byte tokens, one unknown token for the whole run.
    fn push(&mut self, id: Option<TokenId>, piece: &[u8]) {
        let known = id.filter(|&id| id != self.model.unknown);
        let was_unknown = std::mem::replace(&mut self.after_unknown, known.is_none());
        match (known, &self.model.bytes) {
            (Some(id), _) => self.ids.push(id),
            (None, Some(bytes)) => {
                let spelled = if piece == b" " { "▁".as_bytes() } else { piece };
                self.ids.extend(spelled.iter().filter_map(|&byte| bytes.get(usize::from(byte))));
            }
            (None, None) if was_unknown => {}
            (None, None) => self.ids.push(self.model.unknown),
        }
    }
}
