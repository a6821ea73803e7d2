//! Work with an engine that takes its time (tokenising, rendering, compiling, embedding), on a thread that may block.

use std::sync::Arc;

use engine::Engine;

use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};

/// Runs `work` and waits for it; others are served meanwhile.
///
/// # Errors
/// What `work` says.
pub(crate) async fn run<T, W>(model: &Arc<Loaded>, work: W) -> Result<T, Refusal>
where
    T: Send + 'static,
    W: FnOnce(&Engine) -> Result<T, Refusal> + Send + 'static,
{
    let model = Arc::clone(model);
    let done = tokio::task::spawn_blocking(move || work(&model.engine)).await;
    done.unwrap_or_else(|_| Err(Refusal::new(RefusalKind::Internal, "the work on the request broke off")))
}
