//! The tokens of a SentencePiece model, checked.

use crate::pieces::{Kind, Pieces};
use crate::sentencepiece::Normalizer;
use crate::{Error, TokenId};

/// A model as its file states it.
pub(crate) struct Model {
    pub pieces: Vec<Piece>,
    pub is_unigram: bool,
    pub normalizer: Normalizer,
    /// What the unknown token decodes to.
    pub unknown_text: String,
}

/// A token as its file states it.
pub(crate) struct Piece {
    /// With plain spaces ([`spaces`]).
    pub text: String,
    pub score: f32,
    pub kind: Kind,
}

/// A piece or a text with plain spaces instead of SentencePiece's `▁`.
pub(crate) fn spaces(piece: &str) -> String {
    piece.replace('▁', " ")
}

/// The vocabulary, findable by text.
pub(super) fn pieces(model: &Model) -> Result<Pieces, Error> {
    let mut pieces = Pieces::with_capacity(model.pieces.len());
    for (id, piece) in model.pieces.iter().enumerate() {
        let place = format_args!("token {id}");
        if piece.text.is_empty() {
            return Err(Error::malformed(place, "its piece is empty"));
        }
        if !piece.score.is_finite() {
            return Err(Error::malformed(place, format_args!("its score is {}", piece.score)));
        }
        match piece.kind {
            Kind::Byte => {
                let wrong =
                    || Error::malformed(place, format_args!("`{}` is not a byte, <0x00> to <0xFF>", piece.text));
                pieces.push(&[byte(&piece.text).ok_or_else(wrong)?], Kind::Byte)?;
            }
            kind => pieces.push(piece.text.as_bytes(), kind)?,
        }
    }
    pieces.index(|kind| matches!(kind, Kind::Normal | Kind::UserDefined))?;
    Ok(pieces)
}

/// The one unknown token.
pub(super) fn unknown(pieces: &Pieces) -> Result<TokenId, Error> {
    let mut unknown = pieces.of_kind(Kind::Unknown).map(|(id, _)| id);
    match (unknown.next(), unknown.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(Error::malformed("the vocabulary", "no token is of the type unknown")),
        (Some(first), Some(second)) => Err(Error::malformed(
            format_args!("token {second}"),
            format_args!("it is of the type unknown, which token {first} is already"),
        )),
    }
}

/// The byte tokens by byte; `None` where there are none.
pub(super) fn bytes(pieces: &Pieces) -> Result<Option<Vec<TokenId>>, Error> {
    let mut tokens = vec![None; 256];
    let mut count = 0;
    for (id, bytes) in pieces.of_kind(Kind::Byte) {
        let Some(slot) = bytes.first().and_then(|&byte| tokens.get_mut(usize::from(byte))) else { continue };
        if let Some(first) = slot.replace(id) {
            let problem = format_args!("it stands for the same byte as token {first}");
            return Err(Error::malformed(format_args!("token {id}"), problem));
        }
        count += 1;
    }
    match count {
        0 => Ok(None),
        256 => Ok(tokens.into_iter().collect()),
        _ => Err(Error::malformed("the vocabulary", format_args!("it has tokens for {count} of the 256 bytes"))),
    }
}

/// `<0x0A>`.
pub(super) fn byte_name(byte: u8) -> String {
    format!("<0x{byte:02X}>")
}

fn byte(name: &str) -> Option<u8> {
    let digits = name.strip_prefix("<0x")?.strip_suffix('>')?;
    u8::from_str_radix(digits, 16).ok().filter(|&byte| byte_name(byte) == name)
}
