//! Why something could not be found, fetched or trusted.

use std::fmt::Display;
use std::io;
use std::path::Path;

use crate::BlobDigest;

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
    /// The environment forbids connections.
    #[error("HF_HUB_OFFLINE is set, so nothing is fetched: unset it to pull")]
    Offline,
    /// Nobody answers there.
    #[error("{host} cannot be reached: {problem}; check the network, HTTPS_PROXY and HF_ENDPOINT")]
    Unreachable {
        /// Whom we asked.
        host: String,
        /// What happened.
        problem: String,
    },
    /// The hub has it, but not for us; or it does not have it.
    #[error("{place}: {problem}")]
    Refused {
        /// The repository, or the file in it.
        place: String,
        /// What to do.
        problem: String,
    },
    /// A server breaks the rules of the protocol, or its own word.
    #[error("{place} does not answer as a hub should: {problem}")]
    Answer {
        /// The address, without its query.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// What was fetched, or lay here, is not what the hub says that it is.
    #[error("{file} is not what the hub says that it is (expected {expected}, got {found}): {remedy}")]
    Damaged {
        /// The file.
        file: String,
        /// The hub's digest.
        expected: BlobDigest,
        /// The digest of the bytes.
        found: BlobDigest,
        /// What was done, and what to do.
        remedy: String,
    },
    /// The disk is too full.
    #[error(
        "{folder}: {needed} are needed, {free} are free: make room, or set HF_HUB_CACHE to a folder on another disk"
    )]
    NoSpace {
        /// Where it should have gone.
        folder: String,
        /// How much, for people.
        needed: String,
        /// How much there is, for people.
        free: String,
    },
    /// A repository holds nothing that can be taken, or too much to choose from.
    #[error("{repo}: {problem}")]
    Choice {
        /// The repository.
        repo: String,
        /// What there is, and what to do.
        problem: String,
    },
    /// The caller asked to stop while something was fetched; what is here is kept.
    #[error("stopped: {kept} of {total} are kept")]
    Interrupted {
        /// How much, for people.
        kept: String,
        /// Of how much, for people.
        total: String,
    },
    /// The caller asked to stop.
    #[error("stopped")]
    Stopped,
    /// The environment does not say where files belong.
    #[error("{0}")]
    Environment(String),
}

impl Error {
    pub(crate) fn io(place: &Path, cause: io::Error) -> Self {
        Self::Io { place: place.display().to_string(), cause }
    }

    pub(crate) fn unreachable(host: &str, problem: impl Display) -> Self {
        Self::Unreachable { host: host.to_owned(), problem: problem.to_string() }
    }

    pub(crate) fn answer(place: impl Display, problem: impl Display) -> Self {
        Self::Answer { place: place.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn signature(file: &Path, problem: impl Display) -> Self {
        Self::Signature { file: file.display().to_string(), problem: problem.to_string() }
    }

    pub(crate) fn bundle(file: &Path, problem: impl Display) -> Self {
        Self::Bundle { file: file.display().to_string(), problem: problem.to_string() }
    }

    pub(crate) fn manifest(file: &Path, problem: impl Display) -> Self {
        Self::Manifest { file: file.display().to_string(), problem: problem.to_string() }
    }

    pub(crate) fn name(given: &str, what: &'static str, problem: impl Display) -> Self {
        // A hostile name may be as long as it likes.
        Self::Name { given: given.chars().take(80).collect(), what, problem: problem.to_string() }
    }
}
