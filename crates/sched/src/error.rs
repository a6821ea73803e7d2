//! Why a sequence is not taken.

/// Why a sequence was not taken. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// There is nothing to compute.
    #[error("the prompt is empty")]
    Empty,
    /// It would not fit even alone.
    #[error("{tokens} tokens are needed, {capacity} is the most that the KV memory holds")]
    TooLong {
        /// Prompt and answer together.
        tokens: usize,
        /// Of the whole pool.
        capacity: usize,
    },
    /// Too many sequences wait already.
    #[error("{waiting} requests are waiting already; try again later")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
}
