//! A set of tokens, for constrained decoding.

use tokenizer::TokenId;

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
        if let (Some(last), used @ 1..) = (mask.words.last_mut(), len % 64) {
            *last = (1 << used) - 1;
        }
        mask
    }

    /// Allows one token; a token outside the vocabulary changes nothing.
    pub fn allow(&mut self, token: TokenId) {
        if token.index() < self.len {
            self.words[token.index() / 64] |= 1 << (token.index() % 64);
        }
    }

    /// Excludes one token.
    pub fn deny(&mut self, token: TokenId) {
        if token.index() < self.len {
            self.words[token.index() / 64] &= !(1 << (token.index() % 64));
        }
    }

    /// Whether this token may follow; never for one outside the vocabulary.
    pub fn allows(&self, token: TokenId) -> bool {
        token.index() < self.len && self.words[token.index() / 64] >> (token.index() % 64) & 1 == 1
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

    /// Sets the logits of excluded tokens to −∞.
    pub(crate) fn apply(&self, logits: &mut [f32]) {
        for (chunk, &word) in logits.chunks_mut(64).zip(&self.words) {
            for (bit, logit) in chunk.iter_mut().enumerate() {
                if word >> bit & 1 == 0 {
                    *logit = f32::NEG_INFINITY;
                }
            }
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
            let mut other = TokenMask::none(len);
            assert!(other.is_empty());
            other.allow(TokenId(len as u32));
            assert!(other.is_empty(), "a token outside changes nothing");
        }
    }
}
