//! Why a tokenizer cannot be opened.

use std::fmt::Display;
use std::io;

/// Why a tokenizer cannot be opened. Encoding and decoding cannot fail.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{file}: {cause}")]
    Read {
        /// Path of the file.
        file: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// What was given is another kind of file.
    #[error("this is not a tokenizer that can be read: {problem}")]
    NotATokenizer {
        /// What it is instead, and what to give.
        problem: String,
    },
    /// The file breaks the rules of its own format.
    #[error("the tokenizer is damaged: {place}: {problem}; download it again")]
    Malformed {
        /// Where in the file.
        place: String,
        /// What is wrong there.
        problem: String,
    },
    /// The file is sound, but asks for something that this program does not do.
    #[error("the tokenizer asks for something that is not supported: {place}: {problem}")]
    Unsupported {
        /// What asks for it.
        place: String,
        /// What is not done.
        problem: String,
    },
    /// The file asks for more than any tokenizer needs.
    #[error("the tokenizer is refused: it has more than {limit} {what}, which no model needs")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much is taken.
        limit: u64,
    },
}

impl Error {
    pub(crate) fn malformed(place: impl Display, problem: impl Display) -> Self {
        Self::Malformed { place: place.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn unsupported(place: impl Display, problem: impl Display) -> Self {
        Self::Unsupported { place: place.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn not_a_tokenizer(problem: impl Display) -> Self {
        Self::NotATokenizer { problem: problem.to_string() }
    }
}
