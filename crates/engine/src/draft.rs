//! Guesses at the next tokens: what followed the last time that the same few tokens were said, in the prompt, in the
//! answer so far, or in the text that the request predicts.
//!
//! A guess costs a row, and is kept only where the model says the same ([`crate::step`]): it can change how fast an answer
//! comes, never what it says. So all here is about when to guess and how far.

use std::collections::HashMap;

use tokenizer::TokenId;

use crate::limits;

/// Tokens that must have been said alike before what followed them is a guess.
const GRAM: usize = 3;

/// What was said, by its three-token phrases.
#[derive(Debug, Default)]
struct Phrases {
    tokens: Vec<TokenId>,
    /// Where the token stands that followed a phrase, the last time.
    followers: HashMap<[TokenId; GRAM], usize>,
}

impl Phrases {
    fn new(tokens: &[TokenId]) -> Self {
        let mut phrases = Self::default();
        tokens.iter().for_each(|&token| phrases.push(token));
        phrases
    }

    fn push(&mut self, token: TokenId) {
        if let Some(phrase) = self.tokens.last_chunk() {
            self.followers.insert(*phrase, self.tokens.len());
        }
        self.tokens.push(token);
    }

    fn after(&self, phrase: Option<&[TokenId; GRAM]>) -> Option<usize> {
        self.followers.get(phrase?).copied()
    }
}

/// Guesses for one answer.
#[derive(Debug)]
pub(crate) struct Drafter {
    /// Prompt and answer.
    said: Phrases,
    predicted: Phrases,
    /// Where in the prediction the answer is, if it is there.
    place: Option<usize>,
    /// How far to guess: further after right guesses, less far after wrong ones.
    length: usize,
    /// Tokens to come before the next guess: twice as many after each guess that was wrong from its start.
    pause: usize,
    failures: u32,
}

impl Drafter {
    pub(crate) fn new(prompt: &[TokenId], prediction: &[TokenId]) -> Self {
        Self {
            said: Phrases::new(prompt),
            predicted: Phrases::new(prediction),
            place: (!prediction.is_empty()).then_some(0),
            length: limits::FIRST_DRAFT,
            pause: 0,
            failures: 0,
        }
    }

    /// A token of the answer.
    pub(crate) fn push(&mut self, token: TokenId) {
        self.said.push(token);
        self.pause = self.pause.saturating_sub(1);
        self.place = match self.place {
            Some(place) if self.predicted.tokens.get(place) == Some(&token) => Some(place + 1),
            _ => self.predicted.after(self.said.tokens.last_chunk()),
        };
    }

    /// What may come next, no more than `most` tokens.
    pub(crate) fn guess(&self, most: usize) -> &[TokenId] {
        let from = |text: &Phrases, place: usize| place..(place + self.length.min(most)).min(text.tokens.len());
        if self.pause > 0 {
            return &[];
        }
        if let Some(place) = self.place.filter(|&place| place < self.predicted.tokens.len()) {
            return &self.predicted.tokens[from(&self.predicted, place)];
        }
        match self.said.after(self.said.tokens.last_chunk()) {
            Some(place) => &self.said.tokens[from(&self.said, place)],
            None => &[],
        }
    }

    /// So many guesses were run, and so many of them right.
    pub(crate) fn judge(&mut self, guessed: usize, right: usize) {
        match right {
            0 => {
                self.failures = (self.failures + 1).min(limits::LONGEST_PAUSE.ilog2());
                self.pause = (1 << self.failures) - 1;
                self.length = limits::FIRST_DRAFT;
            }
            _ if right == guessed => {
                self.failures = 0;
                self.length = (self.length * 2).min(limits::LONGEST_DRAFT);
            }
            _ => {
                self.failures = 0;
                self.length = right + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().copied().map(TokenId).collect()
    }

    #[test]
    fn what_followed_the_last_time_is_the_guess() {
        let mut drafter = Drafter::new(&tokens(&[1, 2, 3, 4, 5, 6, 1, 2, 3, 9, 8, 7, 1, 2]), &[]);
        assert_eq!(drafter.guess(9), []);
        drafter.push(TokenId(3));
        assert_eq!(drafter.guess(2), tokens(&[9, 8]));
        drafter.judge(2, 0);
        assert_eq!(drafter.guess(2), [], "after a failure it holds back");
        [1, 2, 3].into_iter().for_each(|id| drafter.push(TokenId(id)));
        assert_eq!(drafter.guess(2), tokens(&[1, 2]));
    }

    #[test]
    fn a_prediction_is_followed_from_its_start_and_found_again() {
        let mut drafter = Drafter::new(&tokens(&[1]), &tokens(&[10, 11, 12, 13, 14, 15]));
        assert_eq!(drafter.guess(2), tokens(&[10, 11]));
        [10, 99, 11, 12, 13].into_iter().for_each(|id| drafter.push(TokenId(id)));
        assert_eq!(drafter.guess(9), tokens(&[14, 15]));
        [14, 15].into_iter().for_each(|id| drafter.push(TokenId(id)));
        assert_eq!(drafter.guess(9), []);
    }
}
