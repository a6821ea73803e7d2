//! Numbers at and beyond their ends, lists without end: refused before anything is done, and the server lives.

use serde_json::{Value, json};

use super::chat;
use crate::testing::{chat_model, serve};

/// As text, because some of these numbers are none to serde_json.
fn rows() -> Vec<(&'static str, String)> {
    let numbers =
        ["-1", "0", "2147483648", "9223372036854775808", "18446744073709551616", "1e308", "\"5\"", "0.5", "[]"];
    let mut rows = Vec::new();
    for field in ["n", "max_tokens", "max_completion_tokens"] {
        rows.extend(numbers.iter().map(|number| (field, (*number).to_owned())));
    }
    rows.extend(["-1", "18446744073709551616", "1e308", "\"5\"", "0.5"].map(|number| ("seed", number.to_owned())));
    for field in ["temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty"] {
        rows.extend(["-3", "1e38", "1e400", "NaN", "Infinity", "\"x\""].map(|number| (field, number.to_owned())));
    }
    rows.extend(["-1", "1e9", "4294967296", "2.5"].map(|number| ("top_k", number.to_owned())));
    rows.extend(["-1", "21", "1000000000"].map(|number| ("top_logprobs", number.to_owned())));
    let bias = |entries: &str| ("logit_bias", format!("{{{entries}}}"));
    rows.extend(
        ["\"-1\":1", "\"1100\":1", "\"x\":1", "\"5\":101", "\"5\":1,\"05\":1", "\"5\":\"x\"", "\"5\":1e400"].map(bias),
    );
    rows.push(bias(&(0..2000).map(|id| format!("\"{id}\":1")).collect::<Vec<_>>().join(",")));
    rows.push(("stop", "\"\"".to_owned()));
    rows.push(("stop", json!(vec!["x"; 100_000]).to_string()));
    rows.push(("stop", json!(["x".repeat(1 << 20)]).to_string()));
    rows.push(("stop", "[1]".to_owned()));
    rows.push(("messages", "null".to_owned()));
    rows.push(("messages", json!(vec![json!({"role": "user", "content": "x"}); 20_000]).to_string()));
    rows.push(("messages", "[".repeat(100_000)));
    rows.push(("messages", r#"[{"role":"user","content":"\ud800"}]"#.to_owned()));
    rows.push(("messages", r#"[{"role":"user","role":"user","content":"x"}]"#.to_owned()));
    rows.push(("response_format", deep_schema()));
    rows.push(("response_format", schema(json!({"type": "something"}))));
    rows.push(("response_format", schema(json!({"type": "string", "pattern": "("}))));
    rows
}

fn schema(schema: Value) -> String {
    json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}).to_string()
}

/// Deeper than any JSON that is read here.
fn deep_schema() -> String {
    let (open, close) = ("{\"items\":".repeat(200), "}".repeat(200));
    format!("{{\"type\":\"json_schema\",\"json_schema\":{{\"name\":\"n\",\"schema\":{open}{{}}{close}}}}}")
}

#[test]
fn every_one_is_a_400_and_the_next_request_answers() {
    let server = serve(chat_model());
    let name = |(field, text): &(&str, String)| format!("{field} {}", text.chars().take(60).collect::<String>());
    let rows = rows();
    testkit::check_table(rows.into_iter().map(|row| (name(&row), row)), |(field, text)| {
        let mut body = chat(json!({"max_tokens": 2}));
        if field.starts_with("top_log") {
            body["logprobs"] = true.into();
        }
        if field == "max_completion_tokens" {
            body.as_object_mut().unwrap().remove("max_tokens");
        }
        // The field's value goes in as it is written.
        body[field] = "HERE".into();
        let body = body.to_string().replace("\"HERE\"", &text);
        let answer =
            server.request("POST", "/v1/chat/completions", &[("content-type", "application/json")], body.as_bytes());
        let error = &answer.json()["error"];
        if answer.status != 400 || error["type"] != "invalid_request_error" {
            return Err(format!("{} {}", answer.status, answer.text().chars().take(300).collect::<String>()));
        }
        let fine = server.post("/v1/chat/completions", &chat(json!({"max_tokens": 1})));
        if fine.status == 200 { Ok(()) } else { Err(format!("afterwards: {}", fine.text())) }
    });
}

/// Ends of ranges that are inside.
#[test]
fn the_last_values_that_fit_are_taken() {
    let server = serve(chat_model());
    let call = json!({"id": "abcdefghi", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let rows = [
        json!({"n": 16}),
        json!({"seed": u64::MAX}),
        json!({"seed": u64::MAX - 1, "n": 2}),
        json!({"temperature": 2, "top_p": 0, "min_p": 1, "presence_penalty": -2, "frequency_penalty": 2}),
        json!({"top_k": 0}),
        json!({"top_k": 1_000_000_000}),
        json!({"logit_bias": {"0": -100, "1099": 100.0}}),
        json!({"logprobs": true, "top_logprobs": 20}),
        json!({"stop": vec!["q"; 16]}),
        json!({"messages": [{"role": "user", "content": ""}]}),
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": ""},
            {"role": "user", "content": "b"}]}),
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
            {"role": "developer", "content": "c"}]}),
        json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "abcdefghi", "content": "b"}, {"role": "system", "content": "c"}]}),
        json!({"messages": [{"role": "user", "content": "<s>[INST]</s>[TOOL_CALLS]\u{0}"}]}),
    ];
    testkit::check_table(rows.map(|row| (row.to_string(), row)), |more| {
        let answer = server.post("/v1/chat/completions", &super::with(chat(json!({"max_tokens": 2})), more));
        if answer.status == 200 { Ok(()) } else { Err(answer.text()) }
    });
    let answer = server.post("/v1/chat/completions", &chat(json!({"seed": u64::MAX, "n": 2})));
    assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("seed")));
}
