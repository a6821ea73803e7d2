//! What a key has used of its limits.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::KeyLimits;
use crate::refusal::{Refusal, RefusalKind};

/// An allowance that fills up to a minute's worth, and may go into debt: what an answer costs is known at its end.
#[derive(Debug)]
pub(super) struct Bucket(Mutex<(f64, Instant)>);

impl Bucket {
    pub(super) fn full(per_minute: u32) -> Self {
        Self(Mutex::new((f64::from(per_minute), Instant::now())))
    }

    /// Takes `cost` if at least one is left; else the seconds until there is.
    pub(super) fn take(&self, per_minute: u32, cost: f64) -> Result<(), u32> {
        let mut bucket = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (most, now) = (f64::from(per_minute), Instant::now());
        let level = (bucket.0 + bucket.1.elapsed().as_secs_f64() * most / 60.0).min(most);
        let enough = level >= 1.0;
        *bucket = (if enough { level - cost } else { level }, now);
        if enough {
            return Ok(());
        }
        let seconds = (1.0 - level) * 60.0 / most.max(1e-3);
        Err(seconds.ceil().clamp(1.0, 3600.0) as u32)
    }

    /// Takes `cost` whatever is left.
    fn charge(&self, cost: f64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 -= cost;
    }
}

/// What a key has used.
#[derive(Debug)]
pub(crate) struct Usage {
    limits: KeyLimits,
    requests: Bucket,
    tokens: Bucket,
    streams: AtomicU32,
}

/// One answer of a key; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct StreamPlace(Arc<Usage>);

impl Drop for StreamPlace {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Usage {
    pub(super) fn new(limits: KeyLimits) -> Self {
        let bucket = |per_minute: Option<u32>| Bucket::full(per_minute.unwrap_or(0));
        let (requests, tokens) = (bucket(limits.requests_per_minute), bucket(limits.tokens_per_minute));
        Self { limits, requests, tokens, streams: AtomicU32::new(0) }
    }

    pub(super) fn limits(&self) -> KeyLimits {
        self.limits
    }

    /// Counts a request.
    ///
    /// # Errors
    /// There have been too many in this minute.
    pub(crate) fn request(&self) -> Result<(), Refusal> {
        let Some(most) = self.limits.requests_per_minute else { return Ok(()) };
        let taken = self.requests.take(most, 1.0);
        taken.map_err(|seconds| limited(format!("this key may send {most} requests a minute")).retry_after(seconds))
    }

    /// A place for one answer, if tokens are left too.
    ///
    /// # Errors
    /// There are too many at once, or this minute's tokens are used up.
    pub(crate) fn stream(self: &Arc<Self>) -> Result<StreamPlace, Refusal> {
        if let Some(most) = self.limits.tokens_per_minute {
            let left = self.tokens.take(most, 0.0);
            left.map_err(|seconds| limited(format!("this key may use {most} tokens a minute")).retry_after(seconds))?;
        }
        let taken = self.streams.fetch_add(1, Ordering::AcqRel);
        let place = StreamPlace(Arc::clone(self));
        match self.limits.streams {
            Some(most) if taken >= most => {
                Err(limited(format!("this key may have {most} answers at once")).retry_after(1))
            }
            _ => Ok(place),
        }
    }

    /// Counts tokens of a prompt or an answer.
    pub(crate) fn charge(&self, tokens: usize) {
        if self.limits.tokens_per_minute.is_some() {
            self.tokens.charge(tokens as f64);
        }
    }
}

fn limited(message: String) -> Refusal {
    Refusal::new(RefusalKind::RateLimited, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_hold() {
        let limits = KeyLimits { requests_per_minute: Some(2), tokens_per_minute: Some(10), streams: Some(1) };
        let usage = Arc::new(Usage::new(limits));
        assert!(usage.request().is_ok() && usage.request().is_ok());
        let refusal = usage.request().unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::RateLimited);
        assert!(refusal.retry_after_s.is_some_and(|seconds| (25..=30).contains(&seconds)), "{refusal:?}");
        let first = usage.stream().unwrap();
        assert!(usage.stream().unwrap_err().message.contains("1 answers at once"));
        drop(first);
        let second = usage.stream().unwrap();
        usage.charge(100);
        drop(second);
        assert!(usage.stream().unwrap_err().message.contains("10 tokens a minute"));
    }

    #[test]
    fn a_key_without_limits_has_none() {
        let usage = Arc::new(Usage::new(KeyLimits::default()));
        let places: Vec<_> = (0..100).map(|_| (usage.request(), usage.stream())).collect();
        assert!(places.iter().all(|(request, place)| request.is_ok() && place.is_ok()));
    }
}
