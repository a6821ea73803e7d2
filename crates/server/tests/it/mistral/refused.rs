//! What is refused, with which status, naming which field.

use serde_json::{Value, json};

use super::post;
use crate::testing::{chat_model, serve};

fn check(path: &'static str, base: &Value, rows: Vec<(&'static str, Value, u16, Option<&'static str>)>) {
    let server = serve(chat_model());
    testkit::check_table(rows.into_iter().map(|row| (row.0, row)), |(_, more, status, param)| {
        let mut body = base.clone();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = post(&server, path, &body);
        let found = answer.json();
        let is_flat = found["object"] == "error" && found["message"].is_string() && found["type"].is_string();
        if answer.status != status || !is_flat || found["param"].as_str() != param {
            return Err(format!("{} {found}", answer.status));
        }
        let names_it = param.is_none_or(|param| found["message"].as_str().unwrap().contains(param));
        let has_detail = found["detail"][0]["loc"][0] == "body";
        if !names_it || (status == 422) != has_detail { Err(found.to_string()) } else { Ok(()) }
    });
    // The next request is answered.
    let fine = post(&server, path, base);
    assert_eq!(fine.status, 200, "{}", fine.text());
}

// LONG: a table.
#[test]
fn chat_names_the_field() {
    let base = json!({"messages": [{"role": "user", "content": "a"}], "max_tokens": 2, "temperature": 0});
    let user = |content: Value| json!({"messages": [{"role": "user", "content": content}]});
    let many = |count: usize| Value::from(vec!["x"; count]);
    let rows = vec![
        ("unknown field", json!({"lost": 1}), 422, Some("lost")),
        ("field of OpenAI's", json!({"random_seed": 1, "seed": 1}), 422, Some("seed")),
        ("wrong type", json!({"max_tokens": "5"}), 422, Some("max_tokens")),
        ("negative", json!({"max_tokens": -1}), 422, Some("max_tokens")),
        ("too large an integer", json!({"random_seed": 1e308}), 422, Some("random_seed")),
        ("zero tokens", json!({"max_tokens": 0}), 400, Some("max_tokens")),
        ("n 0", json!({"n": 0}), 400, Some("n")),
        ("n large", json!({"n": 1_000_000_000}), 400, Some("n")),
        ("n negative", json!({"n": -1}), 422, Some("n")),
        ("temperature", json!({"temperature": -1}), 400, None),
        ("temperature large", json!({"temperature": 1e38}), 400, None),
        ("top_p", json!({"top_p": 1.5}), 400, None),
        ("presence_penalty", json!({"presence_penalty": 3}), 400, None),
        ("top_logprobs without", json!({"top_logprobs": 3}), 400, Some("top_logprobs")),
        ("top_logprobs large", json!({"logprobs": true, "top_logprobs": 1_000_000_000}), 400, None),
        ("stop empty", json!({"stop": ""}), 400, None),
        ("stop many", json!({"stop": many(100_000)}), 400, None),
        ("stop long", json!({"stop": "x".repeat(1 << 20)}), 400, None),
        ("min_tokens", json!({"min_tokens": 3}), 400, Some("min_tokens")),
        ("prompt_logprobs", json!({"prompt_logprobs": true}), 400, Some("prompt_logprobs")),
        ("guardrails", json!({"guardrails": [{"block_on_error": true}]}), 400, Some("guardrails")),
        ("service_tier", json!({"service_tier": "flex"}), 400, Some("service_tier")),
        ("prompt_mode", json!({"prompt_mode": "fast"}), 400, Some("prompt_mode")),
        ("reasoning_effort unknown", json!({"reasoning_effort": "some"}), 400, Some("reasoning_effort")),
        ("reasoning_effort of v15", json!({"reasoning_effort": "high"}), 400, Some("reasoning_effort")),
        (
            "field of another chunk",
            user(json!([{"type": "text", "text": "a", "image_url": "x"}])),
            400,
            Some("messages[0].content[0].image_url"),
        ),
        ("no messages", json!({"messages": []}), 400, None),
        ("role", json!({"messages": [{"role": "boss", "content": "a"}]}), 400, Some("messages[0].role")),
        (
            "field of another role",
            json!({"messages": [{"role": "user", "content": "a", "prefix": true}]}),
            400,
            Some("messages[0].prefix"),
        ),
        (
            "image",
            user(json!([{"type": "image_url", "image_url": "http://127.0.0.1:1/x.png"}])),
            400,
            Some("messages[0].content[0].type"),
        ),
        (
            "image by data",
            user(json!([{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}])),
            400,
            Some("messages[0].content[0].type"),
        ),
        (
            "document",
            user(json!([{"type": "document_url", "document_url": "file:///etc/passwd"}])),
            400,
            Some("messages[0].content[0].type"),
        ),
        (
            "audio",
            user(json!([{"type": "input_audio", "input_audio": "AA"}])),
            400,
            Some("messages[0].content[0].type"),
        ),
        ("chunk", user(json!([{"type": "poem", "text": "a"}])), 400, Some("messages[0].content[0].type")),
        ("chunk field", user(json!([{"type": "text", "text": "a", "x": 1}])), 422, Some("messages[0].content[0].x")),
        (
            "result without call",
            json!({"messages": [{"role": "user", "content": "a"},
            {"role": "tool", "content": "1", "tool_call_id": "abcdefghi"}]}),
            400,
            None,
        ),
        (
            "assistant last",
            json!({"messages": [{"role": "user", "content": "a"},
            {"role": "assistant", "content": "b"}]}),
            400,
            None,
        ),
        ("tool type", json!({"tools": [{"type": "web_search"}]}), 400, Some("tools[0].type")),
        (
            "tool parameters",
            json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": 5}}]}),
            400,
            Some("tools[0].function.parameters"),
        ),
        ("choice without tools", json!({"tool_choice": "any"}), 400, Some("tool_choice")),
        ("choice unknown", json!({"random_seed": 1, "tool_choice": "some"}), 400, Some("tool_choice")),
        ("format", json!({"response_format": {"type": "yaml"}}), 400, Some("response_format.type")),
        ("format without schema", json!({"response_format": {"type": "json_schema"}}), 400, Some("response_format")),
        (
            "schema of no sense",
            json!({"response_format": {"type": "json_schema",
            "json_schema": {"name": "x", "schema": {"type": "something"}}}}),
            400,
            Some("response_format"),
        ),
        (
            "pattern",
            json!({"response_format": {"type": "json_schema",
            "json_schema": {"name": "x", "schema": {"type": "string", "pattern": "("}}}}),
            400,
            Some("response_format"),
        ),
        ("too long a prompt", user(json!("the ".repeat(4000))), 400, None),
        ("model", json!({"model": "other"}), 404, Some("model")),
    ];
    check("/v1/chat/completions", &base, rows);
}

#[test]
fn fim_and_embeddings_name_the_field() {
    let rows = vec![
        ("unknown field", json!({"n": 1}), 422, Some("n")),
        ("min_tokens", json!({"min_tokens": 1}), 400, Some("min_tokens")),
        ("prompt", json!({"prompt": 5}), 422, Some("prompt")),
    ];
    check("/v1/fim/completions", &json!({"prompt": "a", "suffix": "b", "max_tokens": 1}), rows);
    let rows = vec![
        ("unknown field", json!({"output_dtype": "float", "lost": 1}), 422, Some("lost")),
        ("dtype", json!({"output_dtype": "int8"}), 400, Some("output_dtype")),
        ("dimension", json!({"output_dimension": 3}), 400, Some("output_dimension")),
        ("format", json!({"encoding_format": "hex"}), 400, Some("encoding_format")),
        ("nothing", json!({"input": []}), 400, Some("input")),
        ("too many", json!({"input": vec!["a"; 3000]}), 400, Some("input")),
        ("too long", json!({"input": "the ".repeat(4000)}), 400, None),
    ];
    check("/v1/embeddings", &json!({"input": "a"}), rows);
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let server = serve(chat_model());
    let headers = [("content-type", "application/json"), ("user-agent", "mistral-client-python/3.7.0")];
    let deep = "[".repeat(100_000);
    let rows = [
        ("nothing", "", 400),
        ("broken", "{\"messages\":", 400),
        ("deep", deep.as_str(), 400),
        ("twice", r#"{"messages":[],"messages":[]}"#, 400),
        ("byte order mark", "\u{feff}{}", 400),
        ("lone surrogate", r#"{"messages":[{"role":"user","content":"\ud800"}]}"#, 400),
        ("huge number", r#"{"messages":[],"temperature":1e400}"#, 400),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, body, status)| {
        let answer = server.request("POST", "/v1/chat/completions", &headers, body.as_bytes());
        let flat = answer.json()["object"] == "error";
        if answer.status == status && flat { Ok(()) } else { Err(format!("{} {}", answer.status, answer.text())) }
    });
    let nul = json!({"messages": [{"role": "user", "content": "a\u{0}b"}], "max_tokens": 1});
    assert_eq!(post(&server, "/v1/chat/completions", &nul).status, 200);
}
