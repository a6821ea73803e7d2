//! What can go wrong while weights are brought into memory.

/// Why a backend could not take what it was given.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The rows of a matrix could not be read.
    #[error("weights could not be read: {0}")]
    Read(#[from] std::io::Error),
    /// The instruction set is unknown, or not this processor's.
    #[error("this processor has no instruction set \"{name}\": choose one of {available}, or none to have the fastest")]
    Isa {
        /// What was asked for.
        name: String,
        /// What there is, slowest first.
        available: String,
    },
    /// The threads of the pool could not be had.
    #[error("{threads} threads cannot be started: {source}; ask for at least one, and for fewer if the system refuses")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        source: std::io::Error,
    },
    /// An allocation was refused.
    #[error("{what} needs {bytes} bytes, more than this machine grants: use a smaller model or a shorter context")]
    Memory {
        /// What the memory is for.
        what: &'static str,
        /// How much was asked for.
        bytes: usize,
    },
}
