//! What all requests share.

use std::sync::Arc;

use crate::drain::Drain;
use crate::http::Places;
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::models::{Loaded, Models};
use crate::options::Options;
use crate::refusal::Refusal;

/// What all requests share: axum's state is `Arc<App>`.
pub(crate) struct App {
    /// Which models there are, and which are in memory.
    pub(crate) models: Models,
    /// Who may use it.
    pub(crate) keys: Keys,
    /// Connections.
    pub(crate) places: Places,
    /// What it has done.
    pub(crate) metrics: Arc<Metrics>,
    /// Whether the server is going down.
    pub(crate) drain: Drain,
    /// How it was asked to run.
    pub(crate) options: Options,
}

impl App {
    /// The model that a request means, loaded where it is not; `None` is the default model. Holding it keeps it in memory.
    ///
    /// # Errors
    /// There is no such model, or it cannot be loaded now.
    pub(crate) async fn model(&self, name: Option<&str>) -> Result<Arc<Loaded>, Refusal> {
        self.models.load(name, &self.drain).await
    }
}
