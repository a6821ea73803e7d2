//! Whether the server lives, and whether it takes requests.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use crate::app::App;
use crate::stream::json_response;

/// The server lives.
#[utoipa::path(get, path = "/health", responses((status = 200, description = "The server lives")))]
pub(super) async fn health() -> Response {
    json_response(StatusCode::OK, &json!({"status": "ok"}))
}

/// The server takes requests.
#[utoipa::path(get, path = "/ready", responses(
    (status = 200, description = "Requests are taken"),
    (status = 503, description = "The server is going down"),
))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.drain.check() {
        Ok(()) => json_response(StatusCode::OK, &json!({"status": "ready"})),
        Err(_) => json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({"status": "draining"})),
    }
}
