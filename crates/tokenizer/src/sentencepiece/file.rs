//! SentencePiece's `.model` file: `sentencepiece_model.proto`, of which only what changes ids is read.

use super::charsmap::Charsmap;
use super::protobuf::{Fields, Value};
use super::{Model, Named, Normalizer, Piece, spaces};
use crate::pieces::Kind;
use crate::trie::Trie;
use crate::{Error, TokenId, limits};

/// Reads the model and checks that everything in it that matters is known.
pub(super) fn read(bytes: &[u8]) -> Result<(Model, Named), Error> {
    let mut pieces = Vec::new();
    let mut trainer = Trainer::default();
    let mut normalizer = Normalizer { fold_spaces: true, ..Normalizer::identity(true) };
    for field in Fields::new(bytes, "the file") {
        match field? {
            (1, Value::Bytes(message)) => {
                if pieces.len() >= limits::VOCABULARY {
                    return Err(Error::TooLarge { what: "tokens", limit: limits::VOCABULARY as u64 });
                }
                pieces.push(piece(pieces.len(), message)?);
            }
            (2, Value::Bytes(message)) => trainer.read(message)?,
            (3, Value::Bytes(message)) => read_normalizer(&mut normalizer, message)?,
            _ => {}
        }
    }
    if pieces.is_empty() {
        return Err(Error::not_a_tokenizer("the file is no SentencePiece model: it has no pieces"));
    }
    let is_unigram = trainer.is_unigram()?;
    trainer.check(&pieces, is_unigram)?;
    let user_defined = pieces.iter().filter(|piece| piece.kind == Kind::UserDefined);
    normalizer.verbatim = Trie::new(user_defined.map(|piece| (piece.text.as_bytes(), TokenId(0))));
    let pieces = pieces.into_iter().map(respelled).collect();
    let Trainer { unknown_text, named, .. } = trainer;
    Ok((Model { pieces, is_unigram, normalizer, unknown_text }, named))
}

/// A piece as the file spells it, with `▁` for spaces.
fn piece(id: usize, message: &[u8]) -> Result<Piece, Error> {
    let mut piece = Piece { text: String::new(), score: 0.0, kind: Kind::Normal };
    for field in Fields::new(message, "a piece") {
        match field? {
            (1, value) => {
                let not_text = || Error::malformed(format_args!("token {id}"), "its piece is not text");
                value.text().ok_or_else(not_text)?.clone_into(&mut piece.text);
            }
            (2, Value::Fixed32(score)) => piece.score = f32::from_le_bytes(score),
            (3, Value::Varint(kind)) => piece.kind = self::kind(id, kind)?,
            _ => {}
        }
    }
    Ok(piece)
}

/// The piece with plain spaces.
fn respelled(Piece { text, score, kind }: Piece) -> Piece {
    // The text that pieces are compared with has `▁` for every space, so a piece with a plain one is never found.
    let never = text.contains(' ') && matches!(kind, Kind::Normal | Kind::UserDefined);
    Piece { text: spaces(&text), score, kind: if never { Kind::Never } else { kind } }
}

fn kind(id: usize, number: u64) -> Result<Kind, Error> {
    Ok(match number {
        1 => Kind::Normal,
        2 => Kind::Unknown,
        3 => Kind::Control,
        4 => Kind::UserDefined,
        5 => Kind::Unused,
        6 => Kind::Byte,
        _ => return Err(Error::unsupported(format_args!("token {id}"), format_args!("pieces of type {number}"))),
    })
}

/// How the model was trained, as far as it says how it is used.
struct Trainer {
    model_type: u64,
    spaces_are_suffixes: bool,
    byte_fallback: bool,
    unknown_text: String,
    named: Named,
}

impl Default for Trainer {
    fn default() -> Self {
        let named = Named { bos: "<s>".to_owned(), eos: "</s>".to_owned(), padding: "<pad>".to_owned() };
        Self {
            model_type: 1, spaces_are_suffixes: false, byte_fallback: false, unknown_text: " ⁇ ".to_owned(), named
        }
    }
}

impl Trainer {
    fn read(&mut self, message: &[u8]) -> Result<(), Error> {
        for field in Fields::new(message, "the trainer's settings") {
            let (number, value) = field?;
            let text = value.text().unwrap_or_default();
            match (number, value) {
                (3, Value::Varint(model_type)) => self.model_type = model_type,
                (24, _) => self.spaces_are_suffixes = value.truth().unwrap_or(false),
                (35, _) => self.byte_fallback = value.truth().unwrap_or(false),
                (44, _) => text.clone_into(&mut self.unknown_text),
                (46, _) => text.clone_into(&mut self.named.bos),
                (47, _) => text.clone_into(&mut self.named.eos),
                (48, _) => text.clone_into(&mut self.named.padding),
                _ => {}
            }
        }
        Ok(())
    }

    fn is_unigram(&self) -> Result<bool, Error> {
        let problem = match self.model_type {
            1 => return Ok(true),
            2 => return Ok(false),
            3 => "models of type word",
            4 => "models of type char",
            _ => "a type of model that is not known",
        };
        Err(Error::unsupported("the trainer's settings", problem))
    }

    fn check(&self, pieces: &[Piece], is_unigram: bool) -> Result<(), Error> {
        if self.spaces_are_suffixes {
            return Err(Error::unsupported("the trainer's settings", "spaces at the end of words"));
        }
        if !is_unigram && let Some(id) = pieces.iter().position(|piece| piece.kind == Kind::Unused) {
            return Err(Error::unsupported(format_args!("token {id}"), "unused pieces in a model that merges"));
        }
        let has_bytes = pieces.iter().any(|piece| piece.kind == Kind::Byte);
        if self.byte_fallback != has_bytes {
            return Err(Error::malformed("the trainer's settings", "byte_fallback contradicts the pieces"));
        }
        Ok(())
    }
}

fn read_normalizer(normalizer: &mut Normalizer, message: &[u8]) -> Result<(), Error> {
    for field in Fields::new(message, "the normaliser's settings") {
        let (number, value) = field?;
        match (number, value) {
            (2, Value::Bytes([])) => {}
            (2, Value::Bytes(table)) => normalizer.charsmap = Some(Charsmap::new(table)?),
            (3, _) => normalizer.add_prefix = value.truth().unwrap_or(true),
            (4, _) => normalizer.fold_spaces = value.truth().unwrap_or(true),
            (5, Value::Varint(0)) => {
                return Err(Error::unsupported("the normaliser's settings", "spaces that are not escaped"));
            }
            _ => {}
        }
    }
    Ok(())
}
