//! What a request is called, in the answer and in the log.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use crate::limits;
use crate::refusal::{Refusal, RefusalKind};

/// The name of the header.
pub(crate) const HEADER: &str = "x-request-id";

/// What a request is called: taken over from `x-request-id` where that is short and plain, else made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestId(String);

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok());
        Self(given.filter(|id| is_plain(id)).map_or_else(made_up, str::to_owned))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// As the value of a header.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

/// Nothing that means something in a log, a header or a shell.
fn is_plain(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=limits::REQUEST_ID_BYTES).contains(&id.len()) && id.bytes().all(plain)
}

/// Told apart, not secret: a keyed hash of a counter.
fn made_up() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let hash = |count: u64| RandomState::new().hash_one(count);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("req-{:016x}{:08x}", hash(count), hash(count) >> 32)
}

impl<S: Sync> FromRequestParts<S> for RequestId {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let id = parts.extensions.get::<Self>().cloned();
        id.ok_or_else(|| Refusal::new(RefusalKind::Internal, "the request came past the gate"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_plain_or_replaced() {
        let rows = [("abc-1.2:3_4", true), ("", false), ("a b", false), ("a\tb", false), ("ü", false), ("{}", false)];
        for (id, kept) in rows {
            assert_eq!(is_plain(id), kept, "{id}");
        }
        assert!(!is_plain(&"a".repeat(129)));
        assert_ne!(made_up(), made_up());
    }
}
