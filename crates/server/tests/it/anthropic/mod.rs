//! Anthropic's dialect: messages, their events, counting, refusals.

mod messages;
mod refused;

use serde_json::Value;

use crate::testing::{Answer, Running};

/// Posts as Anthropic's SDK does.
fn post(server: &Running, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("anthropic-version", "2023-06-01")];
    server.request("POST", path, &headers, body.to_string().as_bytes())
}

/// `{…}` with the fields of `more` set.
fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}
