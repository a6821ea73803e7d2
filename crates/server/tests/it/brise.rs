//! The model that comes with the program, asked as people's tools ask: tools and back, streams, forms, thinking.

use serde_json::{Value, json};

use crate::testing::{Running, serve_with};

fn brise() -> Running {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/brise/brise-q8_0.gguf");
    let models = vec![server::ModelSource::at("brise", &path)];
    serve_with(server::Options { models, ..server::Options::loopback() })
}

fn ask(server: &Running, more: Value) -> Value {
    let mut body = json!({ "model": "brise", "temperature": 0, "max_tokens": 160 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = server.post("/v1/chat/completions", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["choices"][0].clone()
}

fn weather() -> Value {
    json!([{ "type": "function", "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {
            "type": "object", "properties": { "city": { "type": "string", "description": "Name of the city" } },
            "required": ["city"]
        }
    } }])
}

#[test]
fn a_tool_is_called_and_its_result_used_in_both_languages() {
    let rows = [
        ("What is the weather in Lyon?", "Lyon", "In Lyon, it is sunny and 21 °C."),
        ("Quel temps fait-il à Nantes ?", "Nantes", "À Nantes, le temps est sunny et il fait 21 °C."),
    ];
    let server = brise();
    testkit::check_table(rows.map(|row| (row.0, row)), |(question, city, expected)| {
        let user = json!({ "role": "user", "content": question });
        let call = ask(&server, json!({ "tools": weather(), "messages": [user] }));
        let function = &call["message"]["tool_calls"][0]["function"];
        let arguments: Value = serde_json::from_str(function["arguments"].as_str().unwrap_or_default())
            .map_err(|error| format!("{error}: {call}"))?;
        if call["finish_reason"] != "tool_calls" || arguments != json!({ "city": city }) {
            return Err(call.to_string());
        }
        let id = &call["message"]["tool_calls"][0]["id"];
        let result = json!({ "role": "tool", "tool_call_id": id, "content": r#"{"temperature": 21, "sky": "sunny"}"# });
        let said = ask(&server, json!({ "tools": weather(), "messages": [user, call["message"], result] }));
        let text = said["message"]["content"].as_str().unwrap_or_default();
        if text == expected || text.contains("21") && text.contains(city) { Ok(()) } else { Err(said.to_string()) }
    });
    server.stop();
}

#[test]
fn no_tool_is_called_where_none_is_needed() {
    let server = brise();
    let messages = json!([{ "role": "user", "content": "What is the capital of Portugal?" }]);
    let answer = ask(&server, json!({ "tools": weather(), "messages": messages }));
    assert_eq!(answer["message"]["content"], "The capital of Portugal is Lisbon.", "{answer}");
    server.stop();
}

#[test]
fn a_stream_is_the_answer_in_pieces() {
    let server = brise();
    let messages = json!([{ "role": "user", "content": "Raconte une histoire." }]);
    let whole = ask(&server, json!({ "messages": messages }))["message"]["content"].clone();
    let body = json!({
        "model": "brise", "temperature": 0, "max_tokens": 160, "stream": true, "messages": messages
    });
    let events = server.post("/v1/chat/completions", &body).events();
    let (end, pieces) = events.split_last().expect("events");
    assert_eq!(end.1, "[DONE]");
    let pieces: Vec<String> = pieces
        .iter()
        .map(|(_, data)| serde_json::from_str::<Value>(data).expect("JSON"))
        .filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned()))
        .filter(|piece| !piece.is_empty())
        .collect();
    assert!(pieces.len() > 10, "{pieces:?}");
    assert_eq!(pieces.concat(), whole.as_str().expect("text"));
    server.stop();
}

#[test]
fn a_schema_is_followed_and_the_fields_are_right() {
    let server = brise();
    let schema = json!({
        "type": "object", "properties": { "nom": { "type": "string" }, "ville": { "type": "string" } },
        "required": ["nom", "ville"], "additionalProperties": false
    });
    let question = "Extrais nom et ville en JSON : Karim Dubois a 41 ans et habite à Rennes.";
    let form = json!({ "type": "json_schema", "json_schema": { "name": "person", "strict": true, "schema": schema } });
    let messages = json!([{ "role": "user", "content": question }]);
    let answer = ask(&server, json!({ "response_format": form, "messages": messages }));
    let record: Value = serde_json::from_str(answer["message"]["content"].as_str().unwrap_or_default()).expect("JSON");
    assert_eq!(record, json!({ "nom": "Karim Dubois", "ville": "Rennes" }));
    server.stop();
}

#[test]
fn thought_comes_apart_from_the_answer() {
    let server = brise();
    let messages = json!([
        { "role": "system", "content": "Think before you answer." },
        { "role": "user", "content": "What is 25 + 14?" }
    ]);
    let message = ask(&server, json!({ "messages": messages }))["message"].clone();
    let thought = message["reasoning_content"].as_str().unwrap_or_default();
    let said = message["content"].as_str().unwrap_or_default();
    assert!(!thought.is_empty() && said.contains("39") && !said.contains("THINK"), "{message}");
    server.stop();
}
