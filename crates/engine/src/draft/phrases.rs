//! Where the same was said before: the longest phrase that ends the text and occurs earlier in it.

use std::collections::HashMap;

use tokenizer::TokenId;

use crate::limits;

/// Places of phrases of so many tokens are all kept; of shorter ones the last only.
const GRAM: usize = 3;

/// A text, by its phrases.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    tokens: Vec<TokenId>,
    /// Where the token stands that followed a phrase of one to [`GRAM`] tokens the last time. Shorter phrases have `None` in front.
    last: HashMap<[Option<TokenId>; GRAM], usize>,
    /// For each token, where the one stands that followed the same [`GRAM`] tokens the time before.
    before: Vec<Option<usize>>,
}

/// What ends the text stands earlier in it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// So many tokens are alike, [`limits::LONGEST_PHRASE`] or more where it says that.
    pub(super) length: usize,
    /// Where the token stands that followed them.
    pub(super) next: usize,
}

impl Phrases {
    pub(super) fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    pub(super) fn push(&mut self, token: TokenId) {
        let place = self.tokens.len();
        for length in 1..GRAM {
            self.end(length).map(|phrase| self.last.insert(phrase, place));
        }
        let before = self.end(GRAM).and_then(|phrase| self.last.insert(phrase, place));
        self.before.push(before);
        self.tokens.push(token);
    }

    /// The longest phrase, and of several the last.
    pub(super) fn find(&self) -> Option<Found> {
        let last = |length| self.end(length).and_then(|phrase| self.last.get(&phrase)).copied();
        let places = std::iter::successors(last(GRAM), |&next| self.before[next]);
        let found = places.take(limits::PLACES_LOOKED_AT).map(|next| Found { length: self.alike(next), next });
        // Of equals, `max_by_key` takes the one that comes last, and the latest place comes first.
        let longest = found.reduce(|a, b| if b.length > a.length { b } else { a });
        let shorter = || (1..GRAM).rev().find_map(|length| Some(Found { length, next: last(length)? }));
        longest.or_else(shorter)
    }

    /// The last `length` tokens.
    fn end(&self, length: usize) -> Option<[Option<TokenId>; GRAM]> {
        let mut phrase = [None; GRAM];
        let end = &self.tokens[self.tokens.len().checked_sub(length)?..];
        phrase[GRAM - length..].iter_mut().zip(end).for_each(|(token, &said)| *token = Some(said));
        Some(phrase)
    }

    /// How many tokens before `next` are those that end the text.
    fn alike(&self, next: usize) -> usize {
        let pairs = self.tokens[..next].iter().rev().zip(self.tokens.iter().rev());
        pairs.take(limits::LONGEST_PHRASE).take_while(|(a, b)| a == b).count()
    }
}
