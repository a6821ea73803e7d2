//! Refusals in Anthropic's form: `{"type": "error", "error": {"type", "message"}, "request_id"}`.

use axum::response::Response;
use serde_json::{Value, json};

use crate::refusal::{Refusal, RefusalKind};
use crate::stream::json_response;

/// The whole response.
pub(crate) fn refused(refusal: &Refusal, request_id: &str) -> Response {
    json_response(refusal.kind.status(), &error(refusal, request_id))
}

/// The object, which an `error` event in the middle of a stream carries too.
pub(crate) fn error(refusal: &Refusal, request_id: &str) -> Value {
    // By these words clients know that they have to make a conversation shorter.
    let too_long = if refusal.kind == RefusalKind::ContextLength { "prompt is too long: " } else { "" };
    json!({
        "type": "error",
        "error": {"type": error_type(refusal.kind), "message": format!("{too_long}{}", refusal.message)},
        "request_id": request_id,
    })
}

fn error_type(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Unauthorised => "authentication_error",
        RefusalKind::Forbidden => "permission_error",
        RefusalKind::NoSuchPath | RefusalKind::NoSuchModel => "not_found_error",
        RefusalKind::TooLarge => "request_too_large",
        RefusalKind::RateLimited => "rate_limit_error",
        RefusalKind::Overloaded | RefusalKind::Unavailable | RefusalKind::Draining => "overloaded_error",
        kind if kind.status().is_server_error() => "api_error",
        _ => "invalid_request_error",
    }
}
