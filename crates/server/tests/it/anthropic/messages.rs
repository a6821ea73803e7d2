//! What is answered, whole and streamed.

use serde_json::{Value, json};
use server::{KeyFile, KeyLimits, Options};

use super::{post, with};
use crate::testing::{Answer, chat_model, eventually, key_file, scripted_model, serve, serve_with, tiny};

const MESSAGES: &str = "/v1/messages";

fn ask(text: &str) -> Value {
    json!({"model": "tiny", "max_tokens": 12, "temperature": 0, "messages": [{"role": "user", "content": text}]})
}

/// Events by name, each with its own name as its type.
fn events(answer: &Answer) -> Vec<Value> {
    let event = |(name, data): (String, String)| {
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(data["type"], name.as_str());
        data
    };
    answer.events().into_iter().map(event).collect()
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

fn text(events: &[Value], field: &str) -> String {
    events.iter().filter_map(|event| event["delta"][field].as_str()).collect()
}

#[test]
fn a_message_has_anthropics_form_and_streams_to_the_same_text() {
    let server = serve(chat_model());
    let whole = post(&server, MESSAGES, &ask("the one"));
    let message = whole.json();
    assert_eq!(whole.status, 200, "{message}");
    assert_eq!((message["type"].as_str(), message["role"].as_str()), (Some("message"), Some("assistant")));
    assert!(message["id"].as_str().unwrap().starts_with("msg_"));
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(message["content"][0]["type"], "text");
    assert_eq!(message["usage"]["output_tokens"], 12);

    let events = events(&post(&server, MESSAGES, &with(ask("the one"), json!({"stream": true}))));
    let names = names(&events);
    assert_eq!(names[..3], ["message_start", "ping", "content_block_start"]);
    assert_eq!(names[names.len() - 3..], ["content_block_stop", "message_delta", "message_stop"]);
    assert_eq!(text(&events, "text"), message["content"][0]["text"].as_str().unwrap());
    assert_eq!(events[0]["message"]["content"], json!([]));
    let end = &events[events.len() - 2];
    assert_eq!(end["delta"], json!({"stop_reason": "max_tokens", "stop_sequence": null}));
    let prompt =
        |usage: &Value| usage["input_tokens"].as_u64().unwrap() + usage["cache_read_input_tokens"].as_u64().unwrap();
    assert_eq!(prompt(&end["usage"]), prompt(&message["usage"]));
    let counted = post(&server, "/v1/messages/count_tokens", &json!({"messages": ask("the one")["messages"]})).json();
    assert_eq!(counted["input_tokens"], prompt(&message["usage"]), "{counted}");
}

#[test]
fn a_stop_sequence_is_named() {
    // a b c
    let server = serve(scripted_model(&[197, 198, 199]));
    let body = with(ask("x"), json!({"stop_sequences": ["zz", "b"]}));
    let message = post(&server, MESSAGES, &body).json();
    assert_eq!(message["content"][0]["text"], "a", "{message}");
    assert_eq!(
        (message["stop_reason"].as_str(), message["stop_sequence"].as_str()),
        (Some("stop_sequence"), Some("b"))
    );
    let events = events(&post(&server, MESSAGES, &with(body, json!({"stream": true}))));
    assert_eq!(events[events.len() - 2]["delta"], json!({"stop_reason": "stop_sequence", "stop_sequence": "b"}));
    let natural = post(&server, MESSAGES, &ask("x")).json();
    assert_eq!(
        (natural["stop_reason"].as_str(), natural["content"][0]["text"].as_str()),
        (Some("end_turn"), Some("abc"))
    );
}

/// b `[TOOL_CALLS]` f `[ARGS]` `{}`.
const CALL: [u32; 6] = [198, 9, 202, 32, 223, 225];

#[test]
fn a_call_is_a_block_of_its_own() {
    let server = serve(scripted_model(&CALL));
    let tools = json!([{"name": "f", "description": "d", "input_schema": {"type": "object"}}]);
    let body = with(ask("call"), json!({"tools": tools}));
    let message = post(&server, MESSAGES, &body).json();
    assert_eq!(message["stop_reason"], "tool_use", "{message}");
    assert_eq!(message["content"][0], json!({"type": "text", "text": "b"}));
    let call = &message["content"][1];
    assert_eq!(
        (call["type"].as_str(), call["name"].as_str(), &call["input"]),
        (Some("tool_use"), Some("f"), &json!({}))
    );

    let events = events(&post(&server, MESSAGES, &with(body.clone(), json!({"stream": true}))));
    let blocks: Vec<_> = events.iter().filter(|event| event["type"] == "content_block_start").collect();
    assert_eq!((blocks.len(), blocks[1]["index"].as_u64()), (2, Some(1)));
    assert_eq!(blocks[1]["content_block"]["input"], json!({}));
    assert_eq!(text(&events, "partial_json"), "{}");

    // And back, with an id of Anthropic's own form.
    let mut again = body;
    let turns = json!([
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_01D7FLrfh4GYq7yT1ULFeyMV", "name": "f", "input": {}}]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "toolu_01D7FLrfh4GYq7yT1ULFeyMV", "content": "no", "is_error": true},
            {"type": "text", "text": "and now?"},
        ]},
    ]);
    again["messages"].as_array_mut().unwrap().extend(turns.as_array().unwrap().clone());
    let answer = post(&server, MESSAGES, &again);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// `[THINK]` a b c d `[/THINK]` e.
const THOUGHT: [u32; 7] = [34, 197, 198, 199, 200, 35, 201];

#[test]
fn a_thought_is_a_block_and_keeps_to_its_budget() {
    let server = serve(scripted_model(&THOUGHT));
    let thinking = |more: Value| with(ask("think"), json!({"thinking": more}));
    let free = post(&server, MESSAGES, &thinking(json!({"type": "adaptive"}))).json();
    let thought = json!({"type": "thinking", "thinking": "abcd", "signature": "unsigned"});
    assert_eq!(free["content"], json!([thought, {"type": "text", "text": "e"}]), "{free}");

    let omitted = post(&server, MESSAGES, &thinking(json!({"type": "adaptive", "display": "omitted"}))).json();
    assert_eq!(omitted["content"][0]["thinking"], "", "{omitted}");

    // `[THINK]` counts: the thought ends with its third token, and the answer follows the end of a thought.
    let bounded = json!({"type": "enabled", "budget_tokens": 3});
    let whole = post(&server, MESSAGES, &thinking(bounded.clone())).json();
    assert_eq!(whole["content"][0]["thinking"], "ab", "{whole}");
    assert_eq!(whole["content"][1]["text"], "e");
    assert_eq!(whole["stop_reason"], "end_turn");
    let prompt =
        |usage: &Value| usage["input_tokens"].as_u64().unwrap() + usage["cache_read_input_tokens"].as_u64().unwrap();
    assert_eq!(prompt(&whole["usage"]), prompt(&free["usage"]));
    let events = events(&post(&server, MESSAGES, &with(thinking(bounded), json!({"stream": true}))));
    assert_eq!((text(&events, "thinking").as_str(), text(&events, "text").as_str()), ("ab", "e"));
    assert_eq!(text(&events, "signature"), "unsigned");
    assert_eq!(names(&events).iter().filter(|name| **name == "message_start").count(), 1);
}

/// One place among the answers of its key is enough, and it is one answer in every book.
#[test]
fn a_budget_takes_one_place_and_is_counted_once() {
    let (path, _) = key_file("budget");
    let limits = KeyLimits { streams: Some(1), ..KeyLimits::default() };
    let secret = KeyFile::at(&path).add("one", limits).unwrap();
    let server = serve_with(Options { keys: Some(path), ..tiny(scripted_model(&THOUGHT)) });
    let headers = [("content-type", "application/json"), ("x-api-key", secret.as_str())];
    let more = json!({"stream": true, "thinking": {"type": "enabled", "budget_tokens": 3}});
    let body = with(ask("think"), more).to_string();
    let events = events(&server.request("POST", MESSAGES, &headers, body.as_bytes()));
    assert_eq!((text(&events, "thinking").as_str(), text(&events, "text").as_str()), ("ab", "e"), "{events:?}");
    let (begin, end) = (&events[0]["message"]["usage"], &events[events.len() - 2]["usage"]);
    assert_eq!(begin["input_tokens"], end["input_tokens"]);
    assert_eq!(end["output_tokens"], 5, "`[THINK]` a b, then e and the end");
    let metrics = || server.request("GET", "/metrics", &headers, b"").text();
    eventually("the answer is counted", || {
        metrics().contains("tramontane_answers_total{model=\"tiny\",end=\"stop\"} 1")
    });
    assert!(
        !metrics().contains("end=\"cancelled\"")
            && metrics().contains("tramontane_completion_tokens_total{model=\"tiny\"} 5")
    );
}

/// Claude Code reminds the model of its tools right behind a result; and what an answer had not is sent back, too.
#[test]
fn instructions_and_empty_answers_stand_anywhere() {
    let server = serve(chat_model());
    let user = json!({"role": "user", "content": "a"});
    let call =
        json!({"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]});
    let result =
        json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "b"}]});
    let system = json!({"role": "system", "content": "be brief"});
    let said = json!({"role": "assistant", "content": "the"});
    let empty = json!({"role": "assistant", "content": []});
    let spoken = json!({"role": "user", "content": "be brief"});
    let rows = [
        ("behind a result", json!([user, call, result, system]), json!([user, call, result, spoken])),
        ("behind an answer", json!([user, said, system, user]), json!([user, said, spoken, user])),
        ("an empty answer", json!([user, empty, user]), json!([user, user])),
        ("an empty beginning", json!([user, empty]), json!([user])),
    ];
    let count = |messages: &Value| {
        let answer = post(&server, "/v1/messages/count_tokens", &json!({"messages": messages})).json();
        answer["input_tokens"].as_u64().ok_or_else(|| answer.to_string())
    };
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, sent, read)| {
        let (found, expected) = (count(&sent)?, count(&read)?);
        if found == expected { Ok(()) } else { Err(format!("{found} tokens, {expected} were expected")) }
    });
}

#[test]
fn formats_and_forced_calls_are_held_to() {
    let server = serve(chat_model());
    let schema = json!({"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"],
        "additionalProperties": false});
    let format = json!({"max_tokens": 400, "output_config": {"format": {"type": "json_schema", "schema": schema}}});
    let message = post(&server, MESSAGES, &with(ask("json"), format)).json();
    let content = message["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{message}"));
    assert!(serde_json::from_str::<Value>(content).unwrap()["yes"].is_boolean());

    let tools = json!([{"name": "f", "input_schema": schema, "strict": true}, {"name": "g", "input_schema": schema, "strict": true}]);
    for choice in [json!({"type": "any", "disable_parallel_tool_use": true}), json!({"type": "tool", "name": "g"})] {
        let more = json!({"max_tokens": 400, "tools": tools, "tool_choice": choice});
        let message = post(&server, MESSAGES, &with(ask("call"), more)).json();
        let last =
            message["content"].as_array().and_then(|blocks| blocks.last()).unwrap_or_else(|| panic!("{message}"));
        assert_eq!(last["type"], "tool_use", "{message}");
        assert!(last["input"]["yes"].is_boolean(), "{message}");
        if choice["type"] == "tool" {
            assert_eq!(last["name"], "g");
        }
    }
}

#[test]
fn prompts_are_read_in_all_their_forms() {
    let server = serve(chat_model());
    let cached = json!({"type": "ephemeral", "ttl": "1h"});
    let body = json!({
        "max_tokens": 2,
        "system": [{"type": "text", "text": "be brief", "cache_control": cached}],
        "cache_control": {"type": "ephemeral"},
        "metadata": {"user_id": "u"},
        "service_tier": "auto",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "a", "cache_control": cached, "citations": []}]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": "EqQBCg=="},
                {"type": "text", "text": "the"},
            ]},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "of"},
        ],
    });
    let answer = post(&server, MESSAGES, &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}
