//! How often a guess is right, by how much was said alike before it.

/// Of phrases of up to so many tokens, how often the next token was the same: in source files given back with changes, written in
/// continuation or from nothing, prose, licences, lists as JSON (docs/engine.md). An answer of another kind teaches better.
const CLASSES: [(usize, f64); 9] =
    [(1, 0.2), (2, 0.36), (3, 0.5), (4, 0.62), (6, 0.69), (9, 0.79), (15, 0.86), (31, 0.92), (usize::MAX, 0.98)];
/// What is expected counts like so many guesses.
const EXPECTED: f64 = 16.0;
/// When there were so many they count half from then on.
const MOST: f64 = 64.0;

/// How often guesses were right in one answer.
#[derive(Debug)]
pub(super) struct Odds([Class; CLASSES.len()]);

#[derive(Clone, Copy, Debug)]
struct Class {
    guesses: f64,
    right: f64,
}

impl Default for Odds {
    fn default() -> Self {
        Self(CLASSES.map(|(_, share)| Class { guesses: EXPECTED, right: EXPECTED * share }))
    }
}

impl Odds {
    /// How likely the token is that followed a phrase of so many tokens.
    pub(super) fn of(&self, length: usize) -> f64 {
        let Class { guesses, right } = self.0[class(length)];
        right / guesses
    }

    /// It came, or did not.
    pub(super) fn note(&mut self, length: usize, right: bool) {
        let class = &mut self.0[class(length)];
        class.guesses += 1.0;
        class.right += f64::from(u8::from(right));
        if class.guesses > MOST {
            *class = Class { guesses: class.guesses / 2.0, right: class.right / 2.0 };
        }
    }
}

fn class(length: usize) -> usize {
    CLASSES.partition_point(|&(longest, _)| longest < length)
}
