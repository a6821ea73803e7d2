//! Tool calls in the form of each template: which answers are allowed under which choice.

use grammar::{Choice, Spec, Tool, Tools};
use serde_json::json;
use testkit::check_table;
use tokenizer::{TemplateVersion, TokenId, Tokenizer};

use crate::tokenizers::small;
use crate::walk::admits;

const TEMPLATES: [&str; 9] =
    ["spm v2", "spm v3", "spm v7", "tekken v3", "tekken v7", "tekken v11", "tekken v13", "tekken v15", "spm v1"];

fn version(name: &str) -> TemplateVersion {
    TemplateVersion::from_name(name.split_once(' ').unwrap().1).unwrap()
}

fn tools(version: TemplateVersion, choice: Choice, parallel: bool) -> Tools {
    let parameters = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
        "required": ["city"],
        "additionalProperties": false
    });
    let tool = |name: &str, strict| Tool { name: name.into(), parameters: parameters.clone(), strict };
    Tools { version, tools: vec![tool("weather", true), tool("find-it", false)], choice, parallel, answer: None }
}

/// Tokens of parts: `[NAME]` stands for a control token, the rest for text.
fn tokens(tokenizer: &Tokenizer, parts: &[&str]) -> Vec<TokenId> {
    let part = |part: &&str| match tokenizer.special(part) {
        Some(control) => vec![control],
        None => tokenizer.encode(part),
    };
    parts.iter().flat_map(part).collect()
}

/// Calls of these tools with these arguments, as the template writes them.
fn calls(tokenizer: &Tokenizer, version: TemplateVersion, calls: &[(&str, &str)]) -> Vec<TokenId> {
    if version >= TemplateVersion::V11 {
        return calls.iter().flat_map(|(n, a)| tokens(tokenizer, &["[TOOL_CALLS]", n, "[ARGS]", a])).collect();
    }
    let each: Vec<_> = calls.iter().map(|(n, a)| format!("{{\"name\": \"{n}\", \"arguments\": {a}}}")).collect();
    tokens(tokenizer, &["[TOOL_CALLS]", &format!("[{}]", each.join(", "))])
}

#[test]
fn calls_are_held_to_names_schemas_and_choice() {
    let (one, other, none) =
        (("weather", r#"{"city": "Nîmes", "days": 3}"#), ("find-it", r#"{"x": [1]}"#), Choice::Auto);
    let named = || Choice::Named("find-it".into());
    let rows = vec![
        (none.clone(), true, vec![one], true),
        (none.clone(), true, vec![one, other], true),
        (none.clone(), false, vec![one, other], false),
        (none.clone(), true, vec![("weather", r#"{"days": 3}"#)], false),
        (none.clone(), true, vec![("weather", r#"{"city": "N", "days": 10}"#)], false),
        (none.clone(), true, vec![("find-it", r#"[1]"#)], false),
        (none, true, vec![("unknown", r#"{}"#)], false),
        (Choice::Required, true, vec![other], true),
        (Choice::Required, true, vec![], false),
        (named(), true, vec![other], true),
        (named(), true, vec![one], false),
    ];
    let templates = TEMPLATES.iter().filter(|name| version(name) > TemplateVersion::V1);
    let rows = templates.flat_map(|name| rows.iter().map(move |row| (format!("{name} {row:?}"), (*name, row))));
    check_table(rows, |(name, (choice, parallel, list, expected))| {
        let (tokenizer, compiler) = small(name);
        let spec = Spec::Tools(tools(version(name), choice.clone(), *parallel));
        let constraint = compiler.compile(&spec).map_err(|e| e.to_string())?;
        let answer = if list.is_empty() { tokenizer.encode("No.") } else { calls(&tokenizer, version(name), list) };
        let admitted = admits(&constraint, &tokenizer, &answer).map_err(|e| e.to_string())?;
        if admitted == *expected { Ok(()) } else { Err(format!("{admitted}")) }
    });
}

#[test]
fn text_thoughts_and_ids_have_their_places() {
    let call = ["[TOOL_CALLS]", "weather", "[ARGS]", r#"{"city": ""}"#];
    let with = |before: &[&'static str]| [before, &call].concat();
    let rows: Vec<(&str, Choice, Vec<&str>, bool)> = vec![
        ("spm v3", Choice::Auto, vec!["Just [TOOL_CALLS] text."], true),
        ("tekken v13", Choice::Auto, vec!["Just text."], true),
        ("tekken v13", Choice::Auto, with(&["Let me see.\n"]), true),
        ("tekken v13", Choice::Auto, with(&["[THINK]", "hm\nhm", "[/THINK]", "Let me see."]), true),
        ("tekken v13", Choice::Required, with(&["[THINK]", "hm\nhm", "[/THINK]"]), true),
        ("tekken v13", Choice::Required, with(&["Let me see."]), false),
        ("tekken v13", Choice::Auto, with(&["Let me see.", "[THINK]", "hm", "[/THINK]"]), false),
        (
            "tekken v11",
            Choice::Required,
            vec!["[TOOL_CALLS]", "weather", "[CALL_ID]", "abcDEF123", "[ARGS]", r#"{"city": ""}"#],
            true,
        ),
        (
            "tekken v11",
            Choice::Required,
            vec!["[TOOL_CALLS]", "weather", "[CALL_ID]", "abc", "[ARGS]", r#"{"city": ""}"#],
            false,
        ),
        (
            "tekken v13",
            Choice::Required,
            vec!["[TOOL_CALLS]", "weather", "[CALL_ID]", "abcDEF123", "[ARGS]", r#"{"city": ""}"#],
            false,
        ),
        (
            "spm v7",
            Choice::Required,
            vec!["[TOOL_CALLS]", r#"[{"name": "weather", "arguments": {"city": ""}, "id": "abcDEF123"}]"#],
            true,
        ),
        (
            "spm v2",
            Choice::Required,
            vec!["[TOOL_CALLS]", r#"[{"name": "weather", "arguments": {"city": ""}, "id": "abcDEF123"}]"#],
            false,
        ),
    ];
    check_table(rows.iter().map(|row| (format!("{row:?}"), row)), |(name, choice, parts, expected)| {
        let (tokenizer, compiler) = small(name);
        let spec = Spec::Tools(tools(version(name), choice.clone(), true));
        let constraint = compiler.compile(&spec).map_err(|e| e.to_string())?;
        let admitted = admits(&constraint, &tokenizer, &tokens(&tokenizer, parts)).map_err(|e| e.to_string())?;
        if admitted == *expected { Ok(()) } else { Err(format!("{admitted}")) }
    });
}

#[test]
fn an_answer_without_calls_may_be_described() {
    let (tokenizer, compiler) = small("tekken v15");
    let described =
        Tools { answer: Some(Box::new(Spec::JsonObject)), ..tools(TemplateVersion::V15, Choice::Auto, true) };
    let constraint = compiler.compile(&Spec::Tools(described)).unwrap();
    let admits = |parts: &[&str]| admits(&constraint, &tokenizer, &tokens(&tokenizer, parts)).unwrap();
    assert!(admits(&[r#"{"a": 1}"#]));
    assert!(admits(&["[THINK]", "so", "[/THINK]", r#"{"a": 1}"#]));
    assert!(admits(&["[TOOL_CALLS]", "weather", "[ARGS]", r#"{"city": "x"}"#]));
    assert!(!admits(&["text"]));
}

#[test]
fn a_thought_may_come_before_an_answer() {
    let (tokenizer, compiler) = small("tekken v13");
    let spec = Spec::AfterThought(Box::new(Spec::JsonObject));
    let mut constraint = compiler.compile(&spec).unwrap();
    let thought = tokens(&tokenizer, &["[THINK]", "so", "[/THINK]", "{}"]);
    assert!(admits(&constraint, &tokenizer, &thought).unwrap());
    assert!(admits(&constraint, &tokenizer, &tokenizer.encode("{}")).unwrap());
    constraint.begin(grammar::Start::WithinThought).unwrap();
    assert!(admits(&constraint, &tokenizer, &thought[1..]).unwrap());
    let mut plain = compiler.compile(&Spec::JsonObject).unwrap();
    assert!(plain.begin(grammar::Start::WithinThought).is_err());
    let (spm, compiler) = small("spm v7");
    assert!(admits(&compiler.compile(&spec).unwrap(), &spm, &spm.encode("{}")).unwrap());
}

#[test]
fn tools_that_cannot_be_called_are_refused() {
    let (_, compiler) = small("tekken v13");
    let (_, old) = small("spm v2");
    let base = || tools(TemplateVersion::V13, Choice::Auto, true);
    let with = |change: &dyn Fn(&mut Tools)| {
        let mut tools = base();
        change(&mut tools);
        Spec::Tools(tools)
    };
    let rows = [
        ("version", &compiler, with(&|t| t.version = TemplateVersion::V1), "v1 of this model has no tool calls"),
        ("tokens", &old, with(&|_| {}), "[ARGS]"),
        ("named", &compiler, with(&|t| t.choice = Choice::Named("x".into())), "`x`"),
        ("none", &compiler, with(&|t| t.tools.clear()), "not among"),
        ("name", &compiler, with(&|t| t.tools[0].name = "a b\"".into()), "`a b\"`"),
        ("schema", &compiler, with(&|t| t.tools[0].parameters = json!({"type": "string"})), "`weather`"),
        ("keyword", &compiler, with(&|t| t.tools[0].parameters = json!({"type": "object", "not": {}})), "`not` at `#`"),
        (
            "answer",
            &compiler,
            with(&|t| (t.answer, t.choice) = (Some(Box::new(Spec::JsonObject)), Choice::Required)),
            "call is required",
        ),
    ];
    check_table(
        rows.into_iter().map(|(name, compiler, spec, part)| (name, (compiler, spec, part))),
        |(compiler, spec, part)| match compiler.compile(&spec) {
            Err(error) if error.to_string().contains(part) => Ok(()),
            Err(error) => Err(error.to_string()),
            Ok(_) => Err("it compiled".to_string()),
        },
    );
}
