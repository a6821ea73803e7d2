//! What can be wrong with parameters or logits.

use tokenizer::TokenId;

/// Why parameters were refused or no token could be chosen.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number outside its range, NaN or infinity.
    #[error("{field} is {value}: it must be {allowed}")]
    OutOfRange {
        /// Name of the parameter.
        field: &'static str,
        /// What was given.
        value: f64,
        /// What may be given, in words.
        allowed: &'static str,
    },
    /// More entries than the limit.
    #[error("{field} has {count} entries: at most {limit} are allowed")]
    TooMany {
        /// Name of the parameter.
        field: &'static str,
        /// What was given.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A token id that the model does not have.
    #[error("{field} names token {token}, but the vocabulary ends at {vocab_size}")]
    UnknownToken {
        /// Name of the parameter.
        field: &'static str,
        /// What was given.
        token: TokenId,
        /// Number of tokens of the model.
        vocab_size: usize,
    },
    /// A token with two biases.
    #[error("logit_bias names token {token} twice: give each token one bias")]
    RepeatedToken {
        /// The token.
        token: TokenId,
    },
    /// A stop string without text, or longer than the limit.
    #[error("stop string {index} is {bytes} bytes long: it must have between 1 and {limit}")]
    StopLength {
        /// Its place in the list, from 0.
        index: usize,
        /// What was given.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Logits or a mask of another length than the vocabulary.
    #[error("{what} has {len} entries, but the vocabulary has {vocab_size}: they belong to different models")]
    Length {
        /// `logits` or `mask`.
        what: &'static str,
        /// What was given.
        len: usize,
        /// Number of tokens of the model.
        vocab_size: usize,
    },
    /// The model computed a NaN or an infinity.
    #[error("the logit of token {token} is {value}: the model's weights are damaged or overflow its number type")]
    NotFinite {
        /// The first such token.
        token: TokenId,
        /// NaN or +inf.
        value: f32,
    },
    /// Every token is excluded.
    #[error("no token is left to choose from: the constraint excludes them all")]
    NoCandidate,
}
