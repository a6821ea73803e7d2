//! Why a model file cannot be opened.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// Why a checkpoint cannot be opened or used. Each message names the file, the place in it, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{file}: {cause}")]
    Read {
        /// Path of the file or folder.
        file: String,
        /// What the operating system said.
        #[source]
        cause: io::Error,
    },
    /// What was given is not a model: another kind of file, or a folder without weights.
    #[error("{file}: {problem}")]
    NotAModel {
        /// Path of the file or folder.
        file: String,
        /// What it is instead, and what to give.
        problem: String,
    },
    /// A file breaks the rules of its own format.
    #[error("{file} is damaged: {field}: {problem}; download it again")]
    Malformed {
        /// Path of the file.
        file: String,
        /// Place in the file: a metadata key, a tensor's name, a part of the header.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A value of the model's configuration makes no sense, or contradicts another.
    #[error("{file}: {field}: {problem}")]
    Config {
        /// Path of the file.
        file: String,
        /// The file's own name of the value.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is sound, but asks for something that this program does not do.
    #[error("{file}: {field}: {problem}")]
    Unsupported {
        /// Path of the file.
        file: String,
        /// What asks for it: a key, a tensor's name.
        field: String,
        /// What is not done, and what to use instead.
        problem: String,
    },
    /// A tensor whose purpose is not known: leaving it out would give wrong answers in silence.
    #[error("{file}: tensor `{name}` is not known: the model is of a kind that this program cannot run")]
    UnknownTensor {
        /// Path of the file.
        file: String,
        /// The file's own name of the tensor.
        name: String,
    },
    /// A tensor that the configuration implies is not there.
    #[error("{file}: tensor `{name}` [{rows}, {cols}] is missing: the files do not belong together, or one is absent")]
    MissingTensor {
        /// Path of the checkpoint.
        file: String,
        /// Canonical name.
        name: String,
        /// Rows that the configuration implies.
        rows: usize,
        /// Columns that the configuration implies.
        cols: usize,
    },
    /// A tensor was asked for that is not there.
    #[error("{file}: there is no tensor `{name}`")]
    NoSuchTensor {
        /// Path of the checkpoint.
        file: String,
        /// Canonical name.
        name: String,
    },
    /// A tensor is there that the configuration does not imply.
    #[error("{file}: tensor `{name}` has no place in a model of this configuration")]
    ExtraTensor {
        /// Path of the checkpoint.
        file: String,
        /// Canonical name.
        name: String,
    },
    /// A tensor has another shape than the configuration implies.
    #[error(
        "{file}: tensor `{name}` is [{rows}, {cols}], but the configuration implies [{expected_rows}, {expected_cols}]"
    )]
    Misshapen {
        /// Path of the checkpoint.
        file: String,
        /// Canonical name.
        name: String,
        /// Rows in the file.
        rows: usize,
        /// Columns in the file.
        cols: usize,
        /// Rows that the configuration implies.
        expected_rows: usize,
        /// Columns that the configuration implies.
        expected_cols: usize,
    },
}

impl Error {
    pub(crate) fn read(path: &Path, cause: io::Error) -> Self {
        Self::Read { file: path.display().to_string(), cause }
    }

    pub(crate) fn not_a_model(file: impl Display, problem: impl Display) -> Self {
        Self::NotAModel { file: file.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn malformed(file: impl Display, field: impl Display, problem: impl Display) -> Self {
        Self::Malformed { file: file.to_string(), field: field.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn config(file: impl Display, field: impl Display, problem: impl Display) -> Self {
        Self::Config { file: file.to_string(), field: field.to_string(), problem: problem.to_string() }
    }

    pub(crate) fn unsupported(file: impl Display, field: impl Display, problem: impl Display) -> Self {
        Self::Unsupported { file: file.to_string(), field: field.to_string(), problem: problem.to_string() }
    }
}
