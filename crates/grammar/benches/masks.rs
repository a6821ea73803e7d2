//! What constraints cost: preparing a vocabulary, compiling, and each token's mask.
//!
//! `cargo bench -p grammar` with Mistral's tokenizers in `$TRAMONTANE_SHARED/tokenizers`. The text is that of a given
//! answer, so that the figures are those of every run.

use std::time::{Duration, Instant};

use grammar::{Compiler, Spec, limits};
use serde_json::json;
use testkit::Random;
use tokenizer::{TokenId, Tokenizer};

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
        for (name, spec) in hostile() {
            endure(name, &spec, &tokenizer, &compiler);
        }
        let before = resident();
        for i in 0..4 * limits::CACHE_ENTRIES {
            drop(compiler.compile(&Spec::JsonSchema(json!({"const": i}))));
        }
        let (entries, bytes) = compiler.cached();
        println!("  {entries} small schemas kept: {bytes} bytes by our count, {} by the system's", resident() - before);
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

fn hostile() -> Vec<(&'static str, Spec)> {
    let tagged = |i: usize| json!({"type": "object", "properties": {format!("p{i}"): {"type": "string"}}});
    vec![
        (
            "9,000 enum values",
            Spec::JsonSchema(json!({"enum": (0..9_000).map(|i| format!("value {i}")).collect::<Vec<_>>()})),
        ),
        ("10^5 items", Spec::JsonSchema(json!({"type": "array", "minItems": 100_000}))),
        ("10^5 characters", Spec::JsonSchema(json!({"type": "string", "minLength": 100_000}))),
        (
            "300 optional keys",
            Spec::JsonSchema(
                json!({"properties": (0..300).map(|i| (format!("k{i}"), json!({"type": "string"}))).collect::<serde_json::Map<_, _>>()}),
            ),
        ),
        ("anyOf 200 records", Spec::JsonSchema(json!({"anyOf": (0..200).map(tagged).collect::<Vec<_>>()}))),
        ("window", Spec::Regex("(a|b)*a(a|b){500}c".into())),
        ("long window", Spec::Regex("(.|b)*a(.|b){5000}c".into())),
        ("unicode window", Spec::Regex(r"(\w+ ?)*[\p{L}\p{N}]{1,200}(\w+,?){1,300}".into())),
        ("ambiguity", Spec::Lark("start: s\ns: s s | \"a\" | s s s | \"a\" s".into())),
        (
            "many terminals",
            Spec::Lark(
                (0..400).fold("start: (".to_owned(), |s, i| format!("{s}T{i} | "))
                    + "\"x\")*\n"
                    + &(0..400).map(|i| format!("T{i}: /[a-z]{{1,{}}}[0-9]*{i}/\n", i % 50 + 1)).collect::<String>(),
            ),
        ),
    ]
}

/// What the worst tokens of a specification cost, drawn at random.
fn endure(name: &str, spec: &Spec, tokenizer: &Tokenizer, compiler: &Compiler) {
    let (start, before) = (Instant::now(), resident());
    let constraint = match compiler.compile(spec) {
        Ok(constraint) => constraint,
        Err(error) => return println!("  {name}: refused in {:.0?}: {error}", start.elapsed()),
    };
    let compiled = start.elapsed();
    let kept = resident().saturating_sub(before);
    let (mut worst, mut total, mut count, mut end) = (Duration::ZERO, Duration::ZERO, 0, "");
    for seed in 0..2 {
        let (mut constraint, mut random) = (constraint.clone(), Random::new(seed));
        for _ in 0..200 {
            let start = Instant::now();
            let Ok(mask) = constraint.mask(tokenizer.vocab_size()) else {
                end = ", then refused";
                break;
            };
            let allowed: Vec<_> = (0..mask.len() as u32).map(TokenId).filter(|&t| mask.allows(t)).collect();
            let token = allowed[random.below(allowed.len())];
            if constraint.accept(token).is_err() || constraint.is_finished() {
                break;
            }
            (worst, total, count) = (worst.max(start.elapsed()), total + start.elapsed(), count + 1);
        }
    }
    let mean = total.checked_div(count).unwrap_or_default();
    let grown = resident().saturating_sub(before);
    println!(
        "  {name}: compiled in {compiled:.1?} ({kept} bytes); a token {mean:.0?}, at most {worst:.0?}, {count} tokens{end}; {grown} bytes in the end"
    );
}

/// Bytes of this process in memory.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    pages.and_then(|line| line.split(' ').nth(1)?.parse::<usize>().ok()).map_or(0, |pages| pages * 4096)
}
