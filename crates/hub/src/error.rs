//! Why something could not be found, fetched or trusted.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Why the store refuses. Each message says what, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{place}: {cause}")]
    Io {
        /// Path of the file or folder.
        place: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// A name, digest or revision that is none.
    #[error("{given:?} is not {what}: {problem}")]
    Name {
        /// The text, as it was given.
        given: String,
        /// What it should have been.
        what: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The environment does not say where files belong.
    #[error("{0}")]
    Environment(String),
}

impl Error {
    #[allow(dead_code, reason = "the first module to touch files follows")]
    pub(crate) fn io(place: &Path, cause: io::Error) -> Self {
        Self::Io { place: place.display().to_string(), cause }
    }

    pub(crate) fn name(given: &str, what: &'static str, problem: impl Display) -> Self {
        // A hostile name may be as long as it likes.
        Self::Name { given: given.chars().take(80).collect(), what, problem: problem.to_string() }
    }
}
