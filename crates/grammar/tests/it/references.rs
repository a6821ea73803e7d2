//! Against references that we did not write: PyPI `jsonschema` and Python's `re` (`vectors/grammar/make.py`).

use std::collections::BTreeMap;

use grammar::{Constraint, Spec, Start};
use serde_json::Value;
use testkit::{Random, check_table, vectors};
use tokenizer::{TokenId, Tokenizer};

use crate::tokenizers::{both_kinds, small};
use crate::walk::admits;

/// Every valid text is admitted, token by token, and no invalid one.
fn check(file: &str, spec: impl Fn(&Value) -> Spec) {
    let rows = testkit::json(&vectors("grammar").join(file));
    let kinds: Vec<_> = both_kinds().collect();
    let rows = rows.as_array().unwrap();
    let rows = rows.iter().flat_map(|row| kinds.iter().map(move |kind| (format!("{}: {row}", kind.0), (kind, row))));
    check_table(rows, |((_, tokenizer, compiler), row)| {
        let constraint = compiler.compile(&spec(row)).map_err(|e| e.to_string())?;
        for (key, expected) in [("valid", true), ("invalid", false)] {
            for text in row[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap()) {
                let admitted = admits(&constraint, tokenizer, &tokenizer.encode(text)).map_err(|e| e.to_string())?;
                if admitted != expected {
                    return Err(format!("\n  {key} text {text:?}: {admitted}"));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn schemas_admit_what_jsonschema_finds_valid() {
    check("schemas.json", |row| Spec::JsonSchema(row["schema"].clone()));
}

#[test]
fn regular_expressions_admit_what_re_matches() {
    check("regexes.json", |row| Spec::Regex(row["regex"].as_str().unwrap().to_owned()));
}

/// Values drawn at random under each schema are the recorded ones, which `make.py check` found valid; with
/// `TRAMONTANE_BLESS=1` in the environment they are recorded anew.
#[test]
fn values_drawn_under_a_schema_are_those_that_were_checked() {
    let (tokenizer, compiler) = small("tekken v13");
    let mut drawn: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in testkit::json(&vectors("grammar/schemas.json")).as_array().unwrap() {
        let constraint = compiler.compile(&Spec::JsonSchema(row["schema"].clone())).unwrap();
        let texts = (0..12).filter_map(|seed| draw(constraint.clone(), &tokenizer, seed));
        drawn.insert(row["name"].as_str().unwrap().to_owned(), texts.collect());
    }
    let path = vectors("grammar/drawn.json");
    if std::env::var_os("TRAMONTANE_BLESS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&drawn).unwrap() + "\n").unwrap();
    }
    let recorded: BTreeMap<String, Vec<String>> = serde_json::from_value(testkit::json(&path)).unwrap();
    let total: usize = drawn.values().map(Vec::len).sum();
    assert!(total > 200, "{total} came to an end");
    check_table(drawn.iter().map(|(name, texts)| (name, (name, texts))), |(name, texts)| {
        if recorded.get(name) == Some(texts) { Ok(()) } else { Err(format!("{texts:?}")) }
    });
}

/// A text of tokens taken at random from the masks, if it comes to an end.
fn draw(mut constraint: Constraint, tokenizer: &Tokenizer, seed: u64) -> Option<String> {
    let mut random = Random::new(seed);
    let mut tokens = Vec::new();
    constraint.begin(Start::Text).unwrap();
    while tokens.len() < 60 {
        let mask = constraint.mask(tokenizer.vocab_size()).unwrap();
        let is_end = |token: &TokenId| Some(*token) == tokenizer.eos();
        let allowed: Vec<_> = (0..mask.len() as u32).map(TokenId).filter(|&t| mask.allows(t)).collect();
        if allowed.iter().any(is_end) && (allowed.len() == 1 || random.below(2) == 0) {
            return Some(tokenizer.decode(&tokens));
        }
        // Half of the time what closes something, or nothing would come to an end.
        let closes = |token: &&TokenId| {
            tokenizer
                .token_bytes(**token)
                .is_some_and(|bytes| matches!(bytes, b"\"" | b"]" | b"}" | b"\"}" | b"\"]" | b"}}"))
        };
        let closing: Vec<_> = allowed.iter().filter(closes).copied().collect();
        let from = if !closing.is_empty() && random.below(2) == 0 { closing } else { allowed };
        let from: Vec<_> = from.into_iter().filter(|token| !is_end(token)).collect();
        let token = from[random.below(from.len())];
        constraint.accept(token).unwrap();
        tokens.push(token);
    }
    None
}
