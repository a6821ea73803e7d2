//! Tokens that stand beside a tokenizer file, in the other files of its folder: those that a model's later training
//! added (`<|im_start|>`), and the one that ends its answers.
//!
//! An id that the file has already keeps its meaning, unless the file has a control token there that nobody named: such
//! places are what later trainings write their own tokens into.

use std::path::Path;

use crate::pieces::{Kind, Pieces};
use crate::sentencepiece::{self, Piece, SentencePiece, spaces};
use crate::tekken::Tekken;
use crate::tokenizer::Model;
use crate::{Error, TokenId, Tokenizer};

/// What a folder's other files say of its tokenizer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Additions {
    /// Tokens, by their ids.
    pub tokens: Vec<AddedToken>,
    /// Which token ends an answer; `None` leaves it to the tokenizer file.
    pub eos: Option<u32>,
}

/// A token that stands beside a tokenizer file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedToken {
    /// Where it goes.
    pub id: u32,
    /// Its name, or its text.
    pub content: String,
    /// It is a control token, which no text becomes.
    pub special: bool,
}

impl Tokenizer {
    /// As [`Tokenizer::open`], with what stands beside the file.
    ///
    /// # Errors
    /// As [`Tokenizer::open`]; or the additions contradict the file, or leave ids without a token.
    pub fn open_with(path: impl AsRef<Path>, additions: &Additions) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::from_file_with(
            &Self::read_file(path)?,
            &path.file_name().unwrap_or_default().to_string_lossy(),
            additions,
        )
    }

    /// As [`Tokenizer::open_with`], of a file that is in memory.
    ///
    /// # Errors
    /// As there.
    pub fn from_file_with(bytes: &[u8], file_name: &str, additions: &Additions) -> Result<Self, Error> {
        let tokenizer = Self::from_file(bytes, file_name)?;
        let changes = changes(&tokenizer, additions)?;
        let eos = additions.eos.map(TokenId);
        if changes.is_empty() && (eos.is_none() || eos == tokenizer.eos()) {
            return Ok(tokenizer);
        }
        let model = match tokenizer.model() {
            Model::Tekken(model) => Model::Tekken(tekken(model.pieces(), &changes)?),
            Model::SentencePiece(_) => {
                let model = add(sentencepiece::read(bytes)?, &changes)?;
                Model::SentencePiece(Box::new(SentencePiece::new(model)?))
            }
        };
        Ok(tokenizer.with_model(model, eos))
    }
}

/// A token that becomes another one, or a new one behind all others.
pub(crate) struct Change {
    id: u32,
    text: String,
    kind: Kind,
}

/// What is to be changed, ids ascending.
pub(crate) fn changes(tokenizer: &Tokenizer, additions: &Additions) -> Result<Vec<Change>, Error> {
    let pieces = tokenizer.model().pieces();
    let is_tekken = matches!(tokenizer.model(), Model::Tekken(_));
    let mut tokens: Vec<&AddedToken> = additions.tokens.iter().collect();
    tokens.sort_by_key(|token| token.id);
    let mut changes = Vec::new();
    let mut size = pieces.len() as u32;
    for token in tokens {
        let text = if is_tekken { token.content.clone() } else { spaces(&token.content) };
        let is_control = token.special || is_marker(&text) || additions.eos == Some(token.id);
        let kind = if is_control { Kind::Control } else { Kind::UserDefined };
        let there = pieces.kind(TokenId(token.id)).zip(pieces.bytes(TokenId(token.id)));
        match there {
            // Bytes have names of their own.
            Some((Kind::Byte, _)) => {}
            Some((Kind::Normal | Kind::UserDefined, name)) if name == text.as_bytes() => {
                if is_marker(&text) {
                    changes.push(Change { id: token.id, text, kind });
                }
            }
            Some((_, name)) if name == text.as_bytes() => {}
            Some((Kind::Control, _)) if !has(pieces, &text) => {
                changes.push(Change { id: token.id, text, kind: Kind::Control });
            }
            // Mistral's files give some control tokens other names than the files for Hugging Face's programs.
            Some((Kind::Control, _)) => {}
            Some((_, name)) => {
                let (place, name) = (format_args!("token {}", token.id), String::from_utf8_lossy(name));
                let problem = format_args!(
                    "it is `{name}`, but `{text}` in the folder's other files: they do not belong together"
                );
                return Err(Error::unsupported(place, problem));
            }
            None if token.id == size => {
                if is_tekken && kind != Kind::Control {
                    let place = format_args!("token {}", token.id);
                    return Err(Error::unsupported(place, format_args!("`{text}`, text that is added to tekken.json")));
                }
                changes.push(Change { id: token.id, text, kind });
                size += 1;
            }
            None => {
                let problem = format_args!("`{text}` is added there, but nothing says what token {size} is");
                return Err(Error::unsupported(format_args!("token {}", token.id), problem));
            }
        }
    }
    changes.extend(end(pieces, additions, size)?.filter(|end| changes.iter().all(|change| change.id != end.id)));
    changes.sort_by_key(|change| change.id);
    Ok(changes)
}

/// The token that ends answers, where the file takes it for text.
fn end(pieces: &Pieces, additions: &Additions, size: u32) -> Result<Option<Change>, Error> {
    let Some(id) = additions.eos else { return Ok(None) };
    if id >= size {
        let problem = format_args!("it ends answers, as the folder's other files say, but there is no such token");
        return Err(Error::unsupported(format_args!("token {id}"), problem));
    }
    let text = pieces.bytes(TokenId(id)).map(|name| String::from_utf8_lossy(name).into_owned());
    let is_text = matches!(pieces.kind(TokenId(id)), Some(Kind::Normal | Kind::UserDefined));
    Ok(text.filter(|_| is_text).map(|text| Change { id, text, kind: Kind::Control }))
}

/// Shaped like a control token of those who put them into vocabularies as text: `<|im_end|>`.
pub(crate) fn is_marker(text: &str) -> bool {
    text.strip_prefix("<|").and_then(|rest| rest.strip_suffix("|>")).is_some_and(|name| !name.is_empty())
}

fn has(pieces: &Pieces, text: &str) -> bool {
    pieces.find(text.as_bytes()).is_some() || pieces.of_kind(Kind::Control).any(|(_, name)| name == text.as_bytes())
}

fn tekken(pieces: &Pieces, changes: &[Change]) -> Result<Tekken, Error> {
    let mut changed = Pieces::with_capacity(pieces.len() + changes.len());
    let mut left = changes.iter().peekable();
    for id in 0..pieces.len() as u32 {
        match left.next_if(|change| change.id == id) {
            Some(change) => changed.push(change.text.as_bytes(), change.kind)?,
            None => {
                let kind = pieces.kind(TokenId(id)).unwrap_or(Kind::Unused);
                changed.push(pieces.bytes(TokenId(id)).unwrap_or_default(), kind)?;
            }
        }
    }
    left.try_for_each(|change| changed.push(change.text.as_bytes(), change.kind))?;
    Tekken::new(changed)
}

/// A SentencePiece model, changed.
pub(crate) fn add(mut model: sentencepiece::Model, changes: &[Change]) -> Result<sentencepiece::Model, Error> {
    for Change { id, text, kind } in changes {
        let rewrites = model.normalizer.charsmap.is_some() || model.normalizer.fold_spaces;
        if *kind == Kind::UserDefined && rewrites {
            let problem = format_args!("`{text}`, text that is added to a tokenizer with rules for characters");
            return Err(Error::unsupported(format_args!("token {id}"), problem));
        }
        let piece = Piece { text: text.clone(), score: 0.0, kind: *kind };
        match model.pieces.get_mut(*id as usize) {
            Some(there) => *there = piece,
            None => model.pieces.push(piece),
        }
    }
    Ok(model)
}
