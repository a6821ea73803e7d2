//! Streams of chat answers: the order of chunks, and that together they are the whole answer.

use serde_json::{Value, json};

use super::{ARGS, END_THINK, THINK, TOOL_CALLS, ask, chat, chunks, ids, saying, saying_text, with};
use crate::testing::{Running, chat_model, serve};

fn stream(server: &Running, more: Value) -> Vec<Value> {
    let mut body = chat(more);
    body["stream"] = true.into();
    chunks(&server.post("/v1/chat/completions", &body))
}

#[test]
fn chunks_come_in_order() {
    let server = saying_text("The fox");
    let chunks = stream(&server, json!({"stream_options": {"include_usage": true}}));
    let deltas: Vec<&Value> = chunks[..chunks.len() - 1].iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    assert_eq!(*deltas[0], json!({"role": "assistant", "content": ""}));
    let text: String = deltas.iter().filter_map(|delta| delta["content"].as_str()).collect();
    assert_eq!(text, "The fox");
    let (usage, end) = (&chunks[chunks.len() - 1], &chunks[chunks.len() - 2]);
    assert_eq!(end["choices"], json!([{"index": 0, "delta": {}, "logprobs": null, "finish_reason": "stop"}]));
    assert_eq!((&end["seed"], &end["usage"]), (&json!(7), &Value::Null));
    assert!(end.as_object().unwrap().contains_key("usage"));
    assert_eq!(usage["choices"], json!([]));
    assert_eq!(usage["usage"]["completion_tokens"], 5);
    for chunk in &chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!((&chunk["id"], &chunk["created"]), (&chunks[0]["id"], &chunks[0]["created"]));
    }
    let without = stream(&server, json!({}));
    assert!(without.iter().all(|chunk| chunk.get("usage").is_none() && chunk["choices"] != json!([])));
}

#[test]
fn thoughts_come_before_the_text() {
    let server = saying(&[&[THINK], &ids("Well, then"), &[END_THINK], &ids("The fox")]);
    let chunks = stream(&server, json!({}));
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    let all = |field: &str| deltas.iter().filter_map(|delta| delta[field].as_str()).collect::<String>();
    assert_eq!((all("reasoning_content").as_str(), all("reasoning").as_str()), ("Well, then", "Well, then"));
    assert_eq!(all("content"), "The fox");
    let last_thought = deltas.iter().rposition(|delta| delta.get("reasoning").is_some());
    let first_text = deltas.iter().position(|delta| delta["content"].as_str().is_some_and(|text| !text.is_empty()));
    assert!(last_thought < first_text);
}

#[test]
fn a_call_is_its_name_and_then_its_arguments() {
    let server = saying(&[&[TOOL_CALLS], &ids("go_up"), &[ARGS], &ids(r#"{"x": 7}"#)]);
    let tools = json!([{"type": "function", "function": {"name": "go_up", "parameters": {"type": "object"}}}]);
    let chunks = stream(&server, json!({"tools": tools}));
    let calls: Vec<&Value> =
        chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0)).collect();
    let id = calls[0]["id"].clone();
    assert_eq!(
        *calls[0],
        json!({"index": 0, "id": id, "type": "function", "function": {"name": "go_up", "arguments": ""}})
    );
    assert_eq!(*calls[1], json!({"index": 0, "function": {"arguments": "{\"x\": 7}"}}));
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");
}

/// Text, log-probabilities and ends of every choice: the same whole and in pieces.
#[test]
fn pieces_together_are_the_whole() {
    let server = serve(chat_model());
    let more = json!({"n": 3, "temperature": 1, "max_tokens": 24, "logprobs": true, "top_logprobs": 1});
    let whole = ask(&server, more.clone());
    let pieces = stream(&server, more);
    for choice in whole["choices"].as_array().unwrap() {
        let own = || {
            pieces
                .iter()
                .flat_map(|chunk| chunk["choices"].as_array().unwrap())
                .filter(|c| c["index"] == choice["index"])
        };
        let text: String = own().filter_map(|piece| piece["delta"]["content"].as_str()).collect();
        assert_eq!(choice["message"]["content"], text.as_str());
        let tokens: Vec<&Value> = own().filter_map(|piece| piece["logprobs"]["content"].as_array()).flatten().collect();
        assert_eq!(tokens, choice["logprobs"]["content"].as_array().unwrap().iter().collect::<Vec<_>>());
        let ends: Vec<&Value> = own().map(|piece| &piece["finish_reason"]).filter(|end| !end.is_null()).collect();
        assert_eq!(ends, [&choice["finish_reason"]]);
        assert_eq!(own().next().unwrap()["delta"]["role"], "assistant");
    }
}

/// What came stays; then the error, and nothing more: no `[DONE]` that would call it whole.
#[test]
fn an_error_in_the_middle_ends_the_stream() {
    let server = saying(&[&ids("Well"), &[TOOL_CALLS], &ids("go_up"), &[ARGS], &ids("!")]);
    let whole = server.post("/v1/chat/completions", &chat(json!({})));
    let error = &whole.json()["error"];
    assert_eq!((whole.status, &error["code"]), (500, &json!("invalid_model_output")), "{error}");
    let streamed = server.post("/v1/chat/completions", &chat(json!({"stream": true})));
    assert_eq!(streamed.status, 200);
    let events: Vec<Value> = streamed.events().iter().map(|(_, data)| serde_json::from_str(data).unwrap()).collect();
    let text: String = events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, "Well");
    assert_eq!(events.last().unwrap()["error"]["code"], "invalid_model_output");
    let answer = server.post("/v1/responses", &json!({"input": "Hi", "temperature": 0, "stream": true}));
    let last: Value = serde_json::from_str(&answer.events().last().unwrap().1).unwrap();
    assert_eq!((&last["type"], &last["response"]["status"]), (&json!("response.failed"), &json!("failed")));
    assert_eq!(last["response"]["error"]["code"], "server_error");
}

#[test]
fn an_error_in_the_middle_has_each_dialects_form() {
    let server = saying(&[&ids("Well"), &[TOOL_CALLS], &ids("go_up"), &[ARGS], &ids("!")]);
    let request = |more: Value| {
        with(json!({"model": "tiny", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}), more)
    };
    let cold = json!({"options": {"temperature": 0}});
    let rows = [
        ("/v1/chat/completions", request(json!({"temperature": 0, "seed": 7})), "/error/code", "invalid_model_output"),
        ("/v1/chat/completions", request(json!({"temperature": 0, "random_seed": 7})), "/code", "invalid_model_output"),
        ("/v1/messages", request(json!({"temperature": 0, "max_tokens": 20})), "/error/type", "api_error"),
        ("/api/chat", request(cold), "/error", "the model's answer is broken"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(path, body, pointer, expected)| {
        let answer = server.post(path, &body).text();
        let last = answer.trim_end().lines().last().unwrap_or_default();
        let last: Value = serde_json::from_str(last.trim_start_matches("data: ")).map_err(|_| answer.clone())?;
        let found = last.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if answer.contains(r#""W""#) && found.starts_with(expected) { Ok(()) } else { Err(answer) }
    });
}
