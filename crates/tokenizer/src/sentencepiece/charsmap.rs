//! The table by which a SentencePiece model replaces characters (`precompiled_charsmap`).
//!
//! Layout: length of a double-array trie in bytes (u32), the trie (u32 units, in the layout of darts-clone), then the
//! replacements, each ended by a zero byte. The trie's values are offsets among the replacements. All little-endian.

use crate::{Error, limits};

/// Strings and what they become.
#[derive(Debug)]
pub(crate) struct Charsmap {
    units: Vec<u32>,
    replacements: String,
}

impl Charsmap {
    /// # Errors
    /// Lengths that do not fit, replacements that are not text or very long.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, Error> {
        let broken = || Error::malformed("the normaliser's table of characters", "it is cut off or not a table");
        let (size, rest) = bytes.split_first_chunk().ok_or_else(broken)?;
        let (trie, replacements) = rest.split_at_checked(u32::from_le_bytes(*size) as usize).ok_or_else(broken)?;
        let (units, odd) = trie.as_chunks();
        let replacements = std::str::from_utf8(replacements).map_err(|_| broken())?;
        if units.is_empty() || !odd.is_empty() || !replacements.ends_with('\0') {
            return Err(broken());
        }
        if replacements.split('\0').any(|replacement| replacement.len() > limits::REPLACEMENT_BYTES) {
            return Err(Error::TooLarge {
                what: "bytes in place of one character",
                limit: limits::REPLACEMENT_BYTES as u64,
            });
        }
        let units = units.iter().map(|&unit| u32::from_le_bytes(unit)).collect();
        Ok(Self { units, replacements: replacements.to_owned() })
    }

    /// Length of the longest string of the table that `text` begins with, and what it becomes.
    pub(super) fn longest_prefix(&self, text: &str) -> Option<(usize, &str)> {
        let mut found = None;
        let mut at = offset(*self.units.first()?);
        for (index, byte) in text.bytes().enumerate() {
            at ^= u32::from(byte);
            let Some(&unit) = self.units.get(at as usize).filter(|&&unit| label(unit) == u32::from(byte)) else {
                break;
            };
            at ^= offset(unit);
            if has_leaf(unit) {
                found = self.units.get(at as usize).map(|&leaf| (index + 1, leaf & !LEAF));
            }
        }
        let (length, value) = found.filter(|&(length, _)| text.is_char_boundary(length))?;
        let replacement = self.replacements.get(value as usize..)?;
        Some((length, replacement.split('\0').next()?))
    }
}

const LEAF: u32 = 1 << 31;

/// The byte that leads to a unit; with [`LEAF`] set, no byte does.
const fn label(unit: u32) -> u32 {
    unit & (LEAF | 0xff)
}

const fn has_leaf(unit: u32) -> bool {
    unit & 0x100 != 0
}

const fn offset(unit: u32) -> u32 {
    (unit >> 10) << ((unit & 0x200) >> 6)
}
