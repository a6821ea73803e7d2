//! What the machine has to give. Read from `/proc` and `/sys`; elsewhere the answers are `None`.

use std::fs;
use std::path::Path;

use crate::{Error, limits};

/// Memory that can be had without swapping, in bytes; in a container, what its limit leaves.
pub fn available_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let available = line.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)?;
    let container = container_bytes("memory.max").zip(container_bytes("memory.current"));
    Some(container.map_or(available, |(max, current)| max.saturating_sub(current).min(available)))
}

/// Refuses weights that take far more memory than their files have bytes, and more than is free: such files are made to do
/// harm. Others may be larger than what is free, which then is for the system to handle.
///
/// # Errors
/// As it says.
pub(crate) fn check_padding(packed: u64, stored: u64) -> Result<(), Error> {
    match available_bytes() {
        Some(free) if packed > free && packed / 2 > stored => Err(Error::Padding { packed, stored, free }),
        _ => Ok(()),
    }
}

/// What keys and values may come to fill beside `weights` bytes where nobody says otherwise: half of what is free. The
/// other half is for everybody else on the machine.
pub(crate) fn default_kv_bytes(weights: u64) -> u64 {
    match available_bytes() {
        Some(free) => (free.saturating_sub(weights) / 2).clamp(limits::LEAST_KV_BYTES, limits::MOST_KV_BYTES),
        None => limits::UNKNOWN_KV_BYTES,
    }
}

/// A limit or a level of the control group (version 2) that a container runs in; `max` is no limit.
fn container_bytes(name: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_mostly_padding_is_refused() {
        let huge = u64::MAX / 4;
        assert!(check_padding(huge, huge / 2).is_ok());
        assert!(check_padding(100, 1).is_ok());
        let refused = check_padding(huge, huge / 8).err().map(|error| error.to_string());
        assert!(refused.is_none_or(|text| text.contains("small tensors")), "on Linux it is refused");
    }
}
