//! Specifications built to hurt: each ends in an error that says what and where, or compiles within the bounds.

use std::time::Instant;

use grammar::{Error, Spec, limits};
use serde_json::{Value, json};
use testkit::check_table;

use crate::tokenizers::small;

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!({"type": "string"}), |inner, _| json!({"type": "object", "properties": {"a": inner}}))
}

/// `Some(part of the message)`: refused; `None`: compiles, or takes too long and is left.
fn check(rows: Vec<(&str, Spec, Option<&str>)>) {
    let (tokenizer, compiler) = small("tekken v13");
    check_table(rows.into_iter().map(|(name, spec, expected)| (name, (spec, expected))), |(spec, expected)| {
        let start = Instant::now();
        let outcome = compiler.compile(&spec).and_then(|mut constraint| constraint.mask(tokenizer.vocab_size()));
        if start.elapsed() > 3 * limits::COMPILE_TIME {
            return Err(format!("took {:?}", start.elapsed()));
        }
        match (outcome, expected) {
            // A machine that is busy with other things may need longer than compiling may take.
            (Ok(_) | Err(Error::CompileTime { .. } | Error::Busy), None) => Ok(()),
            (Err(error), Some(part)) if error.to_string().contains(part) => Ok(()),
            (Err(error), _) => Err(format!("{error}")),
            (Ok(_), Some(_)) => Err("it compiled".into()),
        }
    });
}

#[test]
fn schemas() {
    let schema = Spec::JsonSchema;
    let pattern = |pattern: &str| schema(json!({"type": "string", "pattern": pattern}));
    let tagged = |i: usize| json!({"type": "object", "properties": {format!("p{i}"): {"type": "string"}}});
    let product: Vec<Value> = (0..12).map(|_| json!({"oneOf": (0..12).map(tagged).collect::<Vec<_>>()})).collect();
    let deep = (0..100_000).fold(String::new(), |s, _| s + "[");
    assert!(serde_json::from_str::<Value>(&deep).is_err(), "the parser of requests bounds depth by itself");
    check(vec![
        ("200 levels", schema(nested(200)), Some("nesting")),
        ("60 levels", schema(nested(60)), None),
        ("a type that is none", schema(json!({"type": "something"})), Some("`#/type`")),
        ("an open group", pattern("("), Some("unclosed group")),
        ("look-behind", pattern("(?<=a)b"), Some("look-around")),
        ("nested repetition", pattern("(a+)+b"), None),
        ("repetition of repetition", pattern("((a{1,1000}){1,1000}){1,1000}"), None),
        ("a reference to itself", schema(json!({"$ref": "#"})), Some("JSON schema")),
        (
            "references in a circle",
            schema(json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}})),
            Some("JSON schema"),
        ),
        ("a list of itself", schema(json!({"type": "array", "items": {"$ref": "#"}})), None),
        ("a reference elsewhere", schema(json!({"$ref": "https://example.com/x.json"})), Some("`#/$ref`")),
        ("10^5 values", schema(json!({"enum": (0..100_000).collect::<Vec<_>>()})), Some("too large")),
        ("9,000 values", schema(json!({"enum": (0..9_000).map(|i| format!("value {i}")).collect::<Vec<_>>()})), None),
        ("10^9 items", schema(json!({"type": "array", "minItems": 1_000_000_000})), Some("`#/minItems`")),
        ("10^5 items", schema(json!({"type": "array", "minItems": 100_000})), None),
        ("10^5 characters", schema(json!({"type": "string", "minLength": 100_000})), None),
        ("-1 items", schema(json!({"type": "array", "minItems": -1})), Some("`#/minItems`")),
        (
            "a oneOf whose parts overlap",
            schema(json!({"oneOf": [{"type": "string"}, {"enum": ["a"]}]})),
            Some("write `anyOf`"),
        ),
        ("a product of oneOf", schema(json!({"allOf": product})), Some("JSON schema")),
        ("nothing allowed", schema(json!(false)), Some("allows nothing")),
        ("nothing allowed, inside", schema(json!({"enum": ["a"], "minLength": 2})), Some("JSON schema")),
        ("not a schema", schema(json!(3)), Some("an object, `true` or `false`")),
        (
            "a keyword that cannot be enforced",
            schema(json!({"properties": {"a/b": {"uniqueItems": true}}})),
            Some("`uniqueItems` at `#/properties/a~1b`"),
        ),
        ("a keyword from nowhere", schema(json!({"x-guidance": {"lenient": true}})), Some("`x-guidance` at `#`")),
        (
            "a format from nowhere",
            schema(json!({"type": "string", "format": "colour"})),
            Some("Unknown format: colour"),
        ),
        ("a long number", schema(json!({"type": "number", "multipleOf": 1e-300})), Some("JSON schema")),
        ("no number", schema(json!({"type": "number", "minimum": "0"})), Some("minimum")),
        ("long text in an error", schema(json!({"type": "number", "minimum": "é".repeat(200)})), Some("JSON schema")),
        (
            "keywords that inform",
            schema(json!({"title": "t", "deprecated": true, "examples": [1], "type": "integer"})),
            None,
        ),
    ]);
}

#[test]
fn regular_expressions() {
    let regex = |text: &str| Spec::Regex(text.into());
    check(vec![
        ("empty", regex(""), None),
        ("an open group", regex("("), Some("unclosed group")),
        ("look-behind", regex("(?<!a)b"), Some("look-around")),
        ("look-ahead", regex("a(?=b)"), Some("look-around")),
        ("a back-reference", regex(r"(a)\1"), Some("backreferences")),
        ("nested repetition", regex("(a+)+b"), None),
        ("60,000 nested groups", regex(&("(".repeat(60_000) + &")".repeat(60_000))), Some("too large")),
        ("8,000 nested groups", regex(&("(".repeat(8_000) + &")".repeat(8_000))), Some("nest")),
        ("repetition of repetition", regex("(((a{1000}){1000}){1000}){1000}"), None),
        ("many alternatives", regex(&"(a|b)?".repeat(2_000)), Some("too complex")),
        ("a window", regex("(a|b)*a(a|b){500}c"), None),
    ]);
}

#[test]
fn grammars() {
    let lark = |text: &str| Spec::Lark(text.into());
    let chain = |n: usize| {
        (0..n).fold("start: r0\n".to_owned(), |s, i| format!("{s}r{i}: r{}\n", i + 1)) + &format!("r{n}: \"a\"")
    };
    check(vec![
        ("empty", lark(""), Some("start")),
        ("no start", lark("a: \"x\""), Some("start")),
        ("left recursion", lark("start: start \"a\" | \"b\""), None),
        ("right recursion", lark("start: \"a\" start | \"b\""), None),
        ("a rule that is itself", lark("start: a\na: b\nb: a"), Some("Lark grammar")),
        ("a terminal that is itself", lark("start: A\nA: B\nB: A"), Some("circular")),
        (
            "60,000 nested groups",
            lark(&format!("start: {}\"a\"{}", "(".repeat(60_000), ")".repeat(60_000))),
            Some("too large"),
        ),
        (
            "20,000 nested groups",
            lark(&format!("start: {}\"a\"{}", "(".repeat(20_000), ")".repeat(20_000))),
            Some("nested"),
        ),
        ("a long chain of rules", lark(&chain(4_000)), None),
        ("ambiguity", lark("start: s\ns: s s | \"a\""), None),
        ("a control token", lark("start: <[2]>"), Some("names a token")),
        ("a control token by name", lark("start: \"a\" <control 2>"), Some("names a token")),
        ("another grammar", lark("start: @part_0"), Some("names another grammar")),
        ("its own rules", lark("%llguidance {\"no_forcing\": true}\nstart: \"a\""), Some("%llguidance")),
        ("a schema that is refused", lark("start: %json {\"not\": {}}"), Some("`not` at `#`")),
        ("a schema that is not", lark("start: \"<@\" %json {\"type\": \"null\"} /<\\/@/ // <\n"), None),
        ("an import from nowhere", lark("%import other.X\nstart: X"), Some("Lark grammar")),
    ]);
}

#[test]
fn many_small_schemas_stay_within_the_cache() {
    let (_, compiler) = small("spm v3");
    let one = |i: usize| Spec::JsonSchema(json!({"const": format!("{i}")}));
    for i in 0..2 * limits::CACHE_ENTRIES {
        compiler.compile(&one(i)).unwrap();
        let (entries, bytes) = compiler.cached();
        assert!(entries <= limits::CACHE_ENTRIES && bytes <= limits::CACHE_BYTES, "{entries}, {bytes}");
    }
}
