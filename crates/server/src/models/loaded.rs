//! A model in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use engine::Engine;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::refusal::{Refusal, RefusalKind};
use crate::{ModelSource, limits};

/// A model in memory. Holding it keeps it there.
pub(crate) struct Loaded {
    /// What requests call it.
    pub(crate) name: String,
    /// Answers.
    pub(crate) engine: Engine,
    places: Arc<Semaphore>,
    keep_alive: Mutex<Option<Option<Duration>>>,
}

impl Loaded {
    pub(crate) fn new(source: &ModelSource, engine: Engine) -> Self {
        Self {
            name: source.name.clone(),
            engine,
            places: Arc::new(Semaphore::new(limits::GENERATIONS)),
            keep_alive: Mutex::new(None),
        }
    }

    /// A place among the answers under way and waiting, until it is dropped.
    ///
    /// # Errors
    /// All are taken.
    pub(crate) fn place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.places).try_acquire_owned().map_err(|_| {
            let message = format!("{} answers are under way or waiting already: try again later", limits::GENERATIONS);
            Refusal::new(RefusalKind::Overloaded, message).code("overloaded").retry_after(2)
        })
    }

    /// From now on this model stays for so long after its last use, whatever the server's options say; `None`: for good.
    pub(crate) fn stay(&self, keep_alive: Option<Duration>) {
        *self.keep_alive.lock().unwrap_or_else(PoisonError::into_inner) = Some(keep_alive);
    }

    /// What [`Loaded::stay`] said last.
    pub(crate) fn keep_alive(&self) -> Option<Option<Duration>> {
        *self.keep_alive.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
