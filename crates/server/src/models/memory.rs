//! Room in memory: who goes when another comes.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::Entry;
use crate::limits;

/// Bytes of a file, or of all files directly in a folder; and when the newest of them was written.
pub(crate) fn files(path: &Path) -> (u64, SystemTime) {
    let paths = fs::read_dir(path)
        .map_or_else(|_| vec![path.to_owned()], |folder| folder.flatten().map(|entry| entry.path()).collect());
    let files = paths.iter().filter_map(|path| fs::metadata(path).ok()).filter(fs::Metadata::is_file);
    files.fold((0, SystemTime::UNIX_EPOCH), |(size, newest), file| {
        (file.len().saturating_add(size), file.modified().unwrap_or(SystemTime::UNIX_EPOCH).max(newest))
    })
}

/// What a model of this size needs at least: packed weights are a tenth larger than the file.
pub(super) fn needed_bytes(size_bytes: u64, kv_bytes: Option<u64>) -> u64 {
    let weights = size_bytes.saturating_add(size_bytes / 8);
    weights.saturating_add(kv_bytes.unwrap_or(limits::LEAST_KV_BYTES))
}

/// Lets models go that nobody uses, the one that was used the longest ago first, until `needed` bytes are free. True
/// where they are, or where the machine does not say.
pub(super) fn make_room(needed: u64, others: &[Arc<Entry>], available: fn() -> Option<u64>) -> bool {
    let start = Instant::now();
    loop {
        match available() {
            Some(free) if free < needed => {}
            _ => return true,
        }
        let idle = others.iter().filter_map(|entry| Some((entry.idle()?, entry)));
        let Some((_, entry)) = idle.max_by_key(|(idle, _)| *idle) else {
            if start.elapsed() >= limits::ROOM_PATIENCE || others.iter().all(|entry| !entry.is_loaded()) {
                return false;
            }
            // Whoever uses one may be just about to let go of it.
            std::thread::sleep(limits::ROOM_LOOK);
            continue;
        };
        if let Some(model) = entry.take_if_idle(|_, _| true) {
            tracing::info!(model = entry.name, "unloaded: another needs its place");
            drop(model);
        }
    }
}
