//! Refusals in Ollama's form: `{"error": "…"}`.

use axum::response::Response;
use serde_json::{Value, json};

use crate::refusal::Refusal;
use crate::stream::json_response;

/// The whole response.
pub(crate) fn refused(refusal: &Refusal, _request_id: &str) -> Response {
    json_response(refusal.kind.status(), &error(refusal))
}

/// The object, which a line in the middle of a stream carries too.
pub(crate) fn error(refusal: &Refusal) -> Value {
    json!({"error": refusal.message})
}
