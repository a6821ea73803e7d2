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
    /// A model's signature is malformed, or was not made with what is trusted.
    #[error("{file}: {problem}")]
    Signature {
        /// Path of the signature.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A bundle is malformed, damaged, or does not fit.
    #[error("{file}: {problem}")]
    Bundle {
        /// Path of the bundle.
        file: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A manifest is malformed.
    #[error("{file} is not a manifest of a model: {problem}")]
    Manifest {
        /// Path of the manifest.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No model here has that name, or several have.
    #[error("{0}")]
    Unclear(String),
    /// A model is not to be removed.
    #[error("{name} is not removed: {problem}")]
    Kept {
        /// The model.
        name: String,
        /// Why, and what to do.
        problem: String,
    },
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
    /// The environment does not say where files belong.
    #[error("{0}")]
    Environment(String),
}

impl Error {
    #[allow(dead_code, reason = "the first module to touch files follows")]
    pub(crate) fn io(place: &Path, cause: io::Error) -> Self {
        Self::Io { place: place.display().to_string(), cause }
    }

    pub(crate) fn signature(file: &Path, problem: impl Display) -> Self {
        Self::Signature { file: file.display().to_string(), problem: problem.to_string() }
    }

    pub(crate) fn manifest(file: &Path, problem: impl Display) -> Self {
        Self::Manifest { file: file.display().to_string(), problem: problem.to_string() }
    }

    pub(crate) fn name(given: &str, what: &'static str, problem: impl Display) -> Self {
        // A hostile name may be as long as it likes.
        Self::Name { given: given.chars().take(80).collect(), what, problem: problem.to_string() }
    }
}
