//! `GET /metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::app::App;

/// Counts and durations for Prometheus, in the text form of OpenMetrics.
#[utoipa::path(get, path = "/metrics", tag = "Server", responses(
    (status = 200, description = "Metrics", body = String, content_type = "application/openmetrics-text"),
))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    const FORM: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(CONTENT_TYPE, FORM)], app.metrics.text()).into_response()
}
