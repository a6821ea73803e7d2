//! OpenAI's dialect: exact shapes, the order of streams, and every refusal with the path of its field.

mod chat;
mod completions;
mod constrained;
mod embeddings;
mod hostile;
mod models;
mod refusals;
mod responses;
mod streams;

use engine::{TokenId, Tokenizer};
use serde_json::{Value, json};

use crate::testing::{Answer, Running, scripted_model, serve};

/// Control tokens of `vectors/tokenizer/tekken_v13.json`.
const TOOL_CALLS: u32 = 9;
const ARGS: u32 = 32;
const THINK: u32 = 34;
const END_THINK: u32 = 35;

fn tokenizer() -> Tokenizer {
    Tokenizer::open(testkit::vectors("tokenizer/tekken_v13.json")).unwrap()
}

/// The tokens of a text, for scripts: none may stand in it twice.
fn ids(text: &str) -> Vec<u32> {
    tokenizer().encode(text).into_iter().map(|TokenId(id)| id).collect()
}

/// A server whose model says this and ends.
fn saying(parts: &[&[u32]]) -> Running {
    let script = parts.concat();
    let distinct: std::collections::BTreeSet<_> = script.iter().collect();
    assert_eq!(distinct.len(), script.len(), "a token stands in the script twice: {script:?}");
    serve(scripted_model(&script))
}

/// A server whose model says a text and ends.
fn saying_text(text: &str) -> Running {
    saying(&[&ids(text)])
}

/// `{"messages": [one of the user], "temperature": 0}` and these fields.
fn chat(more: Value) -> Value {
    with(json!({"messages": [{"role": "user", "content": "Hi"}], "temperature": 0, "seed": 7}), more)
}

fn with(mut body: Value, more: Value) -> Value {
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

fn ask(server: &Running, more: Value) -> Value {
    let answer = server.post("/v1/chat/completions", &chat(more));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The data of a stream; the last is `[DONE]`, which is left out.
fn chunks(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").unwrap().starts_with("text/event-stream"));
    let mut events = answer.events();
    assert_eq!(events.pop(), Some((String::new(), "[DONE]".to_owned())));
    events.iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect()
}

/// With what differs from run to run replaced by its kind.
fn masked(mut value: Value) -> Value {
    for (key, kind) in [("id", "ID"), ("created", "TIME"), ("system_fingerprint", "PRINT")] {
        if value.get(key).is_some() {
            value[key] = kind.into();
        }
    }
    value
}
