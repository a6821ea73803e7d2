//! Names for what KV blocks hold: a hash that chains over all tokens from the start of a sequence.

use tokenizer::TokenId;

use crate::Tenant;

/// Stands for all tokens of a sequence up to the end of a block, and for whose they are.
///
/// It only finds blocks: whoever finds one compares tokens too ([`crate::BlockPool::find`]), so that two prefixes of one
/// hash cost a missed chance, never a wrong answer. Tenants never meet, not even by a prefix that both have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PrefixHash(u128);

/// Odd, without pattern (the golden ratio's and the square root of two's digits): multiplying by it moves every bit upward.
const FACTOR: u128 = 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
const OFFSET: u128 = 0x6A09_E667_F3BC_C908_B2FB_1366_EA95_7D3E;

impl PrefixHash {
    /// Of no tokens.
    pub fn start(tenant: Tenant) -> Self {
        Self(OFFSET).mix(tenant.0)
    }

    /// Of these tokens after those.
    #[must_use]
    pub fn then(self, tokens: &[TokenId]) -> Self {
        tokens.iter().fold(self, |hash, token| hash.mix(u64::from(token.0)))
    }

    /// High bits come back down by the shift, so that each input bit reaches each output bit after two rounds.
    fn mix(self, word: u64) -> Self {
        let mixed = (self.0 ^ u128::from(word)).wrapping_mul(FACTOR);
        Self(mixed ^ (mixed >> 67))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_chain_and_tenants_never_meet() {
        let tokens: Vec<_> = (0..64).map(TokenId).collect();
        let start = PrefixHash::start(Tenant(1));
        assert_eq!(start.then(&tokens[..32]).then(&tokens[32..]), start.then(&tokens));
        assert_ne!(start.then(&tokens[..32]), start.then(&tokens[1..33]));
        assert_ne!(start.then(&tokens), PrefixHash::start(Tenant(2)).then(&tokens));
    }
}
