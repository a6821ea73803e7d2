//! From generated tokens back to messages: what a template writes, the parser reads.

use prompt::{AnswerEvent, AnswerParser, Assistant, Chunk, Content, ToolCall, parse_answer};
use testkit::check_table;
use tokenizer::{TemplateVersion, TokenId, Tokenizer};

use crate::tokenizers;

/// Tokens of a text in which `[…]` are control tokens.
fn tokens(tokenizer: &Tokenizer, text: &str) -> Vec<TokenId> {
    let mut tokens = Vec::new();
    for part in text.split_inclusive(']').flat_map(|part| match part.find('[') {
        Some(at) if tokenizer.special(&part[at..]).is_some() => vec![&part[..at], &part[at..]],
        _ => vec![part],
    }) {
        match tokenizer.special(part) {
            Some(token) => tokens.push(token),
            None => tokens.extend(tokenizer.encode(part)),
        }
    }
    tokens
}

fn parse(name: &str, text: &str) -> Result<Assistant, String> {
    let tokenizer = tokenizers::small(name);
    let version = TemplateVersion::from_name(name.split(' ').nth(1).unwrap()).unwrap();
    let mut count = 0;
    let new_id = || {
        count += 1;
        format!("new{count:06}")
    };
    parse_answer(&tokenizer, version, &tokens(&tokenizer, text), new_id).map_err(|error| error.to_string())
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: Some(id.to_owned()), name: name.to_owned(), arguments: arguments.to_owned() }
}

fn text(text: &str) -> Chunk {
    Chunk::Text(text.to_owned())
}

fn thought(text: &str, closed: bool) -> Chunk {
    Chunk::Thinking { text: text.to_owned(), closed }
}

#[test]
fn answers() {
    let (f, g) = (call("new000001", "f", r#"{"x": "é"}"#), call("new000002", "g", "{}"));
    let named = call("abcdefghi", "f", r#"{"x": "é"}"#);
    let rows = [
        ("spm v1", "plain [TOOL_CALLS]", vec![text("plain [TOOL_CALLS]")], vec![]),
        ("spm v3", "Hello  world\n", vec![text("Hello  world\n")], vec![]),
        ("tekken v13", "", vec![], vec![]),
        ("spm v2", r#"[TOOL_CALLS][{"name": "f", "arguments": {"x":"é"}}]"#, vec![], vec![f.clone()]),
        (
            "spm v3",
            r#"[TOOL_CALLS][{"name": "f", "arguments": {"x":"é"}, "id": "abcdefghi"}]"#,
            vec![],
            vec![named.clone()],
        ),
        (
            "tekken v7",
            r#"sure[TOOL_CALLS][{"name": "f", "arguments": {"x":"\u00e9"}}, {"arguments": {}, "name": "g"}]"#,
            vec![text("sure")],
            vec![f.clone(), g.clone()],
        ),
        (
            "tekken v11",
            r#"[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{"x": "é"}[TOOL_CALLS]g[ARGS]{}"#,
            vec![],
            vec![named, call("new000001", "g", "{}")],
        ),
        ("tekken v13", r#"a[TOOL_CALLS]f[ARGS]{"x": "é"}[TOOL_CALLS]g[ARGS]{}"#, vec![text("a")], vec![f.clone(), g]),
        ("tekken v13", "[THINK]hm\n[/THINK]so", vec![thought("hm\n", true), text("so")], vec![]),
        (
            "tekken v13",
            "a[THINK]b[/THINK]c[THINK]d",
            vec![text("a"), thought("b", true), text("c"), thought("d", false)],
            vec![],
        ),
        ("tekken v13", "[THINK][/THINK]", vec![thought("", true)], vec![]),
        ("tekken v15", r#"[THINK]b[TOOL_CALLS]f[ARGS]{"x":"é"}"#, vec![thought("b", false)], vec![f]),
        ("tekken v13", "a[IMG]b[ARGS]c", vec![text("abc")], vec![]),
        // mistral-common refuses these two.
        ("tekken v13", "a[/THINK]b", vec![text("ab")], vec![]),
        ("tekken v13", "[THINK]a[THINK]b[/THINK]c[/THINK]", vec![thought("ab", true), text("c")], vec![]),
    ];
    check_table(rows.map(|row| (format!("{}: {}", row.0, row.1), row)), |(name, answer, chunks, tool_calls)| {
        let content = match chunks.as_slice() {
            [] => Content::default(),
            [Chunk::Text(text)] => Content::Text(text.clone()),
            _ => Content::Chunks(chunks),
        };
        let expected = Assistant { content, tool_calls, prefix: false };
        let ours = parse(name, answer)?;
        if ours == expected { Ok(()) } else { Err(format!("{ours:?}")) }
    });
}

#[test]
fn refusals() {
    let rows = [
        ("tekken v13", "[TOOL_CALLS]f[/THINK]", "the model's tool call cannot be read, it has no arguments: \"f\""),
        ("tekken v7", "[TOOL_CALLS]{}", "the model's tool call cannot be read, it is no JSON list: \"{}\""),
        ("tekken v7", "[TOOL_CALLS][{}]", "the model's tool call cannot be read, it has no name: \"[{}]\""),
        ("tekken v13", "[TOOL_CALLS]f", "the model's tool call cannot be read, it has no arguments: \"f\""),
        (
            "tekken v13",
            "[TOOL_CALLS]f[ARGS]{\"x",
            "the model's tool call cannot be read, its arguments are not JSON: \"{\\\"x\"",
        ),
        (
            "tekken v13",
            "[TOOL_CALLS]f[ARGS]3",
            "the model's tool call cannot be read, its arguments are no JSON object: \"3\"",
        ),
        (
            "tekken v11",
            "[TOOL_CALLS]f[ARGS]{}[ARGS]{}",
            "the model's tool call cannot be read, its fields are out of order: \"{}\"",
        ),
    ];
    check_table(rows.map(|row| (format!("{}: {}", row.0, row.1), row)), |(name, answer, message)| {
        match parse(name, answer) {
            Err(error) if error == message => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn events_come_as_the_tokens_come() {
    let tokenizer = tokenizers::small("tekken v13");
    let mut parser = AnswerParser::new(&tokenizer, TemplateVersion::V13, String::new);
    let mut seen = String::new();
    for token in tokens(&tokenizer, "[THINK]é[/THINK]你好") {
        for event in parser.push(token).unwrap() {
            seen += &match event {
                AnswerEvent::Text(text) => text,
                AnswerEvent::Thinking(text) => format!("({text}"),
                AnswerEvent::ThinkingEnd => ")".to_owned(),
                AnswerEvent::ToolCall(call) => call.name,
            };
        }
    }
    assert_eq!(seen, "((é)你好");
    assert_eq!(parser.finish().unwrap(), []);
}

/// `prefix`: the client has the beginning of the answer, and puts what comes behind it.
#[test]
fn an_answer_begun_goes_on() {
    let rows = [
        ("spm v1", "Sure,", false, " é"),
        ("spm v3", "[INST] a[/INST] Sure,", false, " é"),
        ("spm v3", "[INST] a[/INST]", false, "é"),
        ("tekken v13", "[INST]a[/INST][THINK]so", true, "(é"),
    ];
    check_table(rows.map(|row| (format!("{}: {}", row.0, row.1), row)), |(name, prompt, in_thought, expected)| {
        let tokenizer = tokenizers::small(name);
        let version = TemplateVersion::from_name(name.split(' ').nth(1).unwrap()).unwrap();
        let mut parser = AnswerParser::new(&tokenizer, version, String::new);
        parser.resume(&tokens(&tokenizer, prompt), in_thought);
        let answer = tokenizer.encode("é").into_iter().flat_map(|token| parser.push(token).unwrap());
        let shown: String = answer
            .map(|event| match event {
                AnswerEvent::Thinking(text) => format!("({text}"),
                AnswerEvent::Text(text) => text,
                other => format!("{other:?}"),
            })
            .collect();
        if shown == expected { Ok(()) } else { Err(shown) }
    });
}
