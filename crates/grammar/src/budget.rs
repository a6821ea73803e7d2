//! Work on a thread that can be left behind: compiling cannot be interrupted, so who waits for it leaves in time.
//!
//! A thread that nobody waits for any more keeps its place until it is done, so that there are never more of them than
//! [`limits::COMPILE_THREADS`].

use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::{Error, limits};

/// Places for threads.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<(Mutex<usize>, Condvar)>);

/// A place that is taken.
pub(crate) struct Place(Places);

impl Places {
    /// Waits for a place.
    ///
    /// # Errors
    /// None became free in time.
    pub(crate) fn take(&self, patience: Duration) -> Result<Place, Error> {
        let (taken, freed) = &*self.0;
        let taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |taken: &mut usize| *taken >= limits::COMPILE_THREADS;
        let (mut taken, _) = freed.wait_timeout_while(taken, patience, full).unwrap_or_else(PoisonError::into_inner);
        if *taken >= limits::COMPILE_THREADS {
            return Err(Error::Busy);
        }
        *taken += 1;
        Ok(Place(self.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let (taken, freed) = &*self.0.0;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken = taken.saturating_sub(1);
        freed.notify_one();
    }
}

/// Runs `work` on a thread of its own; `None` where it is not done at `deadline`.
///
/// # Errors
/// The system gives no thread.
pub(crate) fn run<T: Send + 'static>(
    place: Place,
    deadline: Instant,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Option<T>, Error> {
    let (done, result) = sync_channel(1);
    let run = move || {
        let outcome = work();
        drop(place);
        // Whoever asked may have left.
        let _ = done.send(outcome);
    };
    let thread = std::thread::Builder::new().name("grammar".into()).stack_size(limits::COMPILE_STACK_BYTES);
    thread.spawn(run).map_err(|error| Error::Thread { why: error.to_string() })?;
    match result.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(outcome) => Ok(Some(outcome)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => {
            Err(Error::Thread { why: "it ended by a panic: this is a defect, please report it".into() })
        }
    }
}
