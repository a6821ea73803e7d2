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
    embeddings: Arc<Semaphore>,
    embedding_threads: Arc<Semaphore>,
    keep_alive: Mutex<Option<Option<Duration>>>,
}

impl Loaded {
    pub(crate) fn new(source: &ModelSource, engine: Engine) -> Self {
        Self {
            name: source.name.clone(),
            engine,
            places: Arc::new(Semaphore::new(limits::GENERATIONS)),
            embeddings: Arc::new(Semaphore::new(limits::EMBEDDINGS)),
            embedding_threads: Arc::new(Semaphore::new(limits::EMBEDDING_THREADS)),
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

    /// A place among the requests for vectors, of which there are fewer: they must not keep answers from being given.
    ///
    /// # Errors
    /// All are taken.
    pub(crate) fn embedding_place(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        Arc::clone(&self.embeddings).try_acquire_owned().map_err(|_| {
            let most = limits::EMBEDDINGS;
            let message = format!("{most} requests for vectors are under way or waiting already: try again later");
            Refusal::new(RefusalKind::Overloaded, message).code("overloaded").retry_after(2)
        })
    }

    /// Waits until one of those may be computed.
    ///
    /// # Errors
    /// None: the places are there as long as the model is.
    pub(crate) async fn embedding_thread(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let place = Arc::clone(&self.embedding_threads).acquire_owned().await;
        place.map_err(|_| Refusal::new(RefusalKind::Internal, "the work on the request broke off"))
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
