//! A pool whose regions cost about a microsecond.
//!
//! A *region* is one call of [`Pool::run`]: `slices` numbered calls of one closure, shared out between the workers and the
//! caller ([`super::shares`]), finished when all are done. Who takes which slice differs from run to run, so a slice must not
//! depend on it; nothing here lets it.
//!
//! How it works. One word of state holds the region's number, whether it is open, and how many workers are inside. The
//! caller writes the job, opens the region, takes slices itself until none is left, closes the region and waits until
//! nobody is inside. A worker enters by adding itself to the word while the region is open, and leaves when the slices
//! are used up. A worker that is asleep, or that the system has taken off its core, is never waited for unless it holds a
//! slice. Idle workers spin for a while, because decoding a token opens hundreds of regions, and then sleep.
//!
//! The job pointer is read only by workers that are inside, and the caller's frame, which the pointer points into, does
//! not return while anybody is. That is the whole argument for the `unsafe` below.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::shares::{Alone, Shares};

/// Persistent threads that run one region at a time.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held while a region runs: regions of several callers follow one another.
    region: Mutex<()>,
}

impl Pool {
    /// A pool of `threads` threads: the caller of [`Pool::run`] and `threads - 1` workers.
    ///
    /// # Errors
    /// The system refuses a thread, or there would be more than can be counted.
    pub fn new(threads: usize) -> io::Result<Self> {
        if threads > INSIDE as usize {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut pool = Self { shared: Arc::new(Shared::new(threads)), workers: Vec::new(), region: Mutex::new(()) };
        for number in 1..threads {
            let shared = Arc::clone(&pool.shared);
            let builder = std::thread::Builder::new().name(format!("compute-{number}"));
            pool.workers.push(builder.spawn(move || shared.serve(number))?);
        }
        Ok(pool)
    }

    /// Threads that work in a region, the caller among them.
    pub fn num_threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work(0) … work(slices - 1)`, each once, in any order, and returns when all are done.
    ///
    /// A single slice runs on the calling thread alone, at no cost.
    ///
    /// # Panics
    /// With the panic of a slice, once no slice is running any more; slices not yet begun are left out. And when called from
    /// within a slice: regions do not nest.
    pub fn run(&self, slices: usize, work: impl Fn(usize) + Sync) {
        self.run_runs(&[slices], |_, slice| work(slice));
    }

    /// As [`Pool::run`], of several runs of slices at once: calls `work(run, slice)` for all `runs[run]` slices of each run. A thread
    /// begins with the same part of every run, in every region: memory is near to the thread that worked on it first.
    pub(crate) fn run_runs(&self, runs: &[usize], work: impl Fn(usize, usize) + Sync) {
        let _mark = InsideSlice::enter();
        if runs.iter().sum::<usize>() <= 1 || self.workers.is_empty() {
            return runs.iter().enumerate().for_each(|(run, &slices)| (0..slices).for_each(|slice| work(run, slice)));
        }
        let _region = lock(&self.region);
        let region = self.shared.open(runs, &work);
        self.shared.take_slices(0, region, runs, &work);
        self.shared.close();
        if let Some(panic) = lock(&self.shared.panic).take() {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.state.0.fetch_or(STOP, Ordering::SeqCst);
        self.shared.wake_sleepers();
        for worker in self.workers.drain(..) {
            // A worker catches the panics of its slices; there is nothing to learn from its end.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("num_threads", &self.num_threads()).finish_non_exhaustive()
    }
}

type Work<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// What the threads of a pool share.
struct Shared {
    /// Region number (upper half), [`OPEN`], [`STOP`], and the number of workers inside (lowest bits).
    state: Alone<AtomicU64>,
    /// The slices that nobody has taken.
    shares: Shares,
    /// Written by the caller while the region is closed and empty, read by workers inside.
    job: UnsafeCell<Option<Job>>,
    /// Workers that sleep or are about to.
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
    /// The first panic of a slice.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

#[derive(Clone, Copy)]
struct Job {
    work: *const Work<'static>,
    runs: *const [usize],
}

// SAFETY: all fields but `job` are Sync by themselves. `job` is written only between regions and read only by workers
// inside one (see the module text); what it points to is `Sync`, so several threads may use it.
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointers in `job` are not tied to a thread.
unsafe impl Send for Shared {}

impl Shared {
    fn new(threads: usize) -> Self {
        Self {
            state: Alone(AtomicU64::new(0)),
            shares: Shares::new(threads),
            job: UnsafeCell::new(None),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            panic: Mutex::new(None),
        }
    }

    /// Publishes the job, lets workers in and returns the region's number. The caller holds the region lock, and must call
    /// [`Shared::close`] before `work` and `runs` end.
    fn open(&self, runs: &[usize], work: &Work<'_>) -> u32 {
        // SAFETY: only the lifetime changes. Workers use the pointer inside the region only, and `run` closes the region
        // before `work` goes out of scope: nothing between `open` and `close` can unwind.
        let work = unsafe { std::mem::transmute::<*const Work<'_>, *const Work<'static>>(work) };
        // SAFETY: the region is closed and empty, so no worker reads `job`; the region lock keeps other callers out.
        unsafe { *self.job.get() = Some(Job { work, runs }) };
        let region = number(self.state.0.load(Ordering::Relaxed)).wrapping_add(1);
        self.shares.fill(region, runs);
        // SeqCst with `sleepers`: either this thread sees the sleeper, or the sleeper sees the open region.
        self.state.0.store((u64::from(region) << 32) | OPEN, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.wake_sleepers();
        }
        region
    }

    /// Lets no more workers in, and waits until those inside have left.
    fn close(&self) {
        self.state.0.fetch_and(!OPEN, Ordering::Relaxed);
        let mut patience = Patience::new();
        while self.state.0.load(Ordering::Acquire) & INSIDE != 0 {
            patience.wait();
        }
    }

    /// Runs slices until none is left, those of share `home` first. Never unwinds: a panic is kept for the caller of the region.
    fn take_slices(&self, home: usize, region: u32, runs: &[usize], work: &Work<'_>) {
        let outcome = catch_unwind(AssertUnwindSafe(|| self.shares.take_all(home, region, runs, work)));
        if let Err(panic) = outcome {
            self.shares.empty(region);
            let mut first = lock(&self.panic);
            match *first {
                None => *first = Some(panic),
                // Dropping a payload can panic again, and nothing may unwind from here.
                Some(_) => std::mem::forget(panic),
            }
        }
    }

    /// The life of worker `worker`.
    fn serve(&self, worker: usize) {
        let _mark = InsideSlice::enter();
        let mut served = 0;
        while let Some(region) = self.next_region(served) {
            served = region;
            // SAFETY: this worker is inside the region, so the caller does not write `job`.
            if let Some(job) = unsafe { *self.job.get() } {
                // SAFETY: the caller keeps the closure and the list alive until this worker has left.
                let (work, runs) = unsafe { (&*job.work, &*job.runs) };
                self.take_slices(worker, region, runs, work);
            }
            self.state.0.fetch_sub(1, Ordering::Release);
        }
    }

    /// Enters the next open region after number `served`; `None` when the pool ends.
    fn next_region(&self, served: u32) -> Option<u32> {
        let mut patience = Patience::new();
        loop {
            let state = self.state.0.load(Ordering::Acquire);
            if state & STOP != 0 {
                return None;
            }
            if !awaits(state, served) {
                if !patience.wait() {
                    self.sleep_until_open(served);
                    patience = Patience::new();
                }
                continue;
            }
            let entered = self.state.0.compare_exchange_weak(state, state + 1, Ordering::AcqRel, Ordering::Relaxed);
            if entered.is_ok() {
                return Some(number(state));
            }
        }
    }

    fn sleep_until_open(&self, served: u32) {
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let mut guard = lock(&self.sleep);
        loop {
            let state = self.state.0.load(Ordering::SeqCst);
            if state & STOP != 0 || awaits(state, served) {
                break;
            }
            guard = self.wake.wait(guard).unwrap_or_else(PoisonError::into_inner);
        }
        drop(guard);
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    fn wake_sleepers(&self) {
        // Taken so that a worker between its last look and its sleep is not missed.
        drop(lock(&self.sleep));
        self.wake.notify_all();
    }
}

/// Whether `state` shows an open region that a worker which last served region `served` has not seen.
fn awaits(state: u64, served: u32) -> bool {
    state & OPEN != 0 && number(state) != served
}

/// The region's number in a word of state.
fn number(state: u64) -> u32 {
    (state >> 32) as u32
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Marks the thread as busy with slices for as long as it lives.
struct InsideSlice;

thread_local! {
    static INSIDE_SLICE: Cell<bool> = const { Cell::new(false) };
}

impl InsideSlice {
    fn enter() -> Self {
        assert!(!INSIDE_SLICE.replace(true), "a slice started a region: regions do not nest");
        Self
    }
}

impl Drop for InsideSlice {
    fn drop(&mut self) {
        INSIDE_SLICE.set(false);
    }
}

/// Waiting in three steps: spin, then let other threads run, then say that it is time to sleep.
struct Patience {
    rounds: u32,
}

impl Patience {
    fn new() -> Self {
        Self { rounds: 0 }
    }

    /// Waits a little; false once waiting this way has become a waste.
    fn wait(&mut self) -> bool {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds < SPINS {
            std::hint::spin_loop();
        } else {
            std::thread::yield_now();
        }
        self.rounds < SPINS + YIELDS
    }
}

/// Workers inside the region.
const INSIDE: u64 = (1 << 16) - 1;
/// Slices may be taken.
const OPEN: u64 = 1 << 16;
/// The pool is being dropped.
const STOP: u64 = 1 << 17;

/// Pauses before yielding: some 50 µs, longer than the sequential work between two regions of a step.
const SPINS: u32 = if cfg!(miri) { 20 } else { 2000 };
/// Yields before sleeping.
const YIELDS: u32 = if cfg!(miri) { 2 } else { 50 };
