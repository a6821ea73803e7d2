//! `tokenize`: bare files, models, conversations.

use serde_json::json;

use crate::program::{argument, folder, stories, tramontane, with};

#[test]
fn a_real_tekken_file() {
    let Some(path) = testkit::shared("tokenizers/tekken_240911.json") else { return };
    let path = argument(&path);
    let found = tramontane(&["tokenize", path, "a  b", "--json"]).json();
    assert_eq!(found, json!({ "tokens": [1, 1097, 1032, 1289], "pieces": ["<s>", "a", " ", " b"] }));
    let without = with(&["tokenize", path, "--json", "--no-bos"], "a  b", &[]).json();
    assert_eq!(without["tokens"], json!([1097, 1032, 1289]));
    assert_eq!(tramontane(&["tokenize", path, "a\n"]).text(), "      1  \"<s>\"\n   1097  \"a\"\n   1010  \"\\n\"\n");
}

#[test]
fn a_conversation() {
    let Some(path) = testkit::shared("tokenizers/mistral_instruct_tokenizer_240323.model.v3") else { return };
    let chat = folder("tokenize").join("chat.json");
    std::fs::write(&chat, r#"{"messages": [{"role": "user", "content": "[INST]"}]}"#).unwrap();
    let found = tramontane(&["tokenize", argument(&path), "--chat", argument(&chat), "--json"]).json();
    assert_eq!(found["pieces"], json!(["<s>", "[INST]", "▁[", "INST", "]", "[/INST]"]));
    let run = with(&["tokenize", argument(&path), "--chat", "-"], r#"{"messages": [], "toools": []}"#, &[]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("toools"), "{run:?}");
}

#[test]
fn a_model() {
    let Some(model) = stories() else { return };
    let found = tramontane(&["tokenize", &model, "Once upon a time", "--json"]).json();
    assert_eq!(found["tokens"], json!([1, 403, 407, 261, 378]));
}
