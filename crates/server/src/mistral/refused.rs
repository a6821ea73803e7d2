//! Refusals in Mistral's form, which is flat: `{"object": "error", "message", "type", "param", "code"}`.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::refusal::{Refusal, RefusalKind};
use crate::stream::json_response;

/// The whole response.
pub(crate) fn refused(refusal: &Refusal, _request_id: &str) -> Response {
    let status = match refusal.kind {
        RefusalKind::UnknownField => StatusCode::UNPROCESSABLE_ENTITY,
        kind => kind.status(),
    };
    json_response(status, &error(refusal))
}

/// The object, which an event in the middle of a stream carries too.
pub(crate) fn error(refusal: &Refusal) -> Value {
    json!({
        "object": "error",
        "message": refusal.message,
        "type": error_type(refusal.kind),
        "param": refusal.param,
        "code": refusal.code,
    })
}

fn error_type(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Unauthorised => "authentication_error",
        RefusalKind::RateLimited => "rate_limit_error",
        kind if kind.status().is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}
