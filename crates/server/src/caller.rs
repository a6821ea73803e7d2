//! Who asks.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use engine::EmbedWatch;
use tokio::sync::OwnedSemaphorePermit;

use crate::keys::{Hash, StreamPlace, Usage};
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};
use crate::request_id::RequestId;

/// Who asks: put into each request by the gate. Handlers take it as an argument and give it to
/// [`Generation::start`](crate::generation::Generation::start), which charges it and keeps its cache apart.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Names the key in logs; `None` where the server has no keys.
    pub(crate) key: Option<String>,
    /// Fairness and prefix cache go by this number; 0 where the server has no keys.
    pub(crate) tenant: u64,
    /// What the key has used of its limits.
    pub(crate) usage: Option<Arc<Usage>>,
    /// The request, for the log.
    pub(crate) request: RequestId,
}

impl Caller {
    /// Nobody in particular.
    pub(crate) fn anybody(request: &RequestId) -> Self {
        Self { key: None, tenant: 0, usage: None, request: request.clone() }
    }

    pub(crate) fn with_key(self, name: &str, hash: &Hash, usage: Arc<Usage>) -> Self {
        let tenant = hash.first_chunk().map_or(1, |bytes| u64::from_le_bytes(*bytes));
        Self { key: Some(name.to_owned()), tenant, usage: Some(usage), ..self }
    }
}

/// Work that is no [`Generation`](crate::generation::Generation), embeddings: it has its place in the model and among the
/// answers of its key until it is dropped. Then it is charged for what was computed.
pub(crate) struct Turn {
    caller: Caller,
    /// Ends the work, and counts it.
    pub(crate) watch: EmbedWatch,
    _places: [OwnedSemaphorePermit; 2],
    _stream: Option<StreamPlace>,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.caller.charge(self.watch.tokens());
    }
}

impl Caller {
    /// Waits for its turn to begin work that is no answer.
    ///
    /// # Errors
    /// There is too much to do, or the limits of the key are used up.
    pub(crate) async fn turn(&self, model: &Loaded) -> Result<Turn, Refusal> {
        let (waiting, stream) = (model.embedding_place()?, self.stream()?);
        let _places = [waiting, model.embedding_thread().await?];
        Ok(Turn { caller: self.clone(), watch: EmbedWatch::default(), _places, _stream: stream })
    }

    /// A place among the answers of its key, where that has a limit.
    ///
    /// # Errors
    /// The limits of the key are used up.
    pub(crate) fn stream(&self) -> Result<Option<StreamPlace>, Refusal> {
        self.usage.as_ref().map(Usage::stream).transpose()
    }

    /// Counts tokens against the limits of the key.
    pub(crate) fn charge(&self, tokens: usize) {
        self.usage.iter().for_each(|usage| usage.charge(tokens));
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(|| Refusal::new(RefusalKind::Internal, "the request came past the gate"))
    }
}
