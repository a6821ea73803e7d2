//! Refusals in Mistral's form, which is flat: `{"object": "error", "message", "type", "param", "code"}`.
//!
//! A field that is unknown or of the wrong type is a 422, whose `detail` says where, as Mistral's own server has it.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use crate::refusal::{Refusal, RefusalKind};
use crate::stream::json_response;

/// The whole response.
pub(crate) fn refused(refusal: &Refusal, _request_id: &str) -> Response {
    if refusal.kind != RefusalKind::UnknownField {
        return json_response(refusal.kind.status(), &error(refusal));
    }
    let mut body = error(refusal);
    if let Some(object) = body.as_object_mut() {
        object.insert("detail".to_owned(), json!([detail(refusal)]));
    }
    json_response(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// A body that is JSON but not of the form that is asked for.
pub(super) fn unprocessable(refusal: Refusal) -> Refusal {
    let of_a_field = refusal.param.is_some() || refusal.message.starts_with("the body is wrong");
    match refusal.kind {
        RefusalKind::Invalid if of_a_field => Refusal { kind: RefusalKind::UnknownField, ..refusal },
        _ => refusal,
    }
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

fn detail(refusal: &Refusal) -> Value {
    let path = refusal.param.as_deref().unwrap_or_default();
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    let steps = steps.map(|step| step.parse::<u64>().map_or_else(|_| json!(step), |index| json!(index)));
    let location: Vec<Value> = std::iter::once(json!("body")).chain(steps).collect();
    let is_unknown = refusal.message.contains("unknown field");
    let kind = if is_unknown { "extra_forbidden" } else { "value_error" };
    json!({"loc": location, "msg": refusal.message, "type": kind})
}

fn error_type(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::Unauthorised => "authentication_error",
        RefusalKind::RateLimited => "rate_limit_error",
        kind if kind.status().is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_location() {
        let refusal = Refusal::field("messages[12].content", "messages[12].content: unknown field `x`");
        let location = json!(["body", "messages", 12, "content"]);
        assert_eq!(detail(&refusal)["loc"], location);
        assert_eq!(detail(&refusal)["type"], "extra_forbidden");
    }
}
