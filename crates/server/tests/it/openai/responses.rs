//! `/v1/responses`.

use serde_json::{Value, json};

use super::{ARGS, END_THINK, THINK, TOOL_CALLS, ids, saying, saying_text, with};
use crate::testing::Running;

fn respond(server: &Running, more: Value) -> Value {
    let answer = server.post("/v1/responses", &with(json!({"input": "Hi", "temperature": 0, "seed": 7}), more));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

fn events(server: &Running, more: Value) -> Vec<Value> {
    let body = with(json!({"input": "Hi", "temperature": 0, "seed": 7, "stream": true}), more);
    let answer = server.post("/v1/responses", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let event = |(name, data): (String, String)| {
        let event: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(event["type"], name.as_str());
        event
    };
    let events: Vec<Value> = answer.events().into_iter().map(event).collect();
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (0..events.len() as u64).collect::<Vec<_>>());
    events
}

/// The types of the events, deltas of one kind as one.
fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    kinds.dedup();
    kinds
}

fn thinking() -> Running {
    saying(&[&[THINK], &ids("Well, then"), &[END_THINK], &ids("The fox")])
}

#[test]
fn a_response_has_its_items() {
    let response = respond(&thinking(), json!({"instructions": "Be brief.", "metadata": {"a": "b"}}));
    assert!(response["id"].as_str().unwrap().starts_with("resp_"));
    let (thought, message) = (&response["output"][0], &response["output"][1]);
    assert_eq!(thought["type"], "reasoning");
    assert_eq!(thought["content"], json!([{"type": "reasoning_text", "text": "Well, then"}]));
    assert_eq!((&thought["summary"], thought.get("encrypted_content")), (&json!([]), None));
    assert_eq!(
        (&message["type"], &message["role"], &message["status"]),
        (&json!("message"), &json!("assistant"), &json!("completed"))
    );
    let part = json!({"type": "output_text", "text": "The fox", "annotations": [], "logprobs": []});
    assert_eq!(message["content"], json!([part]));
    for (field, value) in [
        ("object", json!("response")),
        ("status", json!("completed")),
        ("store", json!(false)),
        ("previous_response_id", Value::Null),
        ("instructions", json!("Be brief.")),
        ("metadata", json!({"a": "b"})),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("text", json!({"format": {"type": "text"}, "verbosity": "medium"})),
        ("error", Value::Null),
        ("seed", json!(7)),
    ] {
        assert_eq!(response[field], value, "{field}");
    }
    assert_eq!(response["usage"]["output_tokens_details"]["reasoning_tokens"], 7);
    assert_eq!(response["usage"]["output_tokens"], 13);
}

#[test]
fn events_come_in_order() {
    let events = events(&thinking(), json!({}));
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds(&events), expected);
    let of = |kind: &str| events.iter().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let text: String = of("response.output_text.delta").iter().map(|event| event["delta"].as_str().unwrap()).collect();
    assert_eq!(text, "The fox");
    assert_eq!(of("response.output_text.done")[0]["text"], "The fox");
    assert!(
        of("response.output_text.delta")
            .iter()
            .all(|event| event["output_index"] == 1 && event["logprobs"] == json!([]))
    );
    assert_eq!(of("response.created")[0]["response"]["output"], json!([]));
    let response = &of("response.completed")[0]["response"];
    let items: Vec<&Value> = of("response.output_item.done").iter().map(|event| &event["item"]).collect();
    assert_eq!(response["output"].as_array().unwrap().iter().collect::<Vec<_>>(), items);
}

#[test]
fn a_call_is_an_item_of_its_own() {
    let server = saying(&[&[TOOL_CALLS], &ids("go_up"), &[ARGS], &ids(r#"{"x": 7}"#)]);
    let tools = json!([{"type": "function", "name": "go_up", "parameters": {"type": "object"}, "strict": null}]);
    let events = events(&server, json!({"tools": tools}));
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(kinds(&events), expected);
    let item = &events[events.len() - 1]["response"]["output"][0];
    assert_eq!((&item["type"], &item["name"]), (&json!("function_call"), &json!("go_up")));
    assert_eq!((&item["arguments"], &item["status"]), (&json!("{\"x\": 7}"), &json!("completed")));
    assert_eq!(item["call_id"].as_str().unwrap().len(), 9);
    let echoed = json!([{
        "type": "function", "name": "go_up", "description": null, "parameters": {"type": "object"}, "strict": false,
    }]);
    assert_eq!(events[0]["response"]["tools"], echoed);
}

#[test]
fn a_cut_answer_is_incomplete() {
    let server = saying_text("The fox");
    let events = events(&server, json!({"max_output_tokens": 2}));
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["status"], "incomplete");
    assert_eq!(last["response"]["incomplete_details"], json!({"reason": "max_output_tokens"}));
    assert_eq!(last["response"]["output"][0]["status"], "incomplete");
}

#[test]
fn logprobs_come_where_they_are_asked_for() {
    let server = saying_text("The fox");
    for more in [json!({"top_logprobs": 2}), json!({"include": ["message.output_text.logprobs"], "top_logprobs": 2})] {
        let response = respond(&server, more);
        let logprobs = response["output"][0]["content"][0]["logprobs"].as_array().unwrap().clone();
        let text: String = logprobs.iter().map(|token| token["token"].as_str().unwrap()).collect();
        assert_eq!(text, "The fox");
        assert!(logprobs.iter().all(|token| token["top_logprobs"].as_array().unwrap().len() == 2));
    }
}

/// What came out goes in again, thoughts in either form.
#[test]
fn a_conversation_goes_on_from_its_items() {
    let server = thinking();
    let first = respond(&server, json!({"include": ["reasoning.encrypted_content"]}));
    assert!(first["output"][0]["encrypted_content"].is_string());
    let prompt_tokens = |input: Value| respond(&server, json!({"input": input}))["usage"]["input_tokens"].clone();
    let mut input = vec![json!({"role": "user", "content": "Hi"})];
    input.extend(first["output"].as_array().unwrap().iter().cloned());
    input.push(json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Go on"}]}));
    let whole = prompt_tokens(json!(input));
    input[1].as_object_mut().unwrap().remove("content");
    assert_eq!(prompt_tokens(json!(input)), whole);
    input.remove(1);
    assert_ne!(prompt_tokens(json!(input)), whole);
}

/// Codex labels its requests; and instructions may stand behind an answer.
#[test]
fn labels_and_late_instructions_are_taken() {
    let server = saying_text("The fox");
    let input = json!([
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [{"type": "output_text", "text": ""}]},
        {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"},
        {"role": "developer", "content": "Be brief."},
    ]);
    let more = json!({"input": input, "client_metadata": {"session_id": "s"}});
    assert_eq!(respond(&server, more)["output"][0]["content"][0]["text"], "The fox");
}

#[test]
fn calls_and_results_pair() {
    let server = saying_text("The fox");
    let input = json!([
        {"role": "user", "content": "Up!"},
        {"type": "function_call", "call_id": "call_abc", "name": "go_up", "arguments": "{}", "id": "fc_1", "status": "completed"},
        {"type": "function_call", "call_id": "call_def", "name": "go_up", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_def", "output": "done"},
        {"type": "function_call_output", "call_id": "call_abc", "output": [{"type": "input_text", "text": "done"}]},
        {"role": "user", "content": "And now?"},
    ]);
    assert_eq!(respond(&server, json!({"input": input}))["output"][0]["content"][0]["text"], "The fox");
}
