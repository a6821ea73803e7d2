//! `/v1/models`.

use std::collections::BTreeMap;

use serde_json::json;
use server::{ModelSource, Options};

use super::chat;
use crate::testing::{chat_model, serve_with};

#[test]
fn models_and_aliases_are_listed_found_and_asked() {
    let aliases = ["gpt-4o", "mistralai/Tiny"].map(|name| (name.to_owned(), "tiny".to_owned()));
    let aliases = BTreeMap::from(aliases);
    let models = vec![ModelSource::at("tiny", &chat_model())];
    let server = serve_with(Options { models, aliases, ..Options::loopback() });
    let list = server.get("/v1/models").json();
    assert_eq!(list["object"], "list");
    let created = list["data"][0]["created"].clone();
    let model = json!({"id": "tiny", "object": "model", "created": created, "owned_by": "tramontane"});
    let alias = json!({"id": "gpt-4o", "object": "model", "created": created, "owned_by": "tiny"});
    let named = json!({"id": "mistralai/Tiny", "object": "model", "created": created, "owned_by": "tiny"});
    assert_eq!(list["data"], json!([model, alias, named]));
    assert_eq!(server.get("/v1/models/mistralai/Tiny").json(), named);
    assert_eq!(server.get("/v1/models/mistralai%2FTiny").json(), named);
    assert_eq!(server.get("/v1/models/tiny").json(), model);
    assert_eq!(server.get("/v1/models/gpt-4o").json(), alias);
    let missing = server.get("/v1/models/gpt-5");
    assert_eq!((missing.status, &missing.json()["error"]["code"]), (404, &json!("model_not_found")));
    let answer = server.post("/v1/chat/completions", &chat(json!({"model": "gpt-4o", "max_tokens": 1}))).json();
    assert_eq!(answer["model"], "tiny");
}
