//! Answers that are held to a form: the model babbles, and the form is kept all the same.

use serde_json::{Value, json};

use super::ask;
use crate::testing::{Running, chat_model, serve};

fn server() -> Running {
    serve(chat_model())
}

fn content(answer: &Value) -> Value {
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}"));
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn a_schema_is_kept() {
    let schema = json!({
        "type": "object", "required": ["city", "warm"], "additionalProperties": false,
        "properties": {"city": {"enum": ["Paris", "Lyon"]}, "warm": {"type": "boolean"}},
    });
    let format = json!({"type": "json_schema", "json_schema": {"name": "weather", "strict": true, "schema": schema}});
    let answer = ask(&server(), json!({"response_format": format, "temperature": 1}));
    let read = content(&answer);
    assert!(read["city"] == "Paris" || read["city"] == "Lyon", "{read}");
    assert!(read["warm"].is_boolean(), "{read}");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
}

#[test]
fn a_grammar_is_kept() {
    let server = server();
    let rows = [
        (json!({"syntax": "regex", "definition": "(yes|no), sir"}), ["yes, sir", "no, sir"]),
        (json!({"syntax": "lark", "definition": "start: \"up\" | \"down\""}), ["up", "down"]),
    ];
    testkit::check_table(rows.map(|row| (row.0.to_string(), row)), |(grammar, allowed)| {
        let answer = ask(&server, json!({"response_format": {"type": "grammar", "grammar": grammar}}));
        let text = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default();
        if allowed.contains(&text) { Ok(()) } else { Err(answer.to_string()) }
    });
}

#[test]
fn calls_are_made_where_they_must_be() {
    let server = server();
    let parameters = json!({
        "type": "object", "required": ["to"], "additionalProperties": false,
        "properties": {"to": {"enum": ["roof", "cellar"]}},
    });
    let tool =
        |name: &str| json!({"type": "function", "function": {"name": name, "strict": true, "parameters": parameters}});
    let tools = json!([tool("go_up"), tool("go_down")]);
    let named = json!({"type": "function", "function": {"name": "go_down"}});
    let up = json!([{"type": "function", "function": {"name": "go_up"}}]);
    let allowed = json!({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": up}});
    let rows = [(json!("required"), vec!["go_up", "go_down"]), (named, vec!["go_down"]), (allowed, vec!["go_up"])];
    testkit::check_table(rows.map(|row| (row.0.to_string(), row)), |(choice, names)| {
        let more = json!({"tools": tools, "tool_choice": choice, "parallel_tool_calls": false, "temperature": 1});
        let answer = ask(&server, more);
        let calls = answer["choices"][0]["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
        let [call] = calls.as_slice() else { return Err(answer.to_string()) };
        let arguments: Value = serde_json::from_str(call["function"]["arguments"].as_str().unwrap()).unwrap();
        let right = names.contains(&call["function"]["name"].as_str().unwrap())
            && (arguments == json!({"to": "roof"}) || arguments == json!({"to": "cellar"}))
            && answer["choices"][0]["finish_reason"] == "tool_calls";
        if right { Ok(()) } else { Err(answer.to_string()) }
    });
}
