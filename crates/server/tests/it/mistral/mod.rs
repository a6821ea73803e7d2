//! Mistral's dialect: answers, streams, refusals, and the rule of the shared paths.

mod answers;
mod refused;
mod shared_paths;

use serde_json::Value;

use crate::testing::{Answer, Running};

/// Posts as Mistral's SDK does.
fn post(server: &Running, path: &str, body: &Value) -> Answer {
    let headers = [("content-type", "application/json"), ("user-agent", "mistral-client-python/3.7.0")];
    server.request("POST", path, &headers, body.to_string().as_bytes())
}

/// The data of all events but the last, which is `[DONE]`.
fn chunks(answer: &Answer) -> Vec<Value> {
    let mut events = answer.events();
    assert_eq!(events.pop().map(|(_, data)| data).as_deref(), Some("[DONE]"), "{}", answer.text());
    events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect()
}
