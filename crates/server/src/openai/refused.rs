//! Refusals in OpenAI's form: `{"error": {"message", "type", "param", "code"}}`.

use axum::response::Response;
use serde_json::{Value, json};

use crate::refusal::{Refusal, RefusalKind};
use crate::stream::json_response;

/// The whole response.
pub(crate) fn refused(refusal: &Refusal, _request_id: &str) -> Response {
    json_response(refusal.kind.status(), &error(refusal))
}

/// The object, which an event in the middle of a stream carries too.
pub(crate) fn error(refusal: &Refusal) -> Value {
    json!({"error": {
        "message": refusal.message,
        "type": error_type(refusal.kind),
        "param": refusal.param,
        "code": refusal.code.or(code(refusal.kind)),
    }})
}

fn error_type(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Unauthorised => "authentication_error",
        RefusalKind::Forbidden => "permission_error",
        RefusalKind::RateLimited => "rate_limit_error",
        kind if kind.status().is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

fn code(kind: RefusalKind) -> Option<&'static str> {
    match kind {
        RefusalKind::Unauthorised => Some("invalid_api_key"),
        RefusalKind::NoSuchModel => Some("model_not_found"),
        RefusalKind::UnknownField => Some("unknown_parameter"),
        RefusalKind::RateLimited => Some("rate_limit_exceeded"),
        _ => None,
    }
}
