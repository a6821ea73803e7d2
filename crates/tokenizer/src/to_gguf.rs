//! A tokenizer file, in the words of a GGUF file: the way back of `gguf.rs`.
//!
//! llama.cpp merges Tekken's bytes by a list of pairs, not by rank. A pair may be merged wherever what comes out is a
//! token, so the list has every way to cut every token in two, in the order of the tokens' ranks.

use crate::gguf::spelled;
use crate::pieces::{Kind, Pieces};
use crate::tokenizer::Model;
use crate::{Additions, Error, GgufVocab, TokenId, Tokenizer, added, sentencepiece};

impl GgufVocab {
    /// The vocabulary of a tokenizer file (`tekken.json`, `tokenizer.model`), and the pairs that `merges` lists.
    ///
    /// # Errors
    /// The file cannot be read ([`Tokenizer::from_file`]), or is of a kind that GGUF files of this program cannot hold.
    pub fn of_file(bytes: &[u8], file_name: &str) -> Result<(Self, Vec<String>), Error> {
        Self::of_file_with(bytes, file_name, &Additions::default())
    }

    /// As [`GgufVocab::of_file`], with what stands beside the file.
    ///
    /// # Errors
    /// As there, and as [`Tokenizer::from_file_with`].
    pub fn of_file_with(bytes: &[u8], file_name: &str, additions: &Additions) -> Result<(Self, Vec<String>), Error> {
        let tokenizer = Tokenizer::from_file_with(bytes, file_name, additions)?;
        let id = |token: Option<TokenId>| token.map(|token| token.0);
        let vocab = Self {
            bos_id: id(tokenizer.bos()),
            eos_id: id(tokenizer.eos()),
            unknown_id: id(tokenizer.unk()),
            padding_id: id(tokenizer.pad()),
            ..Self::default()
        };
        match tokenizer.model() {
            Model::Tekken(model) => Ok((tekken(vocab, model.pieces()), merges(model.pieces()))),
            Model::SentencePiece(_) => {
                let plain = Tokenizer::from_file(bytes, file_name)?;
                let model = added::add(sentencepiece::read(bytes)?, &added::changes(&plain, additions)?)?;
                Ok((sentencepiece(vocab, model)?, Vec::new()))
            }
        }
    }
}

fn tekken(vocab: GgufVocab, pieces: &Pieces) -> GgufVocab {
    let ids = (0..pieces.len() as u32).map(TokenId);
    let token = |id| match (pieces.kind(id), pieces.bytes(id).unwrap_or_default()) {
        (Some(Kind::Normal), bytes) => spelled(bytes),
        (_, name) => String::from_utf8_lossy(name).into_owned(),
    };
    GgufVocab {
        model: "gpt2".to_owned(),
        pre: Some("tekken".to_owned()),
        tokens: ids.clone().map(token).collect(),
        token_types: ids.map(|id| pieces.kind(id).map_or(5, number)).collect(),
        ..vocab
    }
}

fn merges(pieces: &Pieces) -> Vec<String> {
    let mut merges = Vec::new();
    for (_, bytes) in pieces.of_kind(Kind::Normal) {
        let cuts = (1..bytes.len()).filter_map(|at| bytes.split_at_checked(at));
        let mut pairs: Vec<_> = cuts.filter_map(|(a, b)| Some((pieces.find(a)?.0, pieces.find(b)?.0, a, b))).collect();
        pairs.sort_unstable();
        merges.extend(pairs.into_iter().map(|(_, _, a, b)| format!("{} {}", spelled(a), spelled(b))));
    }
    merges
}

fn sentencepiece(vocab: GgufVocab, model: sentencepiece::Model) -> Result<GgufVocab, Error> {
    if model.is_unigram {
        return Err(Error::unsupported("the trainer's settings", "a model of type unigram in a GGUF file"));
    }
    if model.normalizer.charsmap.is_some() || model.normalizer.fold_spaces {
        return Err(Error::unsupported("the normaliser's settings", "rules for characters in a GGUF file"));
    }
    Ok(GgufVocab {
        model: "llama".to_owned(),
        tokens: model.pieces.iter().map(|piece| piece.text.replace(' ', "▁")).collect(),
        scores: model.pieces.iter().map(|piece| piece.score).collect(),
        token_types: model.pieces.iter().map(|piece| number(piece.kind)).collect(),
        add_space_prefix: Some(model.normalizer.add_prefix),
        ..vocab
    })
}

/// `tokenizer.ggml.token_type`.
fn number(kind: Kind) -> i32 {
    match kind {
        Kind::Normal => 1,
        Kind::Unknown => 2,
        Kind::Control => 3,
        Kind::UserDefined => 4,
        Kind::Unused | Kind::Never => 5,
        Kind::Byte => 6,
    }
}
