//! Which texts are answers.

use grammar::{Spec, Start};
use serde_json::json;
use testkit::check_table;

use crate::tokenizers::{both_kinds, small};
use crate::walk::admits;

#[test]
fn the_whole_text_is_what_the_specification_says() {
    let object = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]});
    let rows = [
        (Spec::JsonObject, r#"{"x": [1, 2.5, null, "é👍"]}"#, true),
        (Spec::JsonObject, "[1]", false),
        (Spec::JsonObject, r#"{"x": 1} "#, false),
        (Spec::JsonSchema(object.clone()), "{\n  \"a\": -3\n}", true),
        (Spec::JsonSchema(object.clone()), r#"{"a": "3"}"#, false),
        (Spec::JsonSchema(object), "{}", false),
        (Spec::Regex(r"[a-c]+/\d{2}".into()), "abc/12", true),
        (Spec::Regex(r"[a-c]+/\d{2}".into()), "abc/1", false),
        (Spec::Regex(" x".into()), " x", true),
        (Spec::Regex(" x".into()), "x", false),
        (Spec::Lark("start: \"yes\" | \"no\" \" \" NAME\nNAME: /[a-z]+/".into()), "no way", true),
        (Spec::Lark("start: \"yes\" | \"no\" \" \" NAME\nNAME: /[a-z]+/".into()), "no", false),
    ];
    let kinds: Vec<_> = both_kinds().collect();
    let rows = kinds.iter().flat_map(|kind| rows.iter().map(move |row| (format!("{}: {row:?}", kind.0), (kind, row))));
    check_table(rows, |((_, tokenizer, compiler), (spec, text, expected))| {
        let mut constraint = compiler.compile(spec).map_err(|e| e.to_string())?;
        let admitted = admits(&constraint, tokenizer, &tokenizer.encode(text)).map_err(|e| e.to_string())?;
        constraint.begin(Start::WithinText).map_err(|e| e.to_string())?;
        let within = tokenizer.encode_without_prefix(text);
        let continued = admits(&constraint, tokenizer, &within).map_err(|e| e.to_string())?;
        if (admitted, continued) == (*expected, *expected) { Ok(()) } else { Err(format!("{admitted}, {continued}")) }
    });
}

#[test]
fn masks_agree_with_what_is_accepted() {
    for (name, tokenizer, compiler) in both_kinds() {
        let mut constraint = compiler.compile(&Spec::Regex("(é|ab+)c?".into())).unwrap();
        for &token in &tokenizer.encode("abbc") {
            let mask = constraint.mask(tokenizer.vocab_size() + 7).unwrap();
            assert_eq!(mask.len(), tokenizer.vocab_size() + 7);
            assert!(mask.allows(token), "{name} {token}");
            assert!(!constraint.may_end().unwrap() || mask.allows(tokenizer.eos().unwrap()));
            constraint.accept(token).unwrap();
        }
        assert!(constraint.is_finished());
        let end = constraint.mask(tokenizer.vocab_size()).unwrap();
        assert_eq!((end.count(), end.allows(tokenizer.eos().unwrap())), (1, true));
    }
}

#[test]
fn a_state_can_be_tried_and_taken_back() {
    let (tokenizer, compiler) = small("tekken v13");
    let mut constraint = compiler.compile(&Spec::JsonObject).unwrap();
    let tokens = tokenizer.encode(r#"{"key": [1, 2]}"#);
    let wrong = tokenizer.encode(r#"{"key": [1, }"#);
    assert_eq!(constraint.accepts(&tokens).unwrap(), tokens.len());
    assert!(constraint.accepts(&wrong).unwrap() < wrong.len());
    let first = constraint.mask(tokenizer.vocab_size()).unwrap();
    tokens.iter().for_each(|&token| constraint.accept(token).unwrap());
    assert!(constraint.is_finished());
    constraint.rollback(tokens.len()).unwrap();
    assert_eq!(constraint.mask(tokenizer.vocab_size()).unwrap(), first);
    assert!(constraint.accept(wrong[wrong.len() - 1]).is_err());
    assert_eq!(constraint.mask(tokenizer.vocab_size()).unwrap(), first, "a token refused changes nothing");
}
