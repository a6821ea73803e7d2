//! Names of blocks on disk: SHA-256, chained, so that nobody can make two texts meet under one name.

use std::fmt;

use sched::Tenant;
use sha2::{Digest, Sha256};
use tokenizer::TokenId;

/// Stands for a model and its arithmetic; or for these, a tenant and all tokens up to the end of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key(pub(super) [u8; 32]);

impl Key {
    /// Of no tokens yet, for a tenant: tenants never meet, whatever they say.
    pub(super) fn of_tenant(self, tenant: Tenant) -> Self {
        let mut hash = Sha256::new_with_prefix(b"tenant");
        hash.update(self.0);
        hash.update(tenant.0.to_le_bytes());
        Self(hash.finalize().into())
    }

    /// Of these tokens after those.
    pub(super) fn then(self, tokens: &[TokenId]) -> Self {
        let mut hash = Sha256::new_with_prefix(b"tokens");
        hash.update(self.0);
        tokens.iter().for_each(|token| hash.update(token.0.to_le_bytes()));
        Self(hash.finalize().into())
    }

    /// From the name of a file.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let digits = name.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut key = [0; 32];
        for (byte, pair) in key.iter_mut().zip(name.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(key))
    }
}

/// 64 digits, lower case.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_nothing_else_is_one() {
        let key = Key([7; 32]).of_tenant(Tenant(3)).then(&[TokenId(1), TokenId(2)]);
        assert_eq!(Key::parse(&key.to_string()), Some(key));
        assert_ne!(Key([7; 32]).of_tenant(Tenant(4)).then(&[TokenId(1), TokenId(2)]), key);
        let wrong = ["", "..", "../../etc/passwd", &"A".repeat(64), &"0".repeat(63), &"0".repeat(65), &"é".repeat(32)];
        assert!(wrong.iter().all(|name| Key::parse(name).is_none()));
    }
}
