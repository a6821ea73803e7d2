//! What the machine has. Read from `/proc` and `/sys`; elsewhere the answers are `None`.

use std::fs;
use std::path::Path;

/// The processor's name.
pub(crate) fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// All memory, in bytes.
pub(crate) fn memory_bytes() -> Option<u64> {
    let total = kibibytes("/proc/meminfo", "MemTotal:")?;
    Some(container_bytes("memory.max").map_or(total, |max| max.min(total)))
}

/// Memory that can be had without swapping, in bytes.
pub(crate) fn available_bytes() -> Option<u64> {
    engine::available_bytes()
}

/// The most memory that this process has held so far, in bytes.
pub(crate) fn peak_rss_bytes() -> Option<u64> {
    kibibytes("/proc/self/status", "VmHWM:")
}

/// Lets [`peak_rss_bytes`] count anew from what is held now. Where the system does not know how (`proc(5)`, `clear_refs`),
/// the peak stays what it was.
pub(crate) fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// `1536` → `1.5 KiB`.
pub(crate) fn readable(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let power = (bytes.max(1).ilog2() / 10).min(4);
    match power {
        0 => format!("{bytes} bytes"),
        _ => format!("{:.1} {}", bytes as f64 / 1024f64.powi(power as i32), UNITS[power as usize]),
    }
}

/// The day of a time in seconds since 1970, in UTC: `2026-11-21`.
pub(crate) fn day(seconds: u64) -> String {
    // Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, eras are 400 years.
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn kibibytes(path: &str, label: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(label))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok()?.checked_mul(1024)
}

/// A limit or a level of the control group (version 2) that a container runs in; `max` is no limit.
fn container_bytes(name: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days() {
        let rows = [
            (0, "1970-01-01"),
            (951_868_799, "2000-02-29"),
            (1_784_635_200, "2026-07-21"),
            (4_107_542_399, "2100-02-28"),
        ];
        for (seconds, text) in rows {
            assert_eq!(day(seconds), text);
        }
    }

    #[test]
    fn sizes_for_people() {
        let rows = [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")];
        for (bytes, text) in rows {
            assert_eq!(readable(bytes), text);
        }
    }
}
