//! Why a checkpoint cannot be run.

/// Why a checkpoint cannot be made into a running model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No row of the architecture table has this name.
    #[error("architecture `{name}` is not supported; supported are {supported}")]
    Architecture {
        /// The file's own word.
        name: String,
        /// All names of the table.
        supported: String,
    },
    /// The architecture is known, but not together with this part.
    #[error("architecture `{architecture}` with {part} is not supported: no reference to check it against")]
    Part {
        /// The file's own word.
        architecture: String,
        /// What does not belong to it.
        part: &'static str,
    },
    /// A tensor is missing, extra or of another shape.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// A tensor could not be read or kept.
    #[error("tensor `{name}`: {cause}")]
    Tensor {
        /// Canonical name.
        name: String,
        /// What the backend said.
        #[source]
        cause: compute::Error,
    },
    /// A tensor was rounded to few bits before, and is to be rounded again.
    #[error("{tensor} is {from} already, and rounding twice loses more than once: load it as it is, or the original")]
    Rounded {
        /// Its name in a GGUF file.
        tensor: String,
        /// What it is.
        from: quant::Format,
    },
    /// The KV pool could not be had.
    #[error(transparent)]
    KvPool(compute::Error),
}
