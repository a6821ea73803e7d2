//! What cannot be had is refused with the path of its field, in OpenAI's form.

use engine::EngineOptions;
use serde_json::{Value, json};
use server::Options;

use super::chat;
use crate::testing::{Running, chat_model, serve, serve_with, tiny};

/// 400, this `param`, this in the message, and all four fields of the error.
fn check(server: &Running, path: &str, body: &Value, param: Value, message: &str) -> Result<(), String> {
    let answer = server.post(path, body);
    let error = answer.json()["error"].clone();
    let keys: Vec<&String> = error.as_object().map(|error| error.keys().collect()).unwrap_or_default();
    let right = answer.status == 400
        && error["param"] == param
        && error["type"] == "invalid_request_error"
        && error["message"].as_str().is_some_and(|text| text.contains(message))
        && keys == ["message", "type", "param", "code"];
    if right { Ok(()) } else { Err(format!("{} {error}", answer.status)) }
}

#[test]
fn fields_of_a_chat() {
    let server = serve(chat_model());
    let tool = |more: Value| json!([{"type": "function", "function": super::with(json!({"name": "f"}), more)}]);
    let rows = [
        (json!({"frobnicate": 1}), json!("frobnicate"), "unknown field `frobnicate`"),
        (json!({"chat_template": "{{x}}"}), json!("chat_template"), "unknown field"),
        (json!({"chat_template_kwargs": {"tokenize": true}}), json!("chat_template_kwargs"), "unknown field"),
        (json!({"functions": [{"name": "f"}]}), json!("functions"), "use `tools`"),
        (json!({"function_call": "auto"}), json!("function_call"), "use `tools`"),
        (json!({"audio": {"voice": "v", "format": "wav"}}), json!("audio"), "text only"),
        (json!({"modalities": ["text", "audio"]}), json!("modalities"), "text only"),
        (json!({"web_search_options": {}}), json!("web_search_options"), "opens no connection"),
        (json!({"store": true}), json!("store"), "nothing is stored"),
        (json!({"service_tier": "flex"}), json!("service_tier"), "one tier"),
        (json!({"verbosity": "low"}), json!("verbosity"), "may be medium"),
        (json!({"reasoning_effort": "high"}), json!("reasoning_effort"), "reasoning_effort='high' is not supported"),
        (
            json!({"tools": vec![json!({"type": "function", "function": {"name": "f"}}); 1025]}),
            json!("tools"),
            "at most 1024",
        ),
        (
            json!({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto",
            "tools": vec![json!({"type": "function", "function": {"name": "f"}}); 1025]}}}),
            json!("tool_choice.allowed_tools.tools"),
            "at most 1024",
        ),
        (json!({"tool_choice": "none", "logit_bias": biases(1024)}), json!("logit_bias"), "at most 1023"),
        (json!({"reasoning_effort": "much"}), json!("reasoning_effort"), "must be one of none"),
        (json!({"stream_options": {"include_usage": true}}), json!("stream_options"), "only allowed with `stream`"),
        (json!({"top_logprobs": 2}), json!("top_logprobs"), "needs `logprobs`"),
        (json!({"tools": [{"type": "web_search"}]}), json!("tools[0].type"), "only tools of the type function"),
        (json!({"tools": tool(json!({"parameters": 7}))}), json!("tools[0].function.parameters"), "which is an object"),
        (json!({"tools": tool(json!({"x": 7}))}), json!("tools[0].function.x"), "unknown field `x`"),
        (json!({"tool_choice": "required"}), json!("tool_choice"), "no tools"),
        (json!({"tool_choice": "perhaps"}), json!("tool_choice"), "must be auto"),
        (
            json!({"tools": tool(json!({})), "tool_choice": {"type": "function", "function": {"name": "g"}}}),
            json!("tool_choice"),
            "\"g\", which is not among the tools",
        ),
        (json!({"response_format": {"type": "xml"}}), json!("response_format.type"), "must be text"),
        (json!({"response_format": {"type": "json_schema"}}), json!("response_format.json_schema.schema"), "missing"),
        (
            json!({"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "thing"}}}}),
            json!("response_format"),
            "not valid",
        ),
        (json!({"max_tokens": 3, "max_completion_tokens": 4}), json!("max_tokens"), "send one"),
        (json!({"metadata": {"k": "v".repeat(513)}}), json!("metadata"), "at most 512"),
        (json!({"prediction": {"type": "content"}}), json!("prediction"), "missing field `content`"),
    ];
    let name = |more: &Value| more.to_string().chars().take(200).collect::<String>();
    testkit::check_table(rows.map(|row| (name(&row.0), row)), |(more, param, message)| {
        check(&server, "/v1/chat/completions", &chat(more), param, message)
    });
}

/// `{"10": 1, …}`: not the token that begins a call.
fn biases(count: usize) -> Value {
    (10..).take(count).map(|id: u32| (id.to_string(), json!(1))).collect::<serde_json::Map<_, _>>().into()
}

#[test]
fn messages_of_a_chat() {
    let server = serve(chat_model());
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let image = |url: &str| user(json!([{"type": "image_url", "image_url": {"url": url}}]));
    let call = json!({"id": "abcdefghi", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let at = |path: &str| json!(format!("messages[0].{path}"));
    let rows = [
        (json!([]), json!("messages"), "at least one"),
        (json!([{"role": "wizard", "content": "x"}]), at("role"), "\"wizard\" is no role"),
        (json!([{"role": "function", "content": "x", "name": "f"}]), at("name"), "names of speakers"),
        (json!([{"role": "user", "content": "x", "name": "Ann"}]), at("name"), "names of speakers"),
        (json!([{"role": "user"}]), at("content"), "missing"),
        (json!([{"role": "user", "content": "x", "tool_calls": [call]}]), at("tool_calls"), "only assistant"),
        (json!([{"role": "tool", "content": "x"}]), at("tool_call_id"), "missing"),
        (
            json!([{"role": "tool", "content": "x", "tool_call_id": "abcdefghi"}]),
            json!("messages"),
            "start with a user",
        ),
        (image("http://169.254.169.254/x.png"), at("content[0].image_url"), "never fetches a URL"),
        (image("file:///etc/passwd"), at("content[0].image_url"), "never fetches a URL"),
        (image("data:image/png;base64,AAAA"), at("content[0].image_url"), "not supported by this model yet"),
        (user(json!([{"type": "input_audio", "input_audio": {}}])), at("content[0].type"), "not audio"),
        (user(json!([{"type": "file", "file": {}}])), at("content[0].type"), "files are not read"),
        (user(json!([{"type": "text"}])), at("content[0].text"), "missing"),
        (user(json!([{"type": "text", "text": "x", "y": 1}])), at("content[0].y"), "unknown field"),
        (user(json!([{"type": "text", "text": "x", "file": {}}])), at("content[0].file"), "has no such field"),
        (
            user(json!([{"type": "text", "text": "x", "input_audio": {}}])),
            at("content[0].input_audio"),
            "no such field",
        ),
        (user(json!([{"type": "refusal"}])), at("content[0].refusal"), "missing"),
        (json!(vec![json!({"role": "user", "content": "x"}); 16_385]), json!("messages"), "at most 16384"),
        (
            json!([{"role": "assistant", "tool_calls": vec![call.clone(); 16_385]}]),
            json!("messages"),
            "16385 calls: at most 16384",
        ),
        (user(json!(7)), at("content"), "invalid type"),
        (
            json!([{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]),
            json!("messages"),
            "last role",
        ),
        (
            json!([{"role": "assistant", "content": "y", "reasoning": "a", "reasoning_content": "b"}]),
            at("reasoning"),
            "differ",
        ),
        (json!([{"role": "assistant", "tool_calls": [{"type": "function"}]}]), at("tool_calls[0].id"), "missing"),
    ];
    let name = |messages: &Value| messages.to_string().chars().take(200).collect::<String>();
    testkit::check_table(rows.map(|row| (name(&row.0), row)), |(messages, param, message)| {
        check(&server, "/v1/chat/completions", &json!({"messages": messages}), param, message)
    });
}

#[test]
fn fields_of_a_response() {
    let server = serve(chat_model());
    let item = |item: Value| json!({"input": [item]});
    let rows = [
        (json!({"store": true}), json!("store"), "nothing is stored"),
        (json!({"previous_response_id": "resp_1"}), json!("previous_response_id"), "whole conversation"),
        (json!({"conversation": "conv_1"}), json!("conversation"), "whole conversation"),
        (json!({"background": true}), json!("background"), "nothing is stored"),
        (json!({"prompt": {"id": "p"}}), json!("prompt"), "no stored prompts"),
        (json!({"truncation": "auto"}), json!("truncation"), "never a quiet cut"),
        (json!({"include": ["file_search_call.results"]}), json!("include"), "nothing else"),
        (json!({"tools": [{"type": "web_search", "filters": {}}]}), json!("tools[0].type"), "only tools of the type"),
        (json!({"tools": [{"type": "function", "name": "f", "x": 1}]}), json!("tools[0].x"), "unknown field"),
        (json!({"tools": [{"type": "function"}]}), json!("tools[0].name"), "missing"),
        (json!({"reasoning": {"summary": "detailed"}}), json!("reasoning.summary"), "given whole"),
        (json!({"reasoning": {"effort": "much"}}), json!("reasoning.effort"), "must be one of"),
        (json!({"reasoning": {"effort": "high"}}), json!("reasoning.effort"), "is not supported"),
        (item(json!({"role": "user", "content": "x", "call_id": "c"})), json!("input[0].call_id"), "no such field"),
        (item(json!({"role": "user", "content": "x", "name": "f"})), json!("input[0].name"), "no such field"),
        (
            item(json!({"role": "user", "content": "x", "arguments": "{}"})),
            json!("input[0].arguments"),
            "no such field",
        ),
        (item(json!({"role": "user", "content": "x", "output": "y"})), json!("input[0].output"), "no such field"),
        (item(json!({"role": "user", "content": "x", "summary": []})), json!("input[0].summary"), "no such field"),
        (
            item(json!({"role": "user", "content": [{"type": "input_text", "text": "x", "file_id": "f"}]})),
            json!("input[0].content[0].file_id"),
            "no such field",
        ),
        (json!({"input": vec![json!({"role": "user", "content": "x"}); 32_769]}), json!("input"), "at most 32768"),
        (json!({"text": {"verbosity": "high"}}), json!("text.verbosity"), "may be medium"),
        (json!({"text": {"format": {"type": "json_schema", "name": "n"}}}), json!("text.format.schema"), "missing"),
        (json!({"max_output_tokens": 0}), json!("max_output_tokens"), "at least 1"),
        (json!({"input": null}), json!("input"), "missing"),
        (json!({"input": []}), json!("input"), "at least one"),
        (item(json!({"type": "item_reference", "id": "x"})), json!("input[0].type"), "send the item itself"),
        (item(json!({"type": "computer_call"})), json!("input[0].type"), "not served"),
        (item(json!({"role": "user"})), json!("input[0].content"), "missing"),
        (
            item(json!({"role": "user", "content": [{"type": "input_image", "image_url": "https://a/b.png"}]})),
            json!("input[0].content[0].image_url"),
            "never fetches a URL",
        ),
        (
            item(json!({"role": "user", "content": [{"type": "input_file", "file_url": "https://a/b.pdf"}]})),
            json!("input[0].content[0].file_url"),
            "never fetches a URL",
        ),
        (
            item(json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAA"})),
            json!("input[0].encrypted_content"),
            "did not write it",
        ),
        (json!({"seed": -1}), json!("seed"), "invalid value"),
        (json!({"frobnicate": 1}), json!("frobnicate"), "unknown field"),
    ];
    let name = |more: &Value| more.to_string().chars().take(200).collect::<String>();
    testkit::check_table(rows.map(|row| (name(&row.0), row)), |(more, param, message)| {
        check(&server, "/v1/responses", &super::with(json!({"input": "Hi"}), more), param, message)
    });
}

#[test]
fn fields_of_completions_and_embeddings() {
    let server = serve(chat_model());
    let rows = [
        ("/v1/completions", json!({"prompt": "a", "best_of": 3}), json!("best_of"), "choose among them"),
        ("/v1/completions", json!({"prompt": "a", "echo": true, "logprobs": 0}), json!("echo"), "tramontane score"),
        ("/v1/completions", json!({"prompt": []}), json!("prompt"), "empty"),
        ("/v1/completions", json!({"prompt": [1, "a"]}), json!("prompt"), "one kind"),
        ("/v1/completions", json!({"prompt": [9_999_999]}), json!("prompt"), "out of range"),
        ("/v1/completions", json!({"prompt": [1], "suffix": "b"}), json!("prompt"), "must be a text"),
        ("/v1/completions", json!({"prompt": "a", "logprobs": 21}), json!("logprobs"), "at most 20"),
        ("/v1/completions", json!({"prompt": vec!["a"; 65]}), json!("prompt"), "at most 64"),
        ("/v1/embeddings", json!({"input": "a", "dimensions": 7}), json!("dimensions"), "have 128"),
        (
            "/v1/embeddings",
            json!({"input": "a", "encoding_format": "int8"}),
            json!("encoding_format"),
            "float or base64",
        ),
        ("/v1/embeddings", json!({"input": []}), json!("input"), "between 1 and 2048"),
        ("/v1/embeddings", json!({"input": ["a", ""]}), json!("input"), "input[1] is empty"),
        ("/v1/embeddings", json!({"input": [[-1]]}), json!("input[0][0]"), "expected u32"),
        ("/v1/embeddings", json!({"input": vec!["a"; 2049]}), json!("input"), "between 1 and 2048"),
    ];
    testkit::check_table(rows.map(|row| (row.1.to_string().chars().take(80).collect::<String>(), row)), |row| {
        let (path, body, param, message) = row;
        check(&server, path, &body, param, message)
    });
}

#[test]
fn what_does_not_fit_is_refused_with_both_numbers() {
    let server = serve(chat_model());
    let long = json!({"messages": [{"role": "user", "content": "a b ".repeat(2000)}]});
    let rows = [
        (long, "This model's maximum context length is 2048 tokens. However, your messages resulted in 4004 tokens."),
        (json!({"max_tokens": 2048}), "However, you requested 2053 tokens (5 in the messages, 2048 in the completion)"),
    ];
    testkit::check_table(rows.map(|row| (row.1, row)), |(more, message)| {
        let answer = server.post("/v1/chat/completions", &chat(more));
        let error = &answer.json()["error"];
        let right = answer.status == 400
            && error["code"] == "context_length_exceeded"
            && error["param"] == "messages"
            && error["message"].as_str().is_some_and(|text| text.contains(message));
        if right { Ok(()) } else { Err(error.to_string()) }
    });
    // Up to the last place it fits.
    assert_eq!(server.post("/v1/chat/completions", &chat(json!({"max_tokens": 2043, "stop": ["e"]}))).status, 200);
}

/// What the message advises can be done.
#[test]
fn advice_names_the_bound_that_holds() {
    let rows = [
        (Some(64), 256 << 20, "or serve the model with a --context up to 2048."),
        (None, 0, "or serve the model with more --kv-memory, the model was made for 2048 tokens."),
    ];
    testkit::check_table(rows.map(|row| (row.2, row)), |(context, kv_memory, advice)| {
        let engine = EngineOptions { context, kv_memory_bytes: Some(kv_memory), ..EngineOptions::default() };
        let server = serve_with(Options { engine, ..tiny(chat_model()) });
        let answer = server.post("/v1/chat/completions", &chat(json!({"max_tokens": 2048})));
        let error = &answer.json()["error"];
        if error["message"].as_str().is_some_and(|text| text.ends_with(advice)) {
            Ok(())
        } else {
            Err(error.to_string())
        }
    });
}

#[test]
fn a_model_that_is_not_there_is_a_404() {
    let answer = serve(chat_model()).post("/v1/chat/completions", &chat(json!({"model": "gpt-5"})));
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["code"], &error["param"]), (404, &json!("model_not_found"), &json!("model")));
}
