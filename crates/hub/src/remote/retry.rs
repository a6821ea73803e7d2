//! How often and how soon something is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Tries, and the waits between them.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Tries without progress before giving up.
    pub tries: u32,
    /// The wait after the first failure; it doubles with each further one.
    pub first_wait: Duration,
    /// The longest wait that we choose ourselves.
    pub longest_wait: Duration,
    /// The longest wait that a server may ask for.
    pub longest_asked: Duration,
    /// How long a connection may be silent.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries: 6,
            first_wait: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            longest_asked: Duration::from_secs(300),
            silence: Duration::from_secs(30),
        }
    }
}

impl Patience {
    /// The wait after this many failures in a row, or `None` to give up. A server's own wish (`Retry-After`) counts,
    /// within bounds.
    pub(crate) fn wait(&self, failures: u32, asked: Option<Duration>) -> Option<Duration> {
        if failures >= self.tries || asked.is_some_and(|asked| asked > self.longest_asked) {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
        // Between half and all of it, so that many programs do not come back at once.
        let spread = (RandomState::new().hash_one(failures) % 512) as u32;
        let wait = doubled.min(self.longest_wait) / 1024 * (512 + spread);
        Some(asked.map_or(wait, |asked| asked.max(wait)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits() {
        let patience = Patience::default();
        let seconds = Duration::from_secs;
        for (failures, longest) in [(1, 500), (2, 1000), (3, 2000), (5, 8000)] {
            let wait = patience.wait(failures, None).unwrap().as_millis();
            assert!((longest / 2 - 1..=longest).contains(&wait), "{failures}: {wait}");
        }
        assert!(patience.wait(1, Some(seconds(20))).unwrap() >= seconds(20));
        assert_eq!(patience.wait(1, Some(seconds(3600))), None);
        assert_eq!(patience.wait(6, None), None);
    }
}
