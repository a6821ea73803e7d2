//! What is refused, with which status, naming which field.

use serde_json::{Value, json};

use super::with;
use crate::testing::{chat_model, serve};

fn check(path: &'static str, base: &Value, rows: Vec<(&'static str, Value, u16, &'static str)>) {
    let server = serve(chat_model());
    testkit::check_table(rows.into_iter().map(|row| (row.0, row)), |(_, more, status, named)| {
        let answer = server.post(path, &with(base.clone(), more));
        let found = answer.json();
        let names_it = found["error"].as_str().is_some_and(|message| message.contains(named));
        if answer.status == status && names_it { Ok(()) } else { Err(format!("{} {found}", answer.status)) }
    });
    let fine = server.post(path, base);
    assert_eq!(fine.status, 200, "{}", fine.text());
}

#[test]
fn chat_names_the_field() {
    let base = json!({"model": "tiny", "stream": false, "messages": [{"role": "user", "content": "a"}],
        "options": {"num_predict": 2}});
    let option = |name: &str, value: Value| json!({"options": {name: value}});
    let message = |more: Value| json!({"messages": [with(json!({"role": "user", "content": "a"}), more)]});
    let rows = vec![
        ("unknown field", json!({"lost": 1}), 400, "lost"),
        ("unknown option", option("lost", json!(1)), 400, "options.lost"),
        ("mirostat", option("mirostat", json!(2)), 400, "options.mirostat"),
        ("tfs_z", option("tfs_z", json!(0.5)), 400, "options.tfs_z"),
        ("num_gpu", option("num_gpu", json!(99)), 400, "options.num_gpu"),
        ("num_thread", option("num_thread", json!(4)), 400, "options.num_thread"),
        ("num_batch", option("num_batch", json!(4)), 400, "options.num_batch"),
        ("use_mmap", option("use_mmap", json!(true)), 400, "options.use_mmap"),
        ("num_ctx", option("num_ctx", json!(1_000_000)), 400, "options.num_ctx"),
        ("num_predict", option("num_predict", json!(0)), 400, "options.num_predict"),
        ("temperature", option("temperature", json!(-1)), 400, "temperature"),
        ("temperature large", option("temperature", json!(1e38)), 400, "temperature"),
        ("top_k", option("top_k", json!(-1)), 400, "options.top_k"),
        ("min_p", option("min_p", json!(2)), 400, "min_p"),
        ("repeat_penalty", option("repeat_penalty", json!(0)), 400, "repetition_penalty"),
        ("stop empty", option("stop", json!([""])), 400, "stop"),
        ("stop many", option("stop", json!(vec!["x"; 100_000])), 400, "stop"),
        ("seed", option("seed", json!("5")), 400, "options.seed"),
        ("images", message(json!({"images": ["AAAA"]})), 400, "messages[0].images"),
        (
            "tool_calls of a user",
            message(json!({"tool_calls": [{"function": {"name": "f", "arguments": {}}}]})),
            400,
            "messages[0].tool_calls",
        ),
        ("role", json!({"messages": [{"role": "boss", "content": "a"}]}), 400, "messages[0].role"),
        (
            "result without call",
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "tool", "content": "1"}]}),
            400,
            "role",
        ),
        (
            "arguments",
            json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "",
            "tool_calls": [{"function": {"name": "f", "arguments": 5}}]}]}),
            400,
            "messages[1].tool_calls[0].function.arguments",
        ),
        ("format", json!({"format": "yaml"}), 400, "format"),
        ("schema of no sense", json!({"format": {"type": "some"}}), 400, "format"),
        ("think", json!({"think": "long"}), 400, "think"),
        ("think effort", json!({"think": "high"}), 400, "think"),
        ("keep_alive", json!({"keep_alive": "soon"}), 400, "keep_alive"),
        ("truncate", json!({"truncate": true}), 400, "truncate"),
        ("shift", json!({"shift": true}), 400, "shift"),
        ("top_logprobs", json!({"top_logprobs": 3}), 400, "top_logprobs"),
        ("too long a prompt", json!({"messages": [{"role": "user", "content": "the ".repeat(4000)}]}), 400, "context"),
        ("model", json!({"model": "other"}), 404, "other"),
    ];
    check("/api/chat", &base, rows);
}

/// Nothing is answered, and every field is what it must be all the same.
#[test]
fn requests_without_an_answer_name_the_field() {
    let option = |name: &str, value: Value| json!({"options": {name: value}});
    let rows = vec![
        ("format", json!({"format": 17}), 400, "format"),
        ("mirostat", option("mirostat", json!(2)), 400, "options.mirostat"),
        ("temperature", option("temperature", json!(-1)), 400, "temperature"),
        ("num_ctx", option("num_ctx", json!(1_000_000)), 400, "options.num_ctx"),
        ("think", json!({"think": "zzz"}), 400, "think"),
        ("top_logprobs", json!({"logprobs": true, "top_logprobs": 999}), 400, "top_logprobs"),
    ];
    check("/api/chat", &json!({"model": "tiny", "messages": []}), rows.clone());
    check("/api/generate", &json!({"model": "tiny"}), rows);
    let rows = vec![
        ("system", json!({"system": "x"}), 400, "system"),
        ("template", json!({"template": "x"}), 400, "template"),
        ("options", json!({"options": {"num_ctx": 5}}), 400, "options"),
    ];
    check("/api/show", &json!({"model": "tiny", "system": "", "options": {}}), rows);
}

#[test]
fn generate_and_embed_name_the_field() {
    let rows = vec![
        ("context", json!({"context": [1, 2]}), 400, "context"),
        ("template", json!({"template": "{{ .Prompt }}"}), 400, "template"),
        ("images", json!({"images": ["AAAA"]}), 400, "images"),
        ("raw with system", json!({"raw": true, "system": "x"}), 400, "system"),
        ("raw with suffix", json!({"raw": true, "suffix": "x"}), 400, "suffix"),
        ("picture", json!({"width": 5}), 400, "width"),
    ];
    let base = json!({"model": "tiny", "prompt": "a", "stream": false, "options": {"num_predict": 1}});
    check("/api/generate", &base, rows);
    let rows = vec![
        ("dimensions", json!({"dimensions": 3}), 400, "dimensions"),
        ("too long", json!({"input": "the ".repeat(4000)}), 400, "context"),
        ("nothing", json!({"input": []}), 400, "input"),
        ("num_ctx", json!({"options": {"num_ctx": 1_000_000}}), 400, "options.num_ctx"),
    ];
    check("/api/embed", &json!({"model": "tiny", "input": "a"}), rows);
}

#[test]
fn the_server_fetches_and_changes_nothing() {
    let server = serve(chat_model());
    let body = json!({"model": "http://127.0.0.1:1/x", "insecure": true}).to_string();
    let headers = [("content-type", "application/json")];
    for (method, path) in [
        ("POST", "/api/pull"),
        ("POST", "/api/push"),
        ("POST", "/api/create"),
        ("POST", "/api/copy"),
        ("DELETE", "/api/delete"),
    ] {
        let answer = server.request(method, path, &headers, body.as_bytes());
        assert_eq!(answer.status, 501, "{path}");
        assert!(answer.json()["error"].as_str().is_some_and(|message| message.contains("the server")), "{path}");
    }
}
