//! Compiled constraints, the least recently used ones forgotten first. Bounded in bytes and in entries; nothing on disk.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::constraint::Compiled;
use crate::limits;

/// SHA-256 of a specification: nobody can make another one with the same key.
pub(crate) type Key = [u8; 32];

#[derive(Default)]
pub(crate) struct Cache {
    entries: HashMap<Key, Entry>,
    /// By when they were last used.
    order: BTreeMap<u64, Key>,
    clock: u64,
    bytes: usize,
}

struct Entry {
    compiled: Arc<Compiled>,
    bytes: usize,
    used: u64,
}

impl Cache {
    pub(crate) fn find(&mut self, key: &Key) -> Option<Arc<Compiled>> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        self.order.remove(&entry.used);
        entry.used = self.clock;
        self.order.insert(self.clock, *key);
        Some(Arc::clone(&entry.compiled))
    }

    /// Keeps a constraint of this weight, unless it is heavier than all may be together.
    pub(crate) fn keep(&mut self, key: Key, compiled: Arc<Compiled>, bytes: usize) {
        if bytes > limits::CACHE_BYTES || self.find(&key).is_some() {
            return;
        }
        self.clock += 1;
        self.order.insert(self.clock, key);
        self.entries.insert(key, Entry { compiled, bytes, used: self.clock });
        self.bytes = self.bytes.saturating_add(bytes);
        while self.bytes > limits::CACHE_BYTES || self.entries.len() > limits::CACHE_ENTRIES {
            let Some((_, oldest)) = self.order.pop_first() else { break };
            let gone = self.entries.remove(&oldest).map_or(0, |entry| entry.bytes);
            self.bytes = self.bytes.saturating_sub(gone);
        }
    }

    /// Constraints kept, and what they weigh.
    pub(crate) fn usage(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes)
    }
}
