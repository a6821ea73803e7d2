//! Walking through a constraint: with given tokens.

use grammar::{Constraint, Error};
use tokenizer::{TokenId, Tokenizer};

/// Whether these tokens, and then the end token, are an answer.
pub(crate) fn admits(constraint: &Constraint, tokenizer: &Tokenizer, tokens: &[TokenId]) -> Result<bool, Error> {
    let mut constraint = constraint.clone();
    for &token in tokens.iter().chain(&tokenizer.eos()) {
        // Only the end token may follow what cannot go on.
        match constraint.accept(token) {
            Ok(()) => {}
            Err(Error::NotAllowed { .. }) => {
                return Ok(Some(token) == tokenizer.eos() && constraint.is_finished());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
