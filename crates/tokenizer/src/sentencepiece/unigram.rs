//! SentencePiece's unigram model: of all divisions of a text into pieces, the one with the highest sum of scores
//! (Viterbi; Kudo, *Subword Regularization*, 2018).
//!
//! The sums are rounded to f32 at every step, as the reference rounds them. So a text is never cut: where it begins is
//! part of the result.

use crate::TokenId;
use crate::pieces::{Kind, Pieces};
use crate::trie::Trie;

/// How much worse a character that is in no piece is than the worst piece.
const UNKNOWN_PENALTY: f32 = 10.0;

#[derive(Debug)]
pub(super) struct Unigram {
    trie: Trie,
    /// By token.
    scores: Vec<f32>,
    unknown: TokenId,
    unknown_score: f32,
}

/// The best division of the text up to one place.
#[derive(Clone, Copy)]
struct Best {
    score: f32,
    /// Where its last piece begins; `None` while no division ends here.
    start: Option<u32>,
    token: TokenId,
}

impl Unigram {
    pub(super) fn new(pieces: &Pieces, scores: &[f32], unknown: TokenId) -> Self {
        let normal = || pieces.of_kind(Kind::Normal).filter_map(|(id, _)| scores.get(id.index()).copied());
        let min = normal().fold(f32::MAX, f32::min);
        // The reference begins with the smallest positive number, not the most negative: that is part of its results.
        let max = normal().fold(f32::MIN_POSITIVE, f32::max);
        // A user-defined piece is so good that it is always chosen.
        let always = |text: &[u8]| (f64::from(reference_length(text) as f32 * max) - 0.1) as f32;
        let mut scores = scores.to_vec();
        for (id, text) in pieces.of_kind(Kind::UserDefined) {
            if let Some(score) = scores.get_mut(id.index()) {
                *score = always(text);
            }
        }
        let known = pieces.of_kind(Kind::Normal).chain(pieces.of_kind(Kind::UserDefined));
        Self {
            trie: Trie::new(known.map(|(id, text)| (text, id))),
            scores,
            unknown,
            unknown_score: min - UNKNOWN_PENALTY,
        }
    }

    /// Calls `piece` with the pieces of a normalised text, in order.
    pub(super) fn divide(&self, text: &str, mut piece: impl FnMut(TokenId, &[u8])) {
        let mut best = vec![Best { score: 0.0, start: None, token: self.unknown }; text.len() + 1];
        for (start, character) in text.char_indices() {
            self.extend(&mut best, text, start, character.len_utf8());
        }
        let mut ends = Vec::new();
        let mut end = text.len();
        while let Some(&Best { start: Some(start), token, .. }) = best.get(end) {
            ends.push((start as usize, end, token));
            end = start as usize;
        }
        for (start, end, token) in ends.into_iter().rev() {
            piece(token, text.as_bytes().get(start..end).unwrap_or_default());
        }
    }

    /// Tries all pieces that begin at `start`.
    fn extend(&self, best: &mut [Best], text: &str, start: usize, character: usize) {
        let so_far = best.get(start).map_or(0.0, |best| best.score);
        let mut candidate = |length: usize, token: TokenId, score: f32| {
            let score = score + so_far;
            if let Some(best) = best.get_mut(start + length)
                && (best.start.is_none() || score > best.score)
            {
                *best = Best { score, start: Some(start as u32), token };
            }
        };
        let mut has_character = false;
        for (length, token) in self.trie.prefixes(text.as_bytes().get(start..).unwrap_or_default()) {
            has_character |= length == character;
            candidate(length, token, self.scores.get(token.index()).copied().unwrap_or(self.unknown_score));
        }
        if !has_character {
            candidate(character, self.unknown, self.unknown_score);
        }
    }
}

/// Bytes of a piece as the reference stores it: its spaces take three.
fn reference_length(text: &[u8]) -> usize {
    text.len() + 2 * text.iter().filter(|&&byte| byte == b' ').count()
}
