//! What the engine is doing: numbers for health checks, metrics and admission.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use sched::Refused;

/// What the engine is doing, as of its last step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Requests that are being computed.
    pub running: usize,
    /// Requests that wait for a place.
    pub waiting: usize,
    /// KV blocks in use by running requests.
    pub kv_blocks_used: usize,
    /// KV blocks that nobody uses now, kept for requests that begin alike; taken when room is needed.
    pub kv_blocks_cached: usize,
    /// KV blocks in all.
    pub kv_blocks_total: usize,
    /// Tokens in a KV block.
    pub kv_block_tokens: usize,
    /// What has been done since the start.
    pub counters: Counters,
}

/// What has been done since the start; only ever grows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Steps of the engine.
    pub steps: u64,
    /// Tokens of prompts that were computed; also tokens computed anew after a preemption.
    pub prefill_tokens: u64,
    /// Tokens that were generated.
    pub decode_tokens: u64,
    /// Tokens of prompts that were found computed.
    pub cached_tokens: u64,
    /// Tokens that were guessed ahead.
    pub drafted_tokens: u64,
    /// Of these, tokens that were right and after which the answer went on.
    pub accepted_tokens: u64,
    /// Requests that had to make room for others for a while.
    pub preemptions: u64,
    /// KV blocks whose contents were given up for others.
    pub evicted_blocks: u64,
    /// KV blocks that were written to the prefix cache's folder.
    pub stored_blocks: u64,
    /// KV blocks that came from there.
    pub restored_blocks: u64,
    /// Files that could not be written there, or were damaged.
    pub store_failures: u64,
}

/// The status, shared by the worker (which writes it after each step) and whoever asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct StatusBoard(Arc<Mutex<Status>>);

impl StatusBoard {
    pub(crate) fn write(&self, status: Status) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = status;
    }

    pub(crate) fn read(&self) -> Status {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Places for requests between their submission and their end: whoever finds none is refused before it is queued.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<AtomicUsize>);

/// One request's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Places);

impl Places {
    /// # Errors
    /// `limit` are taken.
    pub(crate) fn take(&self, limit: usize) -> Result<Place, Refused> {
        let taken = self.0.fetch_add(1, Ordering::AcqRel);
        let place = Place(self.clone());
        if taken < limit { Ok(place) } else { Err(Refused::QueueFull { waiting: taken }) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}
