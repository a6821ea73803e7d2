//! SentencePiece's BPE: characters are merged, the pair with the highest score first.
//!
//! In the models of interest no piece has a space after something else, so a text falls into words that can be
//! merged one by one; and most words are pieces themselves. Both facts are found out when the model is loaded, so
//! that using them cannot change a result.

use crate::merge::Merger;
use crate::pieces::{Kind, Pieces};
use crate::trie::Trie;
use crate::{TokenId, limits};

#[derive(Debug)]
pub(super) struct Merging {
    /// By token; lower is more urgent.
    ranks: Vec<u32>,
    /// Tokens whose text, alone, merges into just them: then there is nothing to merge.
    is_whole: Vec<bool>,
    /// No piece has a space after something else: then text can be cut before its spaces.
    cut_at_spaces: bool,
}

impl Merging {
    pub(super) fn new(pieces: &Pieces, scores: &[f32]) -> Self {
        let mut merging = Self { ranks: ranks(scores), is_whole: Vec::new(), cut_at_spaces: true };
        let mut merger = Merger::default();
        let mut is_whole = vec![false; pieces.len()];
        for (id, text) in pieces.of_kind(Kind::Normal) {
            let mut symbols = 0;
            merging.merge(pieces, &mut merger, text, |_| symbols += 1);
            if let Some(whole) = is_whole.get_mut(id.index()) {
                *whole = symbols == 1;
            }
            merging.cut_at_spaces &= !text.windows(2).any(|pair| matches!(pair, [before, b' '] if *before != b' '));
        }
        Self { is_whole, ..merging }
    }

    /// Calls `piece` with the pieces of a normalised text, in order, and their tokens where the vocabulary has them.
    pub(super) fn divide(
        &self,
        text: &str,
        pieces: &Pieces,
        user_defined: &Trie,
        mut piece: impl FnMut(Option<TokenId>, &[u8]),
    ) {
        let mut merger = Merger::default();
        let mut rest = text;
        while !rest.is_empty() {
            let defined = find(user_defined, rest);
            let (plain, after) = rest.split_at_checked(defined.map_or(rest.len(), |(at, ..)| at)).unwrap_or((rest, ""));
            for chunk in self.chunks(plain) {
                self.divide_chunk(chunk.as_bytes(), pieces, &mut merger, &mut piece);
            }
            rest = after;
            if let Some((_, length, id)) = defined {
                let (text, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
                piece(Some(id), text.as_bytes());
                rest = after;
            }
        }
    }

    fn divide_chunk(
        &self,
        chunk: &[u8],
        pieces: &Pieces,
        merger: &mut Merger,
        piece: &mut impl FnMut(Option<TokenId>, &[u8]),
    ) {
        match pieces.find(chunk) {
            Some(id) if self.is_whole.get(id.index()) == Some(&true) => piece(Some(id), chunk),
            _ => self.merge(pieces, merger, chunk, |symbol| piece(pieces.find(symbol), symbol)),
        }
    }

    fn merge<'t>(&self, pieces: &Pieces, merger: &mut Merger, text: &'t [u8], symbol: impl FnMut(&'t [u8])) {
        let starts = text.iter().enumerate().filter(|&(_, &byte)| byte & 0xc0 != 0x80).map(|(at, _)| at);
        merger.merge(text, starts, |pair| self.ranks.get(pieces.find(pair)?.index()).copied(), symbol);
    }

    /// Parts of the text that no piece can join.
    fn chunks<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        let mut rest = text;
        std::iter::from_fn(move || {
            let end = if self.cut_at_spaces { word_end(rest.as_bytes()) } else { rest.len() };
            let end = rest.floor_char_boundary(end.min(limits::MERGE_BYTES));
            let (chunk, after) = rest.split_at_checked(end).filter(|(chunk, _)| !chunk.is_empty())?;
            rest = after;
            Some(chunk)
        })
    }
}

/// End of the spaces and of what stands between them and the next space.
fn word_end(text: &[u8]) -> usize {
    let spaces = text.iter().take_while(|&&byte| byte == b' ').count();
    text.iter().skip(spaces).position(|&byte| byte == b' ').map_or(text.len(), |length| spaces + length)
}

/// Ranks that order as the scores do, highest first; equal scores have equal ranks.
fn ranks(scores: &[f32]) -> Vec<u32> {
    let mut sorted: Vec<f32> = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    // The two zeros differ in the total order, but not here.
    scores.iter().map(|&score| sorted.partition_point(|&other| other > score) as u32).collect()
}

/// Where the first user-defined piece begins, its length and its token: the longest of those that begin there.
fn find(user_defined: &Trie, text: &str) -> Option<(usize, usize, TokenId)> {
    if user_defined.is_empty() {
        return None;
    }
    let mut starts = text.char_indices().map(|(at, _)| at);
    starts.find_map(|at| user_defined.longest_prefix(text.as_bytes().get(at..)?).map(|(length, id)| (at, length, id)))
}
