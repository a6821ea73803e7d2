//! What this machine allows: how fast it reads memory, and how fast it multiplies.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use kernels::{Isa, Multiply, Pool, ReadProbe, ReadWay, multiply_f32, multiply_int8, usable_cores};
use serde::Serialize;

use crate::machine;

/// Much more than a cache holds.
const BUFFER_BYTES: u64 = 512 << 20;
/// Parts of it that are read in turn, so that none is still in a cache.
const PARTS: usize = 8;
/// A pass takes a millisecond or two: short enough that other programs leave some of them alone.
const PASSES: usize = 128;
/// The same where memory is read again.
const FEW_PASSES: usize = 32;
const ROUNDS: usize = 400_000;

/// The most that the threads reach together, the best of several passes each.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Ceilings {
    /// Bytes read from memory; `None` where it is too short to tell.
    pub(crate) read_bytes_per_second: Option<f64>,
    /// int8 products and their sums, each an operation, in registers.
    pub(crate) int8_per_second: f64,
    /// The same in f32.
    pub(crate) f32_per_second: f64,
}

impl Ceilings {
    /// Takes about a second and a half.
    ///
    /// # Errors
    /// The system refuses threads.
    pub(crate) fn measure(isa: Isa, threads: usize) -> anyhow::Result<Self> {
        let pool = Pool::new(threads)?;
        let rate = |multiply: Multiply| {
            // Cores share nothing here: what one reaches while it is left alone, all do.
            let fastest = Mutex::new(f64::INFINITY);
            let slice = || {
                let seconds = best(2 * PASSES, &|_| _ = black_box(multiply(isa, ROUNDS)));
                let mut fastest = fastest.lock().unwrap_or_else(PoisonError::into_inner);
                *fastest = fastest.min(seconds);
            };
            pool.run(threads, |_| slice());
            let fastest = fastest.into_inner().unwrap_or_else(PoisonError::into_inner);
            (multiply(isa, ROUNDS) * threads.min(usable_cores())) as f64 / fastest
        };
        Ok(Self {
            read_bytes_per_second: read(isa, &pool, PASSES),
            int8_per_second: rate(multiply_int8),
            f32_per_second: rate(multiply_f32),
        })
    }

    /// Reads memory again and keeps the better rate: on a shared machine it changes from minute to minute.
    ///
    /// # Errors
    /// As [`Ceilings::measure`].
    pub(crate) fn read_again(&mut self, isa: Isa, threads: usize) -> anyhow::Result<()> {
        let again = Self::read_now(isa, threads)?;
        self.read_bytes_per_second = self.read_bytes_per_second.into_iter().chain(again).reduce(f64::max);
        Ok(())
    }

    /// [`Ceilings::read_bytes_per_second`] at this moment. Takes less than half a second.
    ///
    /// # Errors
    /// As [`Ceilings::measure`].
    pub(crate) fn read_now(isa: Isa, threads: usize) -> anyhow::Result<Option<f64>> {
        Ok(read(isa, &Pool::new(threads)?, FEW_PASSES))
    }
}

/// In the way that is fastest here.
fn read(isa: Isa, pool: &Pool, passes: usize) -> Option<f64> {
    if machine::available_bytes()? < 2 * BUFFER_BYTES {
        return None;
    }
    let memory = ReadProbe::new(pool, usize::try_from(BUFFER_BYTES).ok()?).ok()?;
    let slices = 8 * pool.num_threads();
    let pass = |way| {
        best(passes, &|pass| {
            let first = pass % PARTS * slices;
            pool.run(slices, |slice| _ = black_box(memory.read(isa, (first + slice, PARTS * slices), way)));
        })
    };
    let seconds = ReadWay::ALL.map(pass).into_iter().fold(f64::INFINITY, f64::min);
    Some((memory.num_bytes() / PARTS) as f64 / seconds)
}

/// Seconds of the fastest pass.
fn best(passes: usize, work: &dyn Fn(usize)) -> f64 {
    let pass = |pass| {
        let start = Instant::now();
        work(pass);
        start.elapsed().as_secs_f64()
    };
    (0..passes).map(pass).fold(f64::INFINITY, f64::min)
}
