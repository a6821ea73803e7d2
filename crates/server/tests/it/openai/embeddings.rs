//! `/v1/embeddings`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::ids;
use crate::testing::{Running, chat_model, serve};

fn embed(server: &Running, body: Value) -> Value {
    let answer = server.post("/v1/embeddings", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn texts_become_vectors_of_length_one() {
    let server = serve(chat_model());
    let answer =
        embed(&server, json!({"input": ["The fox", "Well, then"], "model": "tiny", "dimensions": 128, "user": "u"}));
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("tiny")));
    let tokens = 2 + ids("The fox").len() + ids("Well, then").len();
    assert_eq!(answer["usage"], json!({"prompt_tokens": tokens, "total_tokens": tokens}));
    for (index, one) in answer["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&one["object"], &one["index"]), (&json!("embedding"), &json!(index)));
        let vector: Vec<f64> = serde_json::from_value(one["embedding"].clone()).unwrap();
        let length: f64 = vector.iter().map(|x| x * x).sum();
        assert!(vector.len() == 128 && (length - 1.0).abs() < 1e-5, "{length}");
    }
    assert_ne!(answer["data"][0]["embedding"], answer["data"][1]["embedding"]);
}

#[test]
fn every_form_of_the_input_is_the_same_text() {
    let server = serve(chat_model());
    let text = embed(&server, json!({"input": "The fox"}))["data"][0]["embedding"].clone();
    let mut tokens = vec![1];
    tokens.extend(ids("The fox"));
    for input in [json!(["The fox"]), json!(tokens), json!([tokens])] {
        assert_eq!(embed(&server, json!({"input": input}))["data"][0]["embedding"], text, "{input}");
    }
    let encoded = embed(&server, json!({"input": "The fox", "encoding_format": "base64"}));
    let bytes = BASE64_STANDARD.decode(encoded["data"][0]["embedding"].as_str().unwrap()).unwrap();
    let floats: Vec<f32> = bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    assert_eq!(floats, serde_json::from_value::<Vec<f32>>(text).unwrap());
}
