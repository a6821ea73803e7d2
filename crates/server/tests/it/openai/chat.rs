//! Whole chat answers.

use serde_json::{Value, json};

use super::{ARGS, END_THINK, THINK, TOOL_CALLS, ask, ids, masked, saying, saying_text};
use crate::testing::{chat_model, serve};

#[test]
fn an_answer_has_exactly_this_shape() {
    let server = saying_text("The fox jumped");
    let answer = ask(&server, json!({}));
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert!(answer["created"].as_u64().unwrap() > 1_700_000_000);
    assert!(answer["system_fingerprint"].as_str().unwrap().starts_with("tn-"));
    let expected = json!({
        "id": "ID", "object": "chat.completion", "created": "TIME", "model": "tiny", "system_fingerprint": "PRINT",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": "The fox jumped", "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0, "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0,
                "audio_tokens": 0,
            },
        },
        "seed": 7,
    });
    assert_eq!(masked(answer), expected);
}

#[test]
fn thoughts_stand_beside_the_answer() {
    let server = saying(&[&[THINK], &ids("Well, then"), &[END_THINK], &ids("The fox")]);
    let answer = ask(&server, json!({}));
    let message = json!({
        "role": "assistant", "content": "The fox", "refusal": null,
        "reasoning_content": "Well, then", "reasoning": "Well, then",
    });
    assert_eq!(answer["choices"][0]["message"], message);
    // Its begin token and six of text.
    assert_eq!(answer["usage"]["completion_tokens_details"]["reasoning_tokens"], 7);
}

#[test]
fn calls_have_names_and_arguments() {
    let server = saying(&[&[TOOL_CALLS], &ids("go_up"), &[ARGS], &ids(r#"{"x": 7}"#)]);
    let tools = json!([{"type": "function", "function": {"name": "go_up", "parameters": {"type": "object"}}}]);
    let answer = ask(&server, json!({"tools": tools}));
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["type"], "function");
    assert_eq!(call["function"], json!({"name": "go_up", "arguments": "{\"x\": 7}"}));
    let id = call["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
    // The same request again: the same id, so that the answer is the same to the byte.
    assert_eq!(ask(&server, json!({"tools": tools}))["choices"], answer["choices"]);
}

#[test]
fn no_tool_is_called_where_none_may_be() {
    let server = saying(&[&[TOOL_CALLS], &ids("go_up"), &[ARGS], &ids(r#"{"x": 7}"#)]);
    let tools = json!([{"type": "function", "function": {"name": "go_up", "parameters": {"type": "object"}}}]);
    let answer = ask(&server, json!({"tools": tools, "tool_choice": "none", "max_tokens": 5}));
    assert_eq!(answer["choices"][0]["message"]["tool_calls"], Value::Null, "{answer}");
}

#[test]
fn logprobs_tell_every_token_of_the_text() {
    let server = saying(&[&[THINK], &ids("Well, then"), &[END_THINK], &ids("The fox")]);
    let answer = ask(&server, json!({"logprobs": true, "top_logprobs": 2}));
    let tokens = answer["choices"][0]["logprobs"]["content"].as_array().unwrap().clone();
    let texts: Vec<&str> = tokens.iter().map(|token| token["token"].as_str().unwrap()).collect();
    assert_eq!(texts.concat(), "The fox");
    for token in &tokens {
        let bytes: Vec<u8> = serde_json::from_value(token["bytes"].clone()).unwrap();
        assert_eq!(bytes, token["token"].as_str().unwrap().as_bytes());
        assert!(token["logprob"].as_f64().unwrap() <= 0.0);
        assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);
        assert_eq!(token["top_logprobs"][0]["token"], token["token"]);
    }
    assert_eq!(answer["choices"][0]["logprobs"]["refusal"], Value::Null);
}

/// Half a character is U+FFFD as a text, and itself as bytes.
#[test]
fn bytes_of_half_characters_are_exact() {
    // 100 + byte: the first 256 entries of a Tekken vocabulary.
    let halves = [100 + 0xf0, 100 + 0x9f, 100 + 0xa6, 100 + 0x8a];
    let server = saying(&[&halves]);
    let answer = ask(&server, json!({"logprobs": true}));
    assert_eq!(answer["choices"][0]["message"]["content"], "🦊");
    let tokens = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    let bytes: Vec<Value> = tokens.iter().map(|token| token["bytes"].clone()).collect();
    assert_eq!(bytes, [json!([0xf0]), json!([0x9f]), json!([0xa6]), json!([0x8a])]);
    assert_eq!(tokens[0]["token"], "\u{fffd}");
}

#[test]
fn several_answers_are_those_of_consecutive_seeds() {
    let server = serve(chat_model());
    let one = |seed: u64| {
        let answer = ask(&server, json!({"seed": seed, "temperature": 1, "max_tokens": 12}));
        answer["choices"][0]["message"]["content"].clone()
    };
    let alone: Vec<Value> = (40..43).map(one).collect();
    let together = ask(&server, json!({"seed": 40, "temperature": 1, "max_tokens": 12, "n": 3}));
    let choices = together["choices"].as_array().unwrap();
    let contents: Vec<Value> = choices.iter().map(|choice| choice["message"]["content"].clone()).collect();
    assert_eq!(contents, alone);
    let indices: Vec<u64> = choices.iter().map(|choice| choice["index"].as_u64().unwrap()).collect();
    assert_eq!(indices, [0, 1, 2]);
    assert_ne!(alone[0], alone[1]);
    assert_eq!(together["usage"]["completion_tokens"], 36);
    assert_eq!(together["usage"]["prompt_tokens"], 5);
}

#[test]
fn a_seed_that_nobody_gave_is_reported_and_repeats_the_answer() {
    let server = serve(chat_model());
    let body = json!({"messages": [{"role": "user", "content": "Hi"}], "temperature": 1, "max_tokens": 12});
    let first = server.post("/v1/chat/completions", &body).json();
    let second = server.post("/v1/chat/completions", &body).json();
    assert_ne!(first["seed"], second["seed"]);
    let again = ask(&server, json!({"seed": first["seed"], "temperature": 1, "max_tokens": 12}));
    assert_eq!(again["choices"], first["choices"]);
}

#[test]
fn answers_end_where_they_are_told_to() {
    let server = saying_text("The fox jumped");
    let rows = [
        (json!({"stop": " jum"}), "The fox", "stop"),
        (json!({"stop": ["x", "zzz"]}), "The fo", "stop"),
        (json!({"max_tokens": 3}), "The fo", "length"),
        (json!({"max_completion_tokens": 1}), "The", "length"),
        (json!({"max_completion_tokens": 2, "max_tokens": 2}), "The f", "length"),
        (json!({"stop": [], "max_tokens": null}), "The fox jumped", "stop"),
    ];
    testkit::check_table(rows.map(|row| (row.0.to_string(), row)), |(more, text, reason)| {
        let answer = ask(&server, more);
        let choice = &answer["choices"][0];
        let right = choice["message"]["content"] == text && choice["finish_reason"] == reason;
        if right { Ok(()) } else { Err(choice.to_string()) }
    });
}

/// What clients send that asks for nothing, or for what happens anyway.
#[test]
fn labels_and_defaults_are_accepted() {
    let server = saying_text("The fox");
    let plain = ask(&server, json!({}));
    let rows = [
        json!({"user": "u", "safety_identifier": "s", "prompt_cache_key": "k", "metadata": {"a": "b"}}),
        json!({"store": false, "modalities": ["text"], "verbosity": "medium", "prompt_cache_retention": "in_memory"}),
        json!({"response_format": {"type": "text"}, "tool_choice": "auto", "parallel_tool_calls": true, "tools": []}),
        json!({"logprobs": false, "top_logprobs": 0, "n": 1, "stream": false, "logit_bias": {}}),
        json!({"audio": null, "functions": null, "web_search_options": null, "reasoning_effort": null, "stop": null}),
        json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]}),
        json!({"model": "tiny"}),
    ];
    testkit::check_table(rows.map(|row| (row.to_string(), row)), |more| {
        let answer = ask(&server, more);
        if answer["choices"] == plain["choices"] { Ok(()) } else { Err(answer.to_string()) }
    });
    assert_eq!(ask(&server, json!({"service_tier": "auto"}))["service_tier"], "default");
}

/// What is guessed changes how long an answer takes, not what it says.
#[test]
fn a_prediction_is_counted() {
    let server = saying_text("The fox jumped");
    let plain = ask(&server, json!({}));
    for content in [json!("The fox jumped"), json!([{"type": "text", "text": "The fox jumped"}]), json!("Well, then")] {
        let answer = ask(&server, json!({"prediction": {"type": "content", "content": content}}));
        assert_eq!(answer["choices"], plain["choices"]);
        let details = &answer["usage"]["completion_tokens_details"];
        let accepted = details["accepted_prediction_tokens"].as_u64().unwrap();
        assert_eq!(accepted > 0, content != json!("Well, then"), "{content} {details}");
    }
}

/// A conversation as clients keep it: what came out goes in again, with ids of other servers too.
#[test]
fn a_conversation_with_calls_goes_on() {
    let server = saying_text("The fox");
    let turn = |id: &str| {
        json!({"messages": [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "Up!"},
            {
                "role": "assistant", "content": null, "refusal": null, "annotations": [], "audio": null,
                "function_call": null, "reasoning_content": "Well",
                "tool_calls": [{"id": id, "type": "function", "function": {"name": "go_up", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": id, "name": "go_up", "content": "done"},
            {"role": "user", "content": "And now?"},
        ]})
    };
    for id in ["abc123XYZ", "call_0123456789abcdefghij"] {
        assert_eq!(ask(&server, turn(id))["choices"][0]["message"]["content"], "The fox", "{id}");
    }
}
