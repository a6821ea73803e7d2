//! What of a request is about memory rather than an answer: loading, unloading, cutting.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use axum::response::Response;

use super::answer::{Head, Path};
use super::keep_alive::Stay;
use crate::app::App;
use crate::refusal::Refusal;
use crate::stream::json_response;

/// A request without a prompt: the model is loaded, or, with `keep_alive` 0, unloaded.
pub(super) async fn load_or_unload(
    app: &Arc<App>,
    name: &str,
    stay: Option<Stay>,
    path: Path,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let entry = Arc::clone(app.models.find(Some(name))?);
    let reason = if Stay::is_over(stay) { "unload" } else { "load" };
    let model = if reason == "load" { Some(app.model(Some(name)).await?) } else { entry.loaded() };
    if let Some(model) = model {
        Stay::apply(stay, &model);
    }
    let head = Head { path, model: entry.name.clone(), started, load: started.elapsed() };
    Ok(json_response(StatusCode::OK, &head.without_answer(reason)))
}

/// # Errors
/// A prompt that does not fit is to be cut. That is never done unseen.
pub(super) fn refuse_cutting(truncate: Option<bool>, shift: Option<bool>) -> Result<(), Refusal> {
    for (field, asked) in [("truncate", truncate), ("shift", shift)] {
        if asked == Some(true) {
            let message =
                format!("{field}: a conversation is never cut, one that does not fit is an error: leave it out");
            return Err(Refusal::field(field, message));
        }
    }
    Ok(())
}
