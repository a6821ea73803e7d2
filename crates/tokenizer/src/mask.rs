//! A set of tokens: what a grammar allows and a sampler obeys.

use crate::TokenId;

/// Which tokens of a vocabulary may follow: one bit each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenMask {
    words: Vec<u64>,
    len: usize,
}

impl TokenMask {
    /// Nothing allowed, of a vocabulary of `len` tokens.
    pub fn none(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len }
    }

    /// Everything allowed.
    pub fn all(len: usize) -> Self {
        let mut mask = Self { words: vec![u64::MAX; len.div_ceil(64)], len };
        mask.trim();
        mask
    }

    /// What these words say of a vocabulary of `len` tokens: bit `i % 64` of word `i / 64` stands for token `i`. Words
    /// that are missing allow nothing, bits past the end change nothing.
    pub fn from_words(words: impl IntoIterator<Item = u64>, len: usize) -> Self {
        let mut words: Vec<u64> = words.into_iter().take(len.div_ceil(64)).collect();
        words.resize(len.div_ceil(64), 0);
        let mut mask = Self { words, len };
        mask.trim();
        mask
    }

    /// The bits, in the form of [`TokenMask::from_words`].
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Allows one token; a token outside the vocabulary changes nothing.
    pub fn allow(&mut self, token: TokenId) {
        if let Some(word) = self.word_mut(token) {
            *word |= 1 << (token.index() % 64);
        }
    }

    /// Excludes one token.
    pub fn deny(&mut self, token: TokenId) {
        if let Some(word) = self.word_mut(token) {
            *word &= !(1 << (token.index() % 64));
        }
    }

    /// Whether this token may follow; never for one outside the vocabulary.
    pub fn allows(&self, token: TokenId) -> bool {
        self.words.get(token.index() / 64).is_some_and(|word| word >> (token.index() % 64) & 1 == 1)
    }

    /// Size of the vocabulary.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no token is allowed.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&w| w == 0)
    }

    /// Number of tokens allowed.
    pub fn count(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    fn word_mut(&mut self, token: TokenId) -> Option<&mut u64> {
        if token.index() < self.len { self.words.get_mut(token.index() / 64) } else { None }
    }

    /// Bits past the end are zero: [`TokenMask::allows`] and comparison rely on it.
    fn trim(&mut self) {
        if let (Some(last), used @ 1..) = (self.words.last_mut(), self.len % 64) {
            *last &= (1 << used) - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_at_word_borders() {
        for len in [0, 1, 63, 64, 65, 130] {
            let mut mask = TokenMask::all(len);
            assert_eq!(mask.count(), len, "{len}");
            assert!(!mask.allows(TokenId(len as u32)));
            mask.deny(TokenId(len as u32 / 2));
            assert_eq!(mask.count(), len.saturating_sub(1), "{len}");
            assert_eq!(TokenMask::from_words(mask.words().to_vec(), len), mask);
            assert_eq!(TokenMask::from_words(std::iter::repeat(u64::MAX), len), TokenMask::all(len));
            let mut other = TokenMask::none(len);
            assert!(other.is_empty());
            other.allow(TokenId(len as u32));
            assert!(other.is_empty(), "a token outside changes nothing");
        }
    }
}
