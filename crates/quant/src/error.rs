//! What can go wrong between bytes and numbers.

use crate::Format;

/// Why a row could not be decoded or encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not a whole number of blocks.
    #[error("{bytes} bytes of {format} are not whole blocks of {} bytes: the row is cut off", format.block_bytes())]
    Bytes {
        /// Format of the row.
        format: Format,
        /// Bytes given.
        bytes: usize,
    },
    /// The weights are not a whole number of blocks.
    #[error("{weights} weights cannot be stored as {format}: its rows are multiples of {}", format.block_weights())]
    Weights {
        /// Format of the row.
        format: Format,
        /// Weights given.
        weights: usize,
    },
    /// Bytes and weights of a row do not belong together.
    #[error("{bytes} bytes of {format} hold {held} weights, not {weights}: the lengths must agree")]
    Length {
        /// Format of the row.
        format: Format,
        /// Bytes given.
        bytes: usize,
        /// Weights that these bytes hold.
        held: usize,
        /// Weights given.
        weights: usize,
    },
    /// There is not one number of importance for each column.
    #[error("{importance} numbers of importance do not belong to rows of {columns} weights: they are another matrix's")]
    Importance {
        /// Columns of the matrix.
        columns: usize,
        /// Numbers given.
        importance: usize,
    },
}
