//! The keys of a running server.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use axum::http::{HeaderMap, header};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::usage::Bucket;
use super::{Hash, Key, KeyError, KeyFile, Usage, hash};
use crate::caller::Caller;
use crate::gate::Peer;
use crate::limits;
use crate::refusal::{Refusal, RefusalKind};
use crate::request_id::RequestId;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// The keys of a running server, as the file has them.
pub(crate) struct Keys {
    file: Option<KeyFile>,
    state: Mutex<State>,
    wrong: Mutex<HashMap<Option<IpAddr>, Bucket>>,
}

struct State {
    keys: Vec<(Key, Arc<Usage>)>,
    /// Once there were keys there must be keys: a file that vanishes opens nothing.
    required: bool,
    stamp: Option<(SystemTime, u64)>,
    looked: Instant,
}

impl Keys {
    /// # Errors
    /// The file is there and cannot be read.
    pub(crate) fn new(path: Option<&Path>) -> Result<Self, KeyError> {
        let file = path.map(KeyFile::at);
        let stamp = file.as_ref().and_then(KeyFile::stamp);
        let keys = file.as_ref().map_or(Ok(Vec::new()), KeyFile::keys)?;
        let mut state = State { keys: Vec::new(), required: false, stamp, looked: Instant::now() };
        state.replace(keys);
        Ok(Self { file, state: Mutex::new(state), wrong: Mutex::default() })
    }

    /// Whether a key is needed.
    pub(crate) fn required(&self) -> bool {
        self.current().required
    }

    /// Who asks, by `Authorization: Bearer` or `x-api-key`.
    ///
    /// # Errors
    /// A key is needed, and there is none, or a wrong one.
    pub(crate) fn caller(&self, headers: &HeaderMap, peer: Peer, request: &RequestId) -> Result<Caller, Refusal> {
        let anybody = Caller::anybody(request);
        let state = self.current();
        if !state.required {
            return Ok(anybody);
        }
        let Some(secret) = given(headers) else {
            let message = "this server needs a key: send it as `Authorization: Bearer …` or `x-api-key`";
            return Err(Refusal::new(RefusalKind::Unauthorised, message));
        };
        if let Some((key, usage)) = state.find(&hash(secret)) {
            return Ok(anybody.with_key(&key.name, &key.hash, Arc::clone(usage)));
        }
        drop(state);
        Err(self.refuse_wrong_key(peer))
    }

    /// Guessing is hopeless; it need not be fast either. A right key is never held up by wrong ones.
    fn refuse_wrong_key(&self, peer: Peer) -> Refusal {
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= limits::WRONG_KEY_PEERS {
            wrong.clear();
        }
        let bucket = wrong.entry(peer.address()).or_insert_with(|| Bucket::full(limits::WRONG_KEYS_PER_MINUTE));
        match bucket.take(limits::WRONG_KEYS_PER_MINUTE, 1.0) {
            Ok(()) => Refusal::new(RefusalKind::Unauthorised, "this key is not known here"),
            Err(seconds) => {
                Refusal::new(RefusalKind::RateLimited, "too many wrong keys came from there").retry_after(seconds)
            }
        }
    }

    /// The keys as the file has them now. A file that cannot be read changes nothing.
    fn current(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = self.file.as_ref().filter(|_| state.looked.elapsed() >= LOOK) else { return state };
        state.looked = Instant::now();
        let stamp = file.stamp();
        if stamp != state.stamp {
            match file.keys() {
                Ok(keys) => state.replace(keys),
                Err(error) => tracing::error!(cause = error.to_string(), "the keys stay as they were"),
            }
            state.stamp = stamp;
        }
        state
    }
}

impl State {
    /// What a key has used stays with it while its limits do.
    fn replace(&mut self, keys: Vec<Key>) {
        self.required |= !keys.is_empty();
        let before = std::mem::take(&mut self.keys);
        let usage = |key: &Key| {
            let same = before.iter().find(|(old, usage)| old.hash == key.hash && usage.limits() == key.limits);
            same.map_or_else(|| Arc::new(Usage::new(key.limits)), |(_, usage)| Arc::clone(usage))
        };
        self.keys = keys.into_iter().map(|key| (key.clone(), usage(&key))).collect();
    }

    /// Looks at every key whichever it is, and at every byte of its hash.
    fn find(&self, hash: &Hash) -> Option<&(Key, Arc<Usage>)> {
        let mut found = u32::MAX;
        for (index, (key, _)) in (0_u32..).zip(&self.keys) {
            let same: Choice = key.hash.ct_eq(hash);
            found.conditional_assign(&index, same);
        }
        self.keys.get(usize::try_from(found).ok()?)
    }
}

/// The key that a request brings. Two of a kind are none: readers on the way may differ in which one counts.
fn given(headers: &HeaderMap) -> Option<&str> {
    let only = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    if headers.contains_key(header::AUTHORIZATION) {
        let (scheme, key) = only("authorization")?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then(|| key.trim());
    }
    only("x-api-key").map(str::trim)
}
