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
    /// It would fit alone, but not beside what runs now.
    #[error("{tokens} tokens are needed and {free} are free while other requests run; try again later")]
    Busy {
        /// Tokens of the work.
        tokens: usize,
        /// Tokens that the free blocks hold.
        free: usize,
    },
    /// Too many sequences wait already.
    #[error("{waiting} requests are waiting already; try again later")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
}
