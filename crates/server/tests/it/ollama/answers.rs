//! What is answered, in one object and in lines.

use serde_json::{Value, json};

use super::with;
use crate::testing::{chat_model, scripted_model, serve};

fn chat(text: &str) -> Value {
    let options = json!({"temperature": 0, "num_predict": 12, "num_ctx": 2048, "repeat_penalty": 1.0});
    json!({"model": "tiny", "stream": false, "messages": [{"role": "user", "content": text}], "options": options})
}

fn text(lines: &[Value], field: &str) -> String {
    lines.iter().filter_map(|line| line.pointer(field)?.as_str()).collect()
}

#[test]
fn a_chat_has_ollamas_form_and_streams_to_the_same_text() {
    let server = serve(chat_model());
    let answer = server.post("/api/chat", &chat("the one"));
    let whole = answer.json();
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{whole}");
    assert_eq!((whole["model"].as_str(), whole["done"].as_bool()), (Some("tiny"), Some(true)));
    assert_eq!((whole["message"]["role"].as_str(), whole["done_reason"].as_str()), (Some("assistant"), Some("length")));
    assert_eq!(whole["eval_count"], 12);
    for duration in ["total_duration", "prompt_eval_duration", "eval_duration"] {
        assert!(whole[duration].as_u64().is_some_and(|nanoseconds| nanoseconds > 0), "{duration}: {whole}");
    }

    let mut streaming = chat("the one");
    streaming.as_object_mut().unwrap().remove("stream");
    let streamed = server.post("/api/chat", &streaming);
    assert_eq!(streamed.header("content-type"), Some("application/x-ndjson"));
    let lines = streamed.lines();
    assert_eq!(text(&lines, "/message/content"), whole["message"]["content"].as_str().unwrap());
    let (last, rest) = lines.split_last().unwrap();
    assert!(rest.iter().all(|line| line["done"] == false && line.get("eval_count").is_none()));
    assert_eq!((last["done"].as_bool(), last["eval_count"].as_u64()), (Some(true), Some(12)));
    assert_eq!(last["prompt_eval_count"], whole["prompt_eval_count"]);
}

#[test]
fn a_prompt_goes_through_the_template_or_as_it_is_or_around_a_gap() {
    let server = serve(chat_model());
    let ask = |more: Value| {
        let options = json!({"temperature": 0, "num_predict": 5});
        let body = json!({"model": "tiny:latest", "prompt": "the", "stream": false, "options": options});
        let answer = server.post("/api/generate", &with(body, more));
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let templated = ask(json!({}));
    assert!(templated["response"].is_string() && templated.get("message").is_none(), "{templated}");
    let raw = ask(json!({"raw": true}));
    let tokens = |answer: &Value| answer["prompt_eval_count"].as_u64().unwrap();
    assert!(tokens(&raw) < tokens(&templated));
    assert!(tokens(&ask(json!({"system": "be brief"}))) > tokens(&templated));
    assert_eq!(
        tokens(&ask(json!({"system": "", "template": "", "format": "", "context": [], "images": []}))),
        tokens(&templated)
    );
    assert!(tokens(&ask(json!({"suffix": "of"}))) > tokens(&raw));
    let lines = server.post(
        "/api/generate",
        &json!({"model": "tiny", "prompt": "the", "raw": true,
        "options": {"temperature": 0, "num_predict": 5}}),
    );
    assert_eq!(text(&lines.lines(), "/response"), raw["response"].as_str().unwrap());
}

/// `[TOOL_CALLS]` f `[ARGS]` `{}`.
const CALL: [u32; 5] = [9, 202, 32, 223, 225];

#[test]
fn a_call_has_an_object_for_arguments_and_results_need_no_id() {
    let server = serve(scripted_model(&CALL));
    let tools =
        json!([{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}}]);
    let body = with(chat("call"), json!({"tools": tools}));
    let whole = server.post("/api/chat", &body).json();
    let call = &whole["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"index": 0, "name": "f", "arguments": {}}), "{whole}");
    let lines = server.post("/api/chat", &with(body.clone(), json!({"stream": true}))).lines();
    assert_eq!(lines.iter().filter(|line| line["message"].get("tool_calls").is_some()).count(), 1);

    for result in [json!({"tool_name": "f"}), json!({}), json!({"tool_call_id": call["id"]})] {
        let mut again = body.clone();
        let call = if result.get("tool_call_id").is_some() {
            call.clone()
        } else {
            json!({"function": {"name": "f", "arguments": {}}})
        };
        let turns = json!([
            {"role": "assistant", "content": "", "tool_calls": [call]},
            with(json!({"role": "tool", "content": "42"}), result.clone()),
        ]);
        again["messages"].as_array_mut().unwrap().extend(turns.as_array().unwrap().clone());
        let answer = server.post("/api/chat", &again);
        assert_eq!(answer.status, 200, "{result}: {}", answer.text());
    }
}

/// `[THINK]` a `[/THINK]` b.
const THOUGHT: [u32; 4] = [34, 197, 35, 198];

#[test]
fn a_thought_stands_beside_the_content() {
    let server = serve(scripted_model(&THOUGHT));
    let body = with(chat("think"), json!({"think": true}));
    let whole = server.post("/api/chat", &body).json();
    assert_eq!(
        (whole["message"]["thinking"].as_str(), whole["message"]["content"].as_str()),
        (Some("a"), Some("b")),
        "{whole}"
    );
    let lines = server.post("/api/chat", &with(body, json!({"stream": true}))).lines();
    assert_eq!((text(&lines, "/message/thinking"), text(&lines, "/message/content")), ("a".to_owned(), "b".to_owned()));
    let generated = server.post(
        "/api/generate",
        &json!({"model": "tiny", "prompt": "think", "stream": false, "think": true,
        "options": {"temperature": 0}}),
    );
    assert_eq!((generated.json()["thinking"].as_str(), generated.json()["response"].as_str()), (Some("a"), Some("b")));
}

#[test]
fn formats_seeds_stops_and_log_probabilities_are_honoured() {
    let server = serve(chat_model());
    let schema = json!({"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"],
        "additionalProperties": false});
    let long = json!({"temperature": 0, "num_predict": 400});
    let answer = server.post("/api/chat", &with(chat("json"), json!({"format": schema, "options": long}))).json();
    let content = answer["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(serde_json::from_str::<Value>(content).unwrap()["yes"].is_boolean());

    let hot = |seed: u64| {
        let options = json!({"temperature": 1.5, "num_predict": 12, "seed": seed});
        server.post("/api/chat", &with(chat("of"), json!({"options": options}))).json()["message"]["content"].clone()
    };
    assert_eq!(hot(1), hot(1));
    assert_ne!(hot(1), hot(2));

    let server = serve(scripted_model(&[197, 198, 199]));
    let options = json!({"temperature": 0, "stop": ["c"]});
    let more = json!({"options": options, "logprobs": true, "top_logprobs": 2});
    let answer = server.post("/api/chat", &with(chat("x"), more)).json();
    assert_eq!(
        (answer["message"]["content"].as_str(), answer["done_reason"].as_str()),
        (Some("ab"), Some("stop")),
        "{answer}"
    );
    assert_eq!(
        (answer["logprobs"][0]["token"].as_str(), answer["logprobs"][0]["top_logprobs"].as_array().map(Vec::len)),
        (Some("a"), Some(2))
    );
}

#[test]
fn texts_become_vectors() {
    let server = serve(chat_model());
    let many = server.post("/api/embed", &json!({"model": "tiny", "input": ["the", "of"]})).json();
    assert_eq!(many["embeddings"].as_array().map(Vec::len), Some(2), "{many}");
    let one = server.post("/api/embed", &json!({"model": "tiny", "input": "of"})).json();
    assert_eq!(one["embeddings"][0], many["embeddings"][1]);
    let older = server.post("/api/embeddings", &json!({"model": "tiny", "prompt": "of"})).json();
    assert_eq!(older["embedding"], many["embeddings"][1]);
    let cut = server.post("/api/embed", &json!({"model": "tiny", "input": "the ".repeat(4000), "truncate": true}));
    assert_eq!(cut.status, 200, "{}", cut.text());
}
