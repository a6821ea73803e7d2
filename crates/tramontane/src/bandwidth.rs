//! How fast memory can be read: the bound of decode, which reads every weight for every token.

use std::hint::black_box;
use std::thread;
use std::time::Instant;

use crate::machine;

/// Much more than a cache holds.
const BUFFER_BYTES: u64 = 512 << 20;
const PASSES: usize = 4;

/// Bytes a second that this many threads read together, the best of several passes; `None` where memory is too short
/// to tell.
pub(crate) fn read_bytes_per_second(threads: usize) -> Option<f64> {
    if machine::available_bytes()? < 2 * BUFFER_BYTES {
        return None;
    }
    // Written, not zeroed: untouched pages all lie on one.
    let buffer: Vec<u64> = (0..BUFFER_BYTES / 8).collect();
    let best = (0..PASSES).map(|_| pass(&buffer, threads.max(1))).fold(f64::INFINITY, f64::min);
    Some(BUFFER_BYTES as f64 / best)
}

/// Seconds that one reading of the buffer takes.
fn pass(buffer: &[u64], threads: usize) -> f64 {
    let start = Instant::now();
    thread::scope(|scope| {
        for part in buffer.chunks(buffer.len().div_ceil(threads)) {
            scope.spawn(move || black_box(part.iter().fold(0u64, |sum, &x| sum.wrapping_add(x))));
        }
    });
    start.elapsed().as_secs_f64()
}
