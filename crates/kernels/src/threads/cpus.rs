//! How many threads are worth starting.

use std::collections::HashSet;
use std::num::NonZeroUsize;

/// Physical cores that this process may use: the affinity mask counted once per core, and no more than the control
/// group's quota. At least 1.
///
/// Two hardware threads of one core share its multipliers and its path to memory, so the second one only adds waiting.
pub fn usable_cores() -> usize {
    // The standard library knows the affinity mask and the quota, but counts hardware threads.
    let granted = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    granted.min(physical_cores().unwrap_or(granted)).max(1)
}

/// Distinct cores in the affinity mask; `None` where the system does not say.
#[cfg(target_os = "linux")]
fn physical_cores() -> Option<usize> {
    let mask = rustix::thread::sched_getaffinity(None).ok()?;
    let siblings: Option<HashSet<String>> = (0..rustix::thread::CpuSet::MAX_CPU)
        .filter(|&cpu| mask.is_set(cpu))
        .map(|cpu| {
            let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
            std::fs::read_to_string(path).ok()
        })
        .collect();
    siblings.map(|cores| cores.len()).filter(|&cores| cores > 0)
}

#[cfg(not(target_os = "linux"))]
fn physical_cores() -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    #[test]
    fn at_least_one_core_and_no_more_than_granted() {
        let cores = super::usable_cores();
        assert!(cores >= 1 && cores <= std::thread::available_parallelism().unwrap().get(), "{cores}");
    }
}
