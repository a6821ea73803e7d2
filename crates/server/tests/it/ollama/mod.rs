//! Ollama's dialect: chat, generate, embed, the lists of models, refusals.

mod answers;
mod models;
mod refused;

use serde_json::Value;

/// `{…}` with the fields of `more` set.
fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}
