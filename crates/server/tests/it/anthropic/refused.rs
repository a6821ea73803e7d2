//! What is refused, with which status and type, naming which field.

use serde_json::{Value, json};

use super::{post, with};
use crate::testing::{chat_model, serve};

// LONG: a table.
#[test]
fn messages_name_the_field() {
    let server = serve(chat_model());
    let base = json!({"max_tokens": 2, "messages": [{"role": "user", "content": "a"}]});
    let block = |block: Value| json!({"messages": [{"role": "user", "content": [block]}]});
    let tool = |more: Value| json!({"tools": [with(json!({"name": "f", "input_schema": {}}), more)]});
    let invalid = "invalid_request_error";
    let rows = vec![
        ("unknown field", json!({"lost": 1}), 400, invalid, "lost"),
        (
            "unknown field of a block",
            block(json!({"type": "text", "text": "a", "x": 1})),
            400,
            invalid,
            "messages[0].content[0].x",
        ),
        ("no max_tokens", json!({"max_tokens": null}), 400, invalid, "max_tokens"),
        ("zero", json!({"max_tokens": 0}), 400, invalid, "max_tokens"),
        ("negative", json!({"max_tokens": -1}), 400, invalid, "max_tokens"),
        ("text for a number", json!({"max_tokens": "5"}), 400, invalid, "max_tokens"),
        ("huge number", json!({"max_tokens": 1e308}), 400, invalid, "max_tokens"),
        ("temperature", json!({"temperature": -1}), 400, invalid, "temperature"),
        ("top_p", json!({"top_p": 2}), 400, invalid, "top_p"),
        ("top_k", json!({"top_k": -1}), 400, invalid, "top_k"),
        ("stop empty", json!({"stop_sequences": [""]}), 400, invalid, "stop"),
        ("stop many", json!({"stop_sequences": vec!["x"; 100_000]}), 400, invalid, "stop"),
        ("no messages", json!({"messages": []}), 400, invalid, "message"),
        ("no content", json!({"messages": [{"role": "user", "content": []}]}), 400, invalid, "messages[0].content"),
        ("role", json!({"messages": [{"role": "tool", "content": "a"}]}), 400, invalid, "messages[0].role"),
        (
            "image by URL",
            block(json!({"type": "image", "source": {"type": "url", "url": "http://127.0.0.1:1/"}})),
            400,
            invalid,
            "messages[0].content[0].type",
        ),
        (
            "image by data",
            block(json!({"type": "image", "source": {"type": "base64", "data": "AA"}})),
            400,
            invalid,
            "messages[0].content[0].type",
        ),
        (
            "document",
            block(json!({"type": "document", "source": {"type": "url", "url": "file:///etc/passwd"}})),
            400,
            invalid,
            "messages[0].content[0].type",
        ),
        (
            "citations",
            block(json!({"type": "text", "text": "a", "citations": [{"type": "x"}]})),
            400,
            invalid,
            "messages[0].content[0].citations",
        ),
        (
            "result without call",
            block(json!({"type": "tool_result", "tool_use_id": "x", "content": "1"})),
            400,
            invalid,
            "user message",
        ),
        (
            "call without input",
            json!({"messages": [{"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]}]}),
            400,
            invalid,
            "input",
        ),
        (
            "source of a text",
            block(json!({"type": "text", "text": "a", "source": {}})),
            400,
            invalid,
            "content[0].source",
        ),
        (
            "error of a text",
            block(json!({"type": "text", "text": "a", "is_error": true})),
            400,
            invalid,
            "[0].is_error",
        ),
        (
            "call of a text",
            block(json!({"type": "text", "text": "a", "tool_use_id": "b"})),
            400,
            invalid,
            "[0].tool_use_id",
        ),
        ("data of a text", block(json!({"type": "text", "text": "a", "data": "b"})), 400, invalid, "[0].data"),
        (
            "system with a source",
            json!({"system": [{"type": "text", "text": "a", "source": {}}]}),
            400,
            invalid,
            "system[0].source",
        ),
        (
            "mark of no cache",
            block(json!({"type": "text", "text": "a", "cache_control": {"type": "bogus"}})),
            400,
            invalid,
            "messages[0].content[0].cache_control.type",
        ),
        ("mark of no cache at all", json!({"cache_control": {"type": "bogus"}}), 400, invalid, "cache_control.type"),
        ("server tool", tool(json!({"type": "web_search_20250305"})), 400, invalid, "tools[0].type"),
        ("schema", tool(json!({"input_schema": 5})), 400, invalid, "tools[0].input_schema"),
        ("eager", tool(json!({"eager_input_streaming": true})), 400, invalid, "tools[0].eager_input_streaming"),
        ("examples", tool(json!({"input_examples": [{}]})), 400, invalid, "tools[0].input_examples"),
        ("choice", json!({"tool_choice": {"type": "some"}}), 400, invalid, "tool_choice.type"),
        ("choice of nothing", json!({"tool_choice": {"type": "any"}}), 400, invalid, "tool_choice"),
        ("thinking", json!({"thinking": {"type": "deep"}}), 400, invalid, "thinking.type"),
        (
            "budget",
            json!({"thinking": {"type": "enabled", "budget_tokens": 5}}),
            400,
            invalid,
            "thinking.budget_tokens",
        ),
        ("no budget", json!({"thinking": {"type": "enabled"}}), 400, invalid, "thinking.budget_tokens"),
        (
            "summaries",
            json!({"thinking": {"type": "adaptive", "display": "summarized"}}),
            400,
            invalid,
            "thinking.display",
        ),
        (
            "effort that cannot be told",
            json!({"output_config": {"effort": "low"}}),
            400,
            invalid,
            "output_config.effort",
        ),
        (
            "context cleared",
            json!({"context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]}}),
            400,
            invalid,
            "context_management.edits[0]",
        ),
        (
            "thoughts cleared",
            json!({"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": {"type": "thinking_turns", "value": 1}}]}}),
            400,
            invalid,
            "context_management.edits[0]",
        ),
        ("effort", json!({"output_config": {"effort": "some"}}), 400, invalid, "output_config.effort"),
        (
            "format",
            json!({"output_config": {"format": {"type": "yaml", "schema": {}}}}),
            400,
            invalid,
            "output_config.format.type",
        ),
        (
            "schema of no sense",
            json!({"output_config": {"format": {"type": "json_schema", "schema": {"type": "some"}}}}),
            400,
            invalid,
            "output_config.format",
        ),
        ("container", json!({"container": "c"}), 400, invalid, "container"),
        ("mcp_servers", json!({"mcp_servers": [{"url": "http://127.0.0.1:1/"}]}), 400, invalid, "mcp_servers"),
        ("speed", json!({"speed": "fast"}), 400, invalid, "speed"),
        (
            "too long a prompt",
            json!({"messages": [{"role": "user", "content": "the ".repeat(4000)}]}),
            400,
            invalid,
            "prompt is too long: the prompt is 4004 tokens long and the context holds 2048, prompt and answer together: shorten it",
        ),
        ("model", json!({"model": "other"}), 404, "not_found_error", "other"),
    ];
    testkit::check_table(rows.into_iter().map(|row| (row.0, row)), |(_, more, status, kind, named)| {
        let answer = post(&server, "/v1/messages", &with(base.clone(), more));
        let found = answer.json();
        let is_error = found["type"] == "error" && found["error"]["type"] == kind && found["request_id"].is_string();
        let names_it = found["error"]["message"].as_str().is_some_and(|message| message.contains(named));
        if answer.status == status && is_error && names_it { Ok(()) } else { Err(format!("{} {found}", answer.status)) }
    });
    assert_eq!(post(&server, "/v1/messages", &base).status, 200);
}

#[test]
fn headers_and_counting_are_checked_too() {
    let server = serve(chat_model());
    let body = json!({"max_tokens": 2, "messages": [{"role": "user", "content": "a"}]}).to_string();
    let rows = [
        ("no version", vec![], 200),
        ("young version", vec![("anthropic-version", "2026-10-21")], 200),
        ("unknown version", vec![("anthropic-version", "1999-01-01")], 400),
        ("a beta that is done", vec![("anthropic-beta", "prompt-caching-2024-07-31")], 200),
        ("a beta that is not", vec![("anthropic-beta", "computer-use-2025-01-24")], 400),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, mut headers, status)| {
        headers.push(("content-type", "application/json"));
        let answer = server.request("POST", "/v1/messages", &headers, body.as_bytes());
        if answer.status == status { Ok(()) } else { Err(format!("{} {}", answer.status, answer.text())) }
    });
    let count = |more: Value| {
        let body = with(json!({"messages": [{"role": "user", "content": "a"}]}), more);
        post(&server, "/v1/messages/count_tokens", &body)
    };
    assert_eq!(count(json!({})).status, 200);
    assert!(
        count(json!({"system": "be brief"})).json()["input_tokens"].as_u64()
            > count(json!({})).json()["input_tokens"].as_u64()
    );
    for field in ["stream", "temperature"] {
        let value = if field == "stream" { json!(true) } else { json!(1) };
        let refused = count(json!({field: value}));
        assert_eq!(refused.status, 400, "{}", refused.text());
    }
}
