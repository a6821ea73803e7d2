//! The vocabulary: what each token is, and which token a string of bytes is.
//!
//! All bytes lie in one arena, so a vocabulary of 131,072 tokens costs five allocations. The way back from bytes to
//! ids is an open-addressing table. Its hash is seeded at random, so that nobody can write a vocabulary file whose
//! pieces all collide; nothing depends on the order of the table.

use std::hash::{BuildHasher, RandomState};

use crate::{Error, TokenId, limits};

/// What a token is to text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text, by merging or by score.
    Normal,
    /// Stands for what the vocabulary does not have.
    Unknown,
    /// Placed by the program only.
    Control,
    /// Text that is always one token.
    UserDefined,
    /// Marked as unused by its file.
    Unused,
    /// Spelled so that no text has it.
    Never,
    /// One byte of a character that the vocabulary does not have.
    Byte,
}

/// Tokens by id, and ids by bytes.
#[derive(Debug)]
pub(crate) struct Pieces {
    arena: Vec<u8>,
    /// Where each token's bytes end in the arena; they begin where the one before ends.
    ends: Vec<u32>,
    kinds: Vec<Kind>,
    index: Index,
}

impl Pieces {
    /// Room for about `count` tokens.
    pub(crate) fn with_capacity(count: usize) -> Self {
        let count = count.min(limits::VOCABULARY);
        Self {
            arena: Vec::with_capacity(count.saturating_mul(8)),
            ends: Vec::with_capacity(count),
            kinds: Vec::with_capacity(count),
            index: Index::new(),
        }
    }

    /// Appends a token. For a token that is text, `bytes` is that text; for another, its name (for a byte token: the
    /// byte).
    ///
    /// # Errors
    /// The vocabulary is too large.
    pub(crate) fn push(&mut self, bytes: &[u8], kind: Kind) -> Result<(), Error> {
        if self.kinds.len() >= limits::VOCABULARY {
            return Err(Error::TooLarge { what: "tokens", limit: limits::VOCABULARY as u64 });
        }
        if bytes.len() > limits::PIECE_BYTES {
            return Err(Error::TooLarge { what: "bytes in one token", limit: limits::PIECE_BYTES as u64 });
        }
        self.arena.extend_from_slice(bytes);
        if self.arena.len() > limits::VOCABULARY_BYTES {
            return Err(Error::TooLarge { what: "bytes of tokens", limit: limits::VOCABULARY_BYTES as u64 });
        }
        self.ends.push(self.arena.len() as u32);
        self.kinds.push(kind);
        Ok(())
    }

    /// Makes the tokens of the kinds that `wanted` accepts findable by their bytes.
    ///
    /// # Errors
    /// Two of them have the same bytes.
    pub(crate) fn index(&mut self, wanted: impl Fn(Kind) -> bool) -> Result<(), Error> {
        let ids = (0..self.len() as u32).filter(|&id| self.kind(TokenId(id)).is_some_and(&wanted));
        let mut index = Index::with_capacity(self.len());
        for id in ids {
            let bytes = self.bytes(TokenId(id)).unwrap_or_default();
            if let Some(first) = index.insert(bytes, id, |id| self.bytes(TokenId(id))) {
                let shown = String::from_utf8_lossy(bytes);
                return Err(Error::malformed(
                    format_args!("token {id}"),
                    format_args!("`{shown}` is token {first} already"),
                ));
            }
        }
        self.index = index;
        Ok(())
    }

    pub(crate) fn len(&self) -> usize {
        self.kinds.len()
    }

    pub(crate) fn kind(&self, id: TokenId) -> Option<Kind> {
        self.kinds.get(id.index()).copied()
    }

    /// The tokens of one kind, with what [`Pieces::push`] was given.
    pub(crate) fn of_kind(&self, wanted: Kind) -> impl Iterator<Item = (TokenId, &[u8])> {
        let tokens = (0..).map(TokenId).zip(&self.kinds).filter(move |&(_, &kind)| kind == wanted);
        tokens.filter_map(|(id, _)| Some((id, self.bytes(id)?)))
    }

    /// The bytes that [`Pieces::push`] was given.
    pub(crate) fn bytes(&self, id: TokenId) -> Option<&[u8]> {
        let end = *self.ends.get(id.index())? as usize;
        let start = id.index().checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())? as usize;
        self.arena.get(start..end)
    }

    /// The indexed token with these bytes.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<TokenId> {
        self.index.find(bytes, |id| self.bytes(TokenId(id))).map(TokenId)
    }
}

/// Ids by bytes; the bytes themselves lie with the owner, who is asked to compare.
#[derive(Debug)]
struct Index {
    /// A power of two of them, at least one empty.
    slots: Vec<Slot>,
    seed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Upper half of the hash: most strangers are told apart without a look at their bytes.
    tag: u32,
    /// [`EMPTY`] where nothing is.
    id: u32,
}

const EMPTY: u32 = u32::MAX;

impl Index {
    fn new() -> Self {
        Self::with_capacity(0)
    }

    fn with_capacity(count: usize) -> Self {
        let slots = count.saturating_mul(2).saturating_add(1).next_power_of_two();
        Self { slots: vec![Slot { tag: 0, id: EMPTY }; slots], seed: RandomState::new().hash_one(0) }
    }

    fn find<'a>(&self, bytes: &[u8], of: impl Fn(u32) -> Option<&'a [u8]>) -> Option<u32> {
        let (_, slot) = self.probe(bytes, of);
        self.slots.get(slot).map(|slot| slot.id).filter(|&id| id != EMPTY)
    }

    /// Returns the id that was there before, if there was one.
    fn insert<'a>(&mut self, bytes: &[u8], id: u32, of: impl Fn(u32) -> Option<&'a [u8]>) -> Option<u32> {
        let (tag, slot) = self.probe(bytes, of);
        let slot = self.slots.get_mut(slot)?;
        if slot.id != EMPTY {
            return Some(slot.id);
        }
        *slot = Slot { tag, id };
        None
    }

    /// Where the bytes are, or the empty slot where they would be.
    fn probe<'a>(&self, bytes: &[u8], of: impl Fn(u32) -> Option<&'a [u8]>) -> (u32, usize) {
        let hash = hash(self.seed, bytes);
        let mask = self.slots.len().wrapping_sub(1);
        let tag = (hash >> 32) as u32;
        let mut at = hash as usize & mask;
        while let Some(slot) = self.slots.get(at) {
            if slot.id == EMPTY || (slot.tag == tag && of(slot.id) == Some(bytes)) {
                break;
            }
            at = at.wrapping_add(1) & mask;
        }
        (tag, at)
    }
}

/// Multiply and fold, eight bytes at a time (after wyhash, Wang Yi).
fn hash(seed: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks();
    let mut state = seed ^ bytes.len() as u64;
    for &word in words {
        state = fold(state ^ u64::from_le_bytes(word), 0xa076_1d64_78bd_642f);
    }
    let tail = match (rest.first_chunk(), rest.last_chunk(), rest) {
        (Some(&first), Some(&last), _) => {
            u64::from(u32::from_le_bytes(first)) | u64::from(u32::from_le_bytes(last)) << 32
        }
        (_, _, &[a]) => u64::from(a),
        (_, _, &[a, b]) => u64::from(a) | u64::from(b) << 8,
        (_, _, &[a, b, c]) => u64::from(a) | u64::from(b) << 8 | u64::from(c) << 16,
        _ => 0,
    };
    fold(fold(state ^ tail, 0xe703_7ed1_a0b4_28db), 0x8ebc_6af0_9c88_c6e3)
}

fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a).wrapping_mul(u128::from(b));
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_is_found_and_no_other() {
        let mut pieces = Pieces::with_capacity(0);
        let text = |n: u32| "x".repeat(n as usize % 23) + &n.to_string();
        for n in 0..5000 {
            pieces.push(text(n).as_bytes(), Kind::Normal).unwrap();
        }
        pieces.index(|_| true).unwrap();
        for n in 0..5000 {
            assert_eq!(pieces.find(text(n).as_bytes()), Some(TokenId(n)));
            assert_eq!(pieces.find((text(n) + "y").as_bytes()), None);
        }
    }

    #[test]
    fn the_same_bytes_twice_are_refused() {
        let mut pieces = Pieces::with_capacity(2);
        pieces.push(b"a", Kind::Normal).unwrap();
        pieces.push(b"a", Kind::Normal).unwrap();
        assert!(pieces.index(|_| true).unwrap_err().to_string().contains("`a` is token 0 already"));
    }
}
