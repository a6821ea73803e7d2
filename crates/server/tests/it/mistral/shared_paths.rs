//! Whose words a request on a shared path is in.

use serde_json::{Value, json};

use crate::testing::{chat_model, serve};

#[test]
fn fields_decide_before_headers_and_headers_before_the_default() {
    let server = serve(chat_model());
    let mistral = "mistral-client-python/3.7.0";
    let chat = |more: Value| {
        // A field that neither dialect has: the answer's form says who read it.
        let mut body = json!({"messages": [{"role": "user", "content": "a"}], "lost": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("/v1/chat/completions", body)
    };
    let vectors = |more: Value| {
        let mut body = json!({"input": "a", "lost": 1});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ("/v1/embeddings", body)
    };
    let rows = [
        ("nothing", chat(json!({})), "curl/8", "openai"),
        ("header", chat(json!({})), mistral, "mistral"),
        ("random_seed", chat(json!({"random_seed": 1})), "curl/8", "mistral"),
        ("null says it too", chat(json!({"random_seed": null})), "curl/8", "mistral"),
        ("safe_prompt", chat(json!({"safe_prompt": true})), "OpenAI/Python 2.0", "mistral"),
        ("prompt_mode", chat(json!({"prompt_mode": "reasoning"})), "curl/8", "mistral"),
        ("any", chat(json!({"tool_choice": "any"})), "curl/8", "mistral"),
        ("required is both's", chat(json!({"tool_choice": "required"})), "curl/8", "openai"),
        (
            "prefix",
            chat(json!({"messages": [{"role": "assistant", "content": "a", "prefix": true}]})),
            "curl/8",
            "mistral",
        ),
        (
            "thinking",
            chat(json!({"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": []}]}]})),
            "curl/8",
            "mistral",
        ),
        ("seed", chat(json!({"seed": 1})), mistral, "openai"),
        ("developer", chat(json!({"messages": [{"role": "developer", "content": "a"}]})), mistral, "openai"),
        ("stream_options", chat(json!({"stream_options": {}})), mistral, "openai"),
        ("stream_tool_calls", chat(json!({"stream_options": {"stream_tool_calls": true}})), "curl/8", "mistral"),
        ("both", chat(json!({"seed": 1, "random_seed": 1})), "curl/8", "mistral"),
        ("vectors", vectors(json!({})), "curl/8", "openai"),
        ("vectors, header", vectors(json!({})), mistral, "mistral"),
        ("output_dtype", vectors(json!({"output_dtype": "float"})), "curl/8", "mistral"),
        ("dimensions", vectors(json!({"dimensions": 3})), mistral, "openai"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, (path, body), agent, dialect)| {
        let headers = [("content-type", "application/json"), ("user-agent", agent)];
        let answer = server.request("POST", path, &headers, body.to_string().as_bytes()).json();
        let found = if answer["object"] == "error" { "mistral" } else { "openai" };
        if found == dialect { Ok(()) } else { Err(answer.to_string()) }
    });
    for (headers, key) in [
        (vec![("user-agent", mistral)], "/data/0/capabilities/completion_chat"),
        (vec![("anthropic-version", "2023-06-01")], "/data/0/display_name"),
        (vec![("user-agent", "curl/8")], "/data/0/owned_by"),
    ] {
        let list = server.request("GET", "/v1/models", &headers, b"").json();
        assert!(list.pointer(key).is_some(), "{key}: {list}");
    }
}
