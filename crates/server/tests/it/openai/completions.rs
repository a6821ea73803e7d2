//! `/v1/completions`.

use engine::TemplateVersion;
use serde_json::{Value, json};

use super::{chunks, ids, masked, saying_text, tokenizer, with};
use crate::testing::{Running, chat_model, serve};

fn complete(server: &Running, more: Value) -> Value {
    let answer = server.post("/v1/completions", &with(json!({"prompt": "[/INST]", "seed": 7, "temperature": 0}), more));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// What the script says after the token `[/INST]`.
fn prompt() -> Value {
    json!([1, 4])
}

#[test]
fn an_answer_has_exactly_this_shape() {
    let server = saying_text("The fox");
    let answer = complete(&server, json!({"prompt": prompt()}));
    assert!(answer["id"].as_str().unwrap().starts_with("cmpl-"));
    let expected = json!({
        "id": "ID", "object": "text_completion", "created": "TIME", "model": "tiny", "system_fingerprint": "PRINT",
        "choices": [{"index": 0, "text": "The fox", "logprobs": null, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7,
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
fn sixteen_tokens_are_the_default() {
    let answer = complete(&serve(chat_model()), json!({"prompt": "Once", "temperature": 1, "logit_bias": {"2": -100}}));
    assert_eq!(answer["usage"]["completion_tokens"], 16);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
}

#[test]
fn several_prompts_have_several_answers_each() {
    let server = serve(chat_model());
    let sampled = json!({"temperature": 1, "max_tokens": 6, "seed": 5});
    let alone = |prompt: Value, n: u32| complete(&server, with(sampled.clone(), json!({"prompt": prompt, "n": n})));
    let ids = ids("Once");
    let together = complete(&server, with(sampled.clone(), json!({"prompt": [ids, [1, 200, 201]], "n": 2})));
    let texts = |answer: &Value| -> Vec<Value> {
        answer["choices"].as_array().unwrap().iter().map(|choice| choice["text"].clone()).collect()
    };
    let expected = [texts(&alone(json!(ids), 2)), texts(&alone(json!([1, 200, 201]), 2))].concat();
    assert_eq!(texts(&together), expected);
    assert_eq!(together["usage"]["prompt_tokens"], ids.len() + 3);
    assert_eq!(together["usage"]["completion_tokens"], 24);
}

#[test]
fn a_prompt_can_be_repeated() {
    let server = saying_text("The fox");
    let answer = complete(&server, json!({"prompt": "Well", "echo": true, "max_tokens": 0}));
    assert_eq!(answer["choices"][0]["text"], "Well");
    let tokens = ["Well", "then"].map(ids).concat();
    let answer = complete(&server, json!({"prompt": [tokens], "echo": true, "max_tokens": 0}));
    assert_eq!(answer["choices"][0]["text"], "Wellthen");
}

#[test]
fn logprobs_have_their_older_form() {
    let answer = complete(&saying_text("The fox"), json!({"prompt": prompt(), "logprobs": 2}));
    let logprobs = &answer["choices"][0]["logprobs"];
    assert_eq!(logprobs["tokens"], json!(["The", " f", "o", "x"]));
    assert_eq!(logprobs["text_offset"], json!([0, 3, 5, 6]));
    assert_eq!(logprobs["token_logprobs"].as_array().unwrap().len(), 4);
    assert!(logprobs["top_logprobs"].as_array().unwrap().iter().all(|top| top.as_object().unwrap().len() == 2));
}

#[test]
fn a_suffix_makes_it_fill_the_gap() {
    let server = serve(chat_model());
    let answer = complete(&server, json!({"prompt": "def f(", "suffix": "return a", "max_tokens": 4}));
    let rendered = engine::prompt::render_fim(&tokenizer(), TemplateVersion::V13, "def f(", Some("return a")).unwrap();
    assert_eq!(answer["usage"]["prompt_tokens"], rendered.tokens.len());
}

#[test]
fn pieces_together_are_the_whole() {
    let server = serve(chat_model());
    let more = json!({
        "prompt": ["Once", "Twice"], "n": 2, "temperature": 1, "max_tokens": 12, "seed": 3, "logprobs": 1, "echo": false,
    });
    let whole = complete(&server, more.clone());
    let streamed = with(more, json!({"stream": true, "stream_options": {"include_usage": true}}));
    let pieces = chunks(&server.post("/v1/completions", &streamed));
    for choice in whole["choices"].as_array().unwrap() {
        let own = || {
            pieces
                .iter()
                .flat_map(|chunk| chunk["choices"].as_array().unwrap())
                .filter(|c| c["index"] == choice["index"])
        };
        assert_eq!(choice["text"], own().filter_map(|piece| piece["text"].as_str()).collect::<String>().as_str());
        for field in ["tokens", "token_logprobs", "top_logprobs", "text_offset"] {
            let all: Vec<&Value> = own().filter_map(|piece| piece["logprobs"][field].as_array()).flatten().collect();
            assert_eq!(all, choice["logprobs"][field].as_array().unwrap().iter().collect::<Vec<_>>(), "{field}");
        }
        assert_eq!(own().filter(|piece| !piece["finish_reason"].is_null()).count(), 1);
    }
    let last = pieces.last().unwrap();
    assert_eq!(
        (&last["choices"], &last["usage"]["completion_tokens"]),
        (&json!([]), &whole["usage"]["completion_tokens"])
    );
}
