//! Guesses at the next tokens: what followed the last time that the same was said, in the prompt, in the answer so far, or in
//! the text that the request predicts.
//!
//! A guess costs a row, and is kept only where the model says the same ([`crate::step`]): it can change how fast an answer
//! comes, never what it says. So all here is about how likely guesses are to be right (`odds.rs`), what they cost
//! ([`crate::pace`]), and how many of them pay (`share.rs`).

mod odds;
mod phrases;
mod share;

use tokenizer::TokenId;

use crate::limits;
use odds::Odds;
use phrases::{Found, Phrases};

pub(crate) use share::share;

/// The first words of a prediction are trusted like words that go on after so many tokens said alike.
const PREDICTED: usize = 9;

/// Guesses at the next tokens of one answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Draft {
    pub tokens: Vec<TokenId>,
    /// How likely it is that the model says each of them, and all before it.
    pub chances: Vec<f64>,
}

/// Guesses for one answer.
#[derive(Debug)]
pub(crate) struct Drafter {
    /// Prediction, prompt and answer.
    said: Phrases,
    /// Tokens of the prediction, and how many of them the answer has begun with; `None` once it went another way.
    prediction: usize,
    followed: Option<usize>,
    odds: Odds,
    /// Where what was said last was said before.
    found: Option<Found>,
}

impl Drafter {
    pub(crate) fn new(prompt: &[TokenId], prediction: &[TokenId]) -> Self {
        let mut said = Phrases::default();
        prediction.iter().chain(prompt).for_each(|&token| said.push(token));
        let mut drafter =
            Self { said, prediction: prediction.len(), followed: Some(0), odds: Odds::default(), found: None };
        drafter.look();
        drafter
    }

    /// A token of the answer. What would have been guessed is judged, whether it was run or not.
    pub(crate) fn push(&mut self, token: TokenId) {
        if let Some(Found { length, next }) = self.found {
            self.odds.note(length, self.said.tokens()[next] == token);
        }
        self.followed = self.followed.filter(|&i| i < self.prediction && self.said.tokens()[i] == token).map(|i| i + 1);
        self.said.push(token);
        self.look();
    }

    /// What may come next.
    pub(crate) fn draft(&self) -> Draft {
        let Some(Found { length, next }) = self.found else { return Draft::default() };
        // Where the text ends it begins to repeat itself.
        let again = &self.said.tokens()[next..];
        let tokens = again.iter().cycle().take(limits::LONGEST_DRAFT).copied().collect();
        let chances = (length..length + limits::LONGEST_DRAFT).scan(1.0, |chance, length| {
            *chance *= self.odds.of(length);
            Some(*chance)
        });
        Draft { tokens, chances: chances.collect() }
    }

    fn look(&mut self) {
        let predicted = self.followed.filter(|&next| next < self.prediction);
        let predicted = predicted.map(|next| Found { length: PREDICTED + next, next });
        self.found = predicted.into_iter().chain(self.said.find()).max_by_key(|found| found.length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().copied().map(TokenId).collect()
    }

    fn guesses(drafter: &Drafter, count: usize) -> Vec<TokenId> {
        drafter.draft().tokens.into_iter().take(count).collect()
    }

    #[test]
    fn what_followed_the_last_time_is_the_guess() {
        let mut drafter = Drafter::new(&tokens(&[1, 2, 3, 4, 5, 6, 1, 2, 3, 9, 8, 7, 1, 2]), &[]);
        assert_eq!(guesses(&drafter, 3), tokens(&[3, 9, 8]));
        drafter.push(TokenId(3));
        assert_eq!(guesses(&drafter, 2), tokens(&[9, 8]));
        drafter.push(TokenId(10));
        assert_eq!(drafter.draft(), Draft::default(), "nobody said it before");
    }

    #[test]
    fn a_longer_phrase_beats_a_later_one() {
        let drafter = Drafter::new(&tokens(&[1, 2, 3, 4, 5, 6, 9, 3, 4, 5, 7, 2, 3, 4, 5]), &[]);
        assert_eq!(guesses(&drafter, 2), tokens(&[6, 9]));
    }

    #[test]
    fn at_the_end_the_text_repeats_itself() {
        let drafter = Drafter::new(&tokens(&[1, 2, 3, 1, 2, 3, 1]), &[]);
        assert_eq!(guesses(&drafter, 7), tokens(&[2, 3, 1, 2, 3, 1, 2]));
        assert_eq!(drafter.draft().tokens.len(), limits::LONGEST_DRAFT);
    }

    #[test]
    fn a_prediction_is_followed_from_its_start_and_found_again() {
        let mut drafter = Drafter::new(&tokens(&[1]), &tokens(&[10, 11, 12, 13, 14, 15]));
        assert_eq!(guesses(&drafter, 2), tokens(&[10, 11]));
        [10, 99, 11, 12, 13].into_iter().for_each(|id| drafter.push(TokenId(id)));
        assert_eq!(guesses(&drafter, 2), tokens(&[14, 15]));
        let trusted = |draft: Draft| draft.chances[0];
        let followed = Drafter::new(&tokens(&[1]), &tokens(&[10, 11]));
        assert!(trusted(followed.draft()) > trusted(drafter.draft()));
    }

    #[test]
    fn guesses_that_were_wrong_are_trusted_less() {
        let mut drafter = Drafter::new(&tokens(&[1, 2, 3, 4, 5, 6, 7, 8]), &[]);
        drafter.push(TokenId(4));
        let before = drafter.draft().chances[0];
        (0..20).for_each(|i| [100 + i, 4].into_iter().for_each(|id| drafter.push(TokenId(id))));
        assert!(drafter.draft().chances[0] < before / 2.0);
    }
}
