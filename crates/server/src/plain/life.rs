//! Whether the server lives, and whether it takes requests.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::app::App;
use crate::stream::json_response;

/// The server lives.
#[utoipa::path(get, path = "/health", tag = "Server", responses((status = 200, description = "The server lives")))]
pub(super) async fn health() -> Response {
    json_response(StatusCode::OK, &json!({"status": "ok"}))
}

/// The server takes requests, and its first model is not just being loaded.
#[utoipa::path(get, path = "/ready", tag = "Server", responses(
    (status = 200, description = "Requests are taken"),
    (status = 503, description = "The first model is being loaded or cannot be, or the server is going down"),
))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    let ready = app.drain.check().map_err(|_| "draining").and_then(|()| app.models.ready());
    match ready {
        Ok(()) => json_response(StatusCode::OK, &json!({"status": "ready"})),
        Err(why) => json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": why})),
    }
}
