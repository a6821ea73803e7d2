//! What constraints cost: preparing a vocabulary, compiling, and each token's mask.
//!
//! `cargo bench -p grammar` with Mistral's tokenizers in `$TRAMONTANE_SHARED/tokenizers`. The text is that of a given
//! answer, so that the figures are those of every run.

use std::time::{Duration, Instant};

use grammar::{Compiler, Spec};
use serde_json::json;
use tokenizer::Tokenizer;

const ANSWER: &str = r#"{"name": "Château de la Mûre", "kind": "wine", "year": 1998, "tags": ["red", "dry", "a \"quoted\" one"], "notes": "Long and round; leather, plum and a little smoke. Keep it for another ten years, at least!", "scores": [91.5, 88, 95.25], "address": {"street": "3 rue du Port", "city": "Bordeaux", "zip": "33000"}}"#;

fn main() {
    for file in ["tekken_240911.json", "mistral_instruct_tokenizer_240323.model.v3"] {
        let Some(path) = testkit::shared(&format!("tokenizers/{file}")) else { continue };
        let tokenizer = Tokenizer::open(&path).expect("a tokenizer");
        let start = Instant::now();
        let compiler = Compiler::new(&tokenizer).expect("a vocabulary");
        println!("{file}: {} tokens, prepared in {:.0?}", tokenizer.vocab_size(), start.elapsed());
        for (name, spec) in specs() {
            measure(name, &spec, &tokenizer, &compiler);
        }
    }
}

fn specs() -> Vec<(&'static str, Spec)> {
    let address = json!({"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}}, "required": ["street", "city", "zip"], "additionalProperties": false});
    let schema = json!({"type": "object", "properties": {
        "name": {"type": "string"}, "kind": {"enum": ["wine", "beer", "cider"]}, "year": {"type": "integer", "minimum": 1900, "maximum": 2100},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 40}}, "notes": {"type": "string", "maxLength": 500},
        "scores": {"type": "array", "items": {"type": "number"}}, "address": address},
        "required": ["name", "kind", "year", "tags", "notes", "scores", "address"], "additionalProperties": false});
    vec![
        ("json_object", Spec::JsonObject),
        ("schema", Spec::JsonSchema(schema)),
        ("regex", Spec::Regex(r"(?s:.)*".into())),
        ("lark", Spec::Lark("start: object\nobject: \"{\" pair (\", \" pair)* \"}\"\npair: STRING \": \" value\nlist: \"[\" value (\", \" value)* \"]\"\nvalue: STRING | NUMBER | list | object\nSTRING: /\"([^\"\\\\]|\\\\.)*\"/\nNUMBER: /[0-9.]+/".into())),
    ]
}

fn measure(name: &str, spec: &Spec, tokenizer: &Tokenizer, compiler: &Compiler) {
    let start = Instant::now();
    let constraint = compiler.compile(spec).expect("a constraint");
    let compiled = start.elapsed();
    let start = Instant::now();
    drop(compiler.compile(spec));
    let again = start.elapsed();
    let mut first = Duration::ZERO;
    let (mut masks, mut accepts) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let mut constraint = constraint.clone();
        let start = Instant::now();
        constraint.mask(tokenizer.vocab_size()).expect("a mask");
        first = start.elapsed();
        for &token in &tokenizer.encode(ANSWER) {
            let start = Instant::now();
            constraint.mask(tokenizer.vocab_size()).expect("a mask");
            masks.push(start.elapsed());
            let start = Instant::now();
            constraint.accept(token).expect("a token of the answer");
            accepts.push(start.elapsed());
        }
    }
    masks.sort();
    accepts.sort();
    let at = |times: &[Duration], share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1e6;
    println!(
        "  {name}: compiled in {compiled:.1?}, found again in {again:.1?}, begun in {first:.1?}; mask p50 {:.0} µs, p99 {:.0} µs, most {:.0} µs; accept p50 {:.0} µs, p99 {:.0} µs",
        at(&masks, 50),
        at(&masks, 99),
        at(&masks, 100),
        at(&accepts, 50),
        at(&accepts, 99),
    );
}
