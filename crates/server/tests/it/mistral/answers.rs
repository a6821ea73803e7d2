//! What is answered, whole and streamed.

use serde_json::{Value, json};

use super::{chunks, post};
use crate::testing::{chat_model, scripted_model, serve};

const CHAT: &str = "/v1/chat/completions";

fn ask(text: &str) -> Value {
    json!({"model": "tiny", "messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 12})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// All text of a stream.
fn text(chunks: &[Value]) -> String {
    chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect()
}

#[test]
fn an_answer_has_mistrals_form_and_streams_to_the_same_text() {
    let server = serve(chat_model());
    let whole = post(&server, CHAT, &ask("the one"));
    let answer = whole.json();
    assert_eq!(whole.status, 200, "{answer}");
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "tiny");
    let choice = &answer["choices"][0];
    assert_eq!(choice["message"]["role"], "assistant");
    assert_eq!(choice["message"]["tool_calls"], Value::Null);
    assert_eq!(choice["finish_reason"], "length");
    let usage = &answer["usage"];
    assert_eq!(usage["completion_tokens"], 12);
    let total = usage["prompt_tokens"].as_u64().unwrap() + 12;
    assert_eq!(usage["total_tokens"], total);

    let streamed = post(&server, CHAT, &with(ask("the one"), json!({"stream": true})));
    assert_eq!(streamed.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let chunks = chunks(&streamed);
    assert_eq!(text(&chunks), choice["message"]["content"].as_str().unwrap());
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert!(chunks.iter().all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == chunks[0]["id"]));
    let last = chunks.last().unwrap();
    assert_eq!(last["choices"][0]["finish_reason"], "length");
    assert_eq!(last["usage"]["total_tokens"], total);
    assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk.get("usage").is_none()));
}

#[test]
fn a_seed_repeats_an_answer_and_n_asks_for_several() {
    let server = serve(chat_model());
    let hot = |seed: u64, n: u32| {
        let more = json!({"temperature": 1.5, "random_seed": seed, "n": n});
        let answer = post(&server, CHAT, &with(ask("of"), more)).json();
        let choices = answer["choices"].as_array().unwrap_or_else(|| panic!("{answer}"));
        choices.iter().map(|choice| choice["message"]["content"].clone()).collect::<Vec<_>>()
    };
    let three = hot(7, 3);
    assert_eq!(three, [hot(7, 1), hot(8, 1), hot(9, 1)].concat());
    assert_ne!(three[0], three[1]);

    let more = json!({"temperature": 1.5, "random_seed": 7, "n": 3, "stream": true});
    let streamed = chunks(&post(&server, CHAT, &with(ask("of"), more)));
    for (index, whole) in three.iter().enumerate() {
        let of_one: String = streamed
            .iter()
            .filter(|chunk| chunk["choices"][0]["index"] == index)
            .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
            .collect();
        assert_eq!(of_one, whole.as_str().unwrap());
    }
    assert_eq!(streamed.iter().filter(|chunk| chunk.get("usage").is_some()).count(), 1);
}

/// `[TOOL_CALLS]` f `[ARGS]` `{}`.
const CALL: [u32; 5] = [9, 202, 32, 223, 225];

#[test]
fn a_call_of_the_model_is_a_tool_call() {
    let server = serve(scripted_model(&CALL));
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]});
    let body = with(ask("call"), tools);
    let answer = post(&server, CHAT, &body).json();
    let choice = &answer["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls", "{answer}");
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(call["function"], json!({"name": "f", "arguments": "{}"}));
    assert_eq!((call["type"].as_str(), call["index"].as_u64()), (Some("function"), Some(0)));
    let id = call["id"].as_str().unwrap();
    assert!(id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");

    let chunks = chunks(&post(&server, CHAT, &with(body.clone(), json!({"stream": true}))));
    let calls: Vec<_> = chunks.iter().filter_map(|c| c["choices"][0]["delta"].get("tool_calls")).collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0][0]["function"]["name"], "f");
    assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "tool_calls");

    // And back: the result of the call is part of the next prompt.
    let mut again = body;
    let results = json!([
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": id, "name": "f", "content": "42"},
    ]);
    again["messages"].as_array_mut().unwrap().extend(results.as_array().unwrap().clone());
    let answer = post(&server, CHAT, &again);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// `[THINK]` a `[/THINK]` b.
const THOUGHT: [u32; 4] = [34, 197, 35, 198];

#[test]
fn a_thought_is_a_chunk_of_the_content() {
    let server = serve(scripted_model(&THOUGHT));
    let answer = post(&server, CHAT, &with(ask("think"), json!({"prompt_mode": "reasoning"}))).json();
    let expected = json!([
        {"type": "thinking", "thinking": [{"type": "text", "text": "a"}], "closed": true},
        {"type": "text", "text": "b"},
    ]);
    assert_eq!(answer["choices"][0]["message"]["content"], expected, "{answer}");

    let chunks = chunks(&post(&server, CHAT, &with(ask("think"), json!({"stream": true}))));
    assert_eq!(text(&chunks), "b");
    let thought = chunks.iter().find(|chunk| chunk["choices"][0]["delta"]["content"].is_array()).unwrap();
    let content = &thought["choices"][0]["delta"]["content"];
    assert_eq!(*content, json!([{"type": "thinking", "thinking": [{"type": "text", "text": "a"}]}]));
}

#[test]
fn formats_and_forced_calls_are_held_to() {
    let server = serve(chat_model());
    let schema = json!({
        "type": "object",
        "properties": {"yes": {"type": "boolean"}, "kind": {"enum": ["a", "b"]}},
        "required": ["yes", "kind"],
        "additionalProperties": false,
    });
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": true}});
    let answer = post(&server, CHAT, &with(ask("json"), json!({"response_format": format, "max_tokens": 400}))).json();
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let read: Value = serde_json::from_str(content).unwrap_or_else(|error| panic!("{error}: {content}"));
    assert!(read["yes"].is_boolean(), "{read}");

    let parameters = json!({"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"],
        "additionalProperties": false});
    let tool =
        |name: &str| json!({"type": "function", "function": {"name": name, "parameters": parameters, "strict": true}});
    for choice in [json!("any"), json!("required"), json!({"type": "function", "function": {"name": "g"}})] {
        let more = json!({"tools": [tool("f"), tool("g")], "tool_choice": choice, "parallel_tool_calls": false,
            "max_tokens": 400});
        let answer = post(&server, CHAT, &with(ask("call"), more)).json();
        let calls = answer["choices"][0]["message"]["tool_calls"].as_array().unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(calls.len(), 1, "{answer}");
        let arguments: Value = serde_json::from_str(calls[0]["function"]["arguments"].as_str().unwrap()).unwrap();
        assert!(arguments["on"].is_boolean(), "{answer}");
        if choice.is_object() {
            assert_eq!(calls[0]["function"]["name"], "g");
        }
    }
}

#[test]
fn what_mistral_adds_to_the_prompt_is_added() {
    let server = serve(chat_model());
    let prompt_tokens = |more: Value| {
        let answer = post(&server, CHAT, &with(ask("a"), more)).json();
        answer["usage"]["prompt_tokens"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    };
    let plain = prompt_tokens(json!({}));
    assert!(prompt_tokens(json!({"safe_prompt": true})) > plain + 20);
    assert!(prompt_tokens(json!({"prompt_mode": "reasoning"})) > plain + 50);
    assert_eq!(prompt_tokens(json!({"safe_prompt": false})), plain);
    let begun = json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "the", "prefix": true},
    ]});
    assert!(prompt_tokens(begun) > plain);
}

#[test]
fn an_answer_begins_with_its_prefix() {
    let server = serve(chat_model());
    let more = json!({"messages": [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "the one", "prefix": true},
    ]});
    let body = with(ask("a"), more);
    let answer = post(&server, CHAT, &body).json();
    let content = answer["choices"][0]["message"]["content"].as_str().unwrap_or_else(|| panic!("{answer}"));
    assert!(content.starts_with("the one") && content.len() > "the one".len(), "{content}");
    assert_eq!(answer["usage"]["completion_tokens"], 12);
    let chunks = chunks(&post(&server, CHAT, &with(body, json!({"stream": true}))));
    assert_eq!(chunks[1]["choices"][0]["delta"]["content"], "the one");
    assert_eq!(text(&chunks), content);
}

/// What a stop string or a bound left of an answer can be sent back as it is.
#[test]
fn an_empty_answer_is_passed_over() {
    let server = serve(chat_model());
    let prompt_tokens = |messages: Value| {
        let answer = post(&server, CHAT, &with(ask("a"), json!({"messages": messages}))).json();
        answer["usage"]["prompt_tokens"].as_u64().unwrap_or_else(|| panic!("{answer}"))
    };
    let empty = json!({"role": "assistant", "content": ""});
    let (a, b) = (json!({"role": "user", "content": "a"}), json!({"role": "user", "content": "b"}));
    assert_eq!(prompt_tokens(json!([a, empty, b])), prompt_tokens(json!([a, b])));
}

#[test]
fn log_probabilities_name_the_tokens_of_the_answer() {
    let server = serve(scripted_model(&[197, 198]));
    let body = with(ask("x"), json!({"logprobs": true, "top_logprobs": 2}));
    let answer = post(&server, CHAT, &body).json();
    let content = answer["choices"][0]["logprobs"]["content"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!(content[0]["token"], "a");
    assert_eq!(content[0]["token_id"], 197);
    assert_eq!(content[0]["bytes"], json!([97]));
    assert_eq!(content[0]["top_logprobs"].as_array().unwrap().len(), 2);
    let chunks = chunks(&post(&server, CHAT, &with(body, json!({"stream": true}))));
    let streamed: Vec<Value> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["logprobs"]["content"].as_array())
        .flatten()
        .cloned()
        .collect();
    assert_eq!(streamed, *content);
}

#[test]
fn a_gap_is_filled() {
    let server = serve(chat_model());
    let body = json!({"model": "tiny", "prompt": "def f(", "suffix": "return", "temperature": 0, "max_tokens": 5});
    let answer = post(&server, "/v1/fim/completions", &body).json();
    assert_eq!(answer["object"], "chat.completion", "{answer}");
    assert_eq!(answer["usage"]["completion_tokens"], 5);
    let whole = answer["choices"][0]["message"]["content"].as_str().unwrap().to_owned();
    let streamed = chunks(&post(&server, "/v1/fim/completions", &with(body, json!({"stream": true}))));
    assert_eq!(text(&streamed), whole);
}

#[test]
fn texts_become_vectors_of_length_one() {
    let server = serve(chat_model());
    let body = json!({"model": "tiny", "input": ["the", "of"], "metadata": {"a": 1}});
    let answer = post(&server, "/v1/embeddings", &body).json();
    let data = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}"));
    assert_eq!((data.len(), data[1]["index"].as_u64()), (2, Some(1)));
    let first: Vec<f64> = data[0]["embedding"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect();
    let length: f64 = first.iter().map(|x| x * x).sum();
    assert!((length - 1.0).abs() < 1e-3, "{length}");
    let one = post(&server, "/v1/embeddings", &json!({"model": "tiny", "input": "the"})).json();
    assert_eq!(one["data"][0]["embedding"], data[0]["embedding"]);
    let packed = json!({"model": "tiny", "input": "the", "encoding_format": "base64", "output_dimension": first.len()});
    let packed = post(&server, "/v1/embeddings", &packed).json();
    assert!(packed["data"][0]["embedding"].is_string(), "{packed}");
}

#[test]
fn models_say_what_they_can_do() {
    let server = serve(chat_model());
    let headers = [("user-agent", "mistral-client-typescript/1.0")];
    let list = server.request("GET", "/v1/models", &headers, b"").json();
    let card = &list["data"][0];
    assert_eq!((card["id"].as_str(), card["max_context_length"].as_u64()), (Some("tiny"), Some(2048)), "{list}");
    for (name, has) in [("completion_chat", true), ("function_calling", true), ("reasoning", true), ("vision", false)] {
        assert_eq!(card["capabilities"][name], has, "{name}");
    }
    assert_eq!(server.request("GET", "/v1/models/tiny", &headers, b"").json(), *card);
    let missing = server.request("GET", "/v1/models/other", &headers, b"");
    assert_eq!((missing.status, missing.json()["object"].as_str()), (404, Some("error")));
}
