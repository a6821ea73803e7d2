//! What can go wrong while weights are brought into memory.

/// Why a backend could not take what it was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rows of a matrix could not be read.
    #[error("weights could not be read: {0}")]
    Read(#[from] std::io::Error),
    /// An allocation was refused.
    #[error("{what} needs {bytes} bytes, more than this machine grants: use a smaller model or a shorter context")]
    Memory {
        /// What the memory is for.
        what: &'static str,
        /// How much was asked for.
        bytes: usize,
    },
}
