//! The grammars of tool calls: what each instruct template writes, token by token.
//!
//! | template | a call |
//! |---|---|
//! | v2 | `[TOOL_CALLS]` then a JSON list of `{"name": …, "arguments": {…}}` |
//! | v3, v7 | the same, and after the arguments an `"id"` of nine letters or digits if the model writes one |
//! | v11 | `[TOOL_CALLS]` name, `[CALL_ID]` id if the model writes one, `[ARGS]` arguments; again for each call |
//! | v13, v15 | `[TOOL_CALLS]` name `[ARGS]` arguments; again for each call |
//!
//! The separators are those of the prompts that the models were trained on (`prompt/src/instruct/`).

use serde_json::{Value, json};
use tokenizer::{TemplateVersion, TokenId};

use crate::source::Source;
use crate::spec::{Choice, Tool, Tools};
use crate::{Error, limits, schema, source};

/// Refuses what cannot be called, without compiling anything.
///
/// # Errors
/// A name, a schema or the choice is wrong.
pub(crate) fn check(tools: &Tools) -> Result<(), Error> {
    let found = tools.tools.len() as u64;
    if found > limits::TOOLS as u64 {
        return Err(Error::TooLarge { what: "the number of tools".into(), found, limit: limits::TOOLS as u64 });
    }
    if tools.version < TemplateVersion::V2 {
        return Err(Error::NoToolCalls { version: tools.version, missing: "" });
    }
    for tool in &tools.tools {
        check_tool(tool)?;
    }
    if callable(tools).next().is_none() {
        let name = if let Choice::Named(name) = &tools.choice { name.clone() } else { String::new() };
        return Err(bad(&name, "it is not among the tools of the request"));
    }
    match (&tools.answer, &tools.choice) {
        (Some(_), Choice::Required | Choice::Named(_)) => {
            Err(Error::Rejected { what: "tools", why: "a call is required, so there is no answer to describe".into() })
        }
        (Some(answer), Choice::Auto) => source::check(answer),
        (None, _) => Ok(()),
    }
}

/// The expression for an answer that may or must call tools.
///
/// # Errors
/// The tokenizer lacks the control tokens.
pub(crate) fn write(source: &mut Source<'_>, tools: &Tools) -> Result<String, Error> {
    let calls = calls(source, tools)?;
    let thought = if tools.version >= TemplateVersion::V13 { source.thought() } else { None };
    let thought = thought.map_or_else(String::new, |thought| format!("({thought})?"));
    let answer = match (&tools.choice, &tools.answer) {
        (Choice::Required | Choice::Named(_), _) => calls,
        (Choice::Auto, Some(answer)) => {
            let answer = source.answer(answer)?;
            format!("({} {answer} | {calls})", source.first_space())
        }
        // Up to v3 a message holds text or calls, not both.
        (Choice::Auto, None) if tools.version <= TemplateVersion::V3 => format!("(/(.|\\n)+/ | {calls})?"),
        (Choice::Auto, None) => format!("/(.|\\n)+/? ({calls})?"),
    };
    Ok(format!("{thought} {answer}"))
}

fn calls(source: &mut Source<'_>, tools: &Tools) -> Result<String, Error> {
    let token = |source: &Source<'_>, name: &str, missing: &'static str| {
        source.vocabulary.special(name).ok_or(Error::NoToolCalls { version: tools.version, missing })
    };
    let begin = token(source, "[TOOL_CALLS]", ": its tokenizer has no `[TOOL_CALLS]`")?;
    if tools.version >= TemplateVersion::V11 {
        let arguments = token(source, "[ARGS]", ": its tokenizer has no `[ARGS]`")?;
        let id = source.vocabulary.special("[CALL_ID]").filter(|_| tools.version == TemplateVersion::V11);
        let each = alternatives(callable(tools).map(|tool| marked_call(source, tool, (begin, id, arguments))));
        source.rule("call", &each);
        return Ok(if tools.parallel { "call+".into() } else { "call".into() });
    }
    let with_id = tools.version >= TemplateVersion::V3;
    let each = alternatives(callable(tools).map(|tool| listed_call(source, tool, with_id)));
    source.rule("call", &each);
    let more = if tools.parallel { "(\", \" call)*" } else { "" };
    let space = if source.first_space().is_empty() { "" } else { "\" \"?" };
    Ok(format!("<[{begin}]> {space} \"[\" call {more} \"]\""))
}

/// v11 and later: the parts of a call stand between control tokens.
fn marked_call(source: &mut Source<'_>, tool: &Tool, tokens: (TokenId, Option<TokenId>, TokenId)) -> String {
    let (begin, id, end) = tokens;
    let arguments = source.json(&arguments(tool));
    let id = id.map_or_else(String::new, |id| format!("(<[{id}]> /[a-zA-Z0-9]{{9}}/)?"));
    format!("<[{begin}]> {} {id} <[{end}]> {arguments}", quoted(&tool.name))
}

/// v2 to v7: calls are entries of a JSON list.
fn listed_call(source: &mut Source<'_>, tool: &Tool, with_id: bool) -> String {
    let head = quoted(&format!("{{\"name\": \"{}\", \"arguments\": ", tool.name));
    let arguments = source.json(&arguments(tool));
    let id = if with_id { r#"(", \"id\": \"" /[a-zA-Z0-9]{9}/ "\"")?"# } else { "" };
    format!("{head} {arguments} {id} \"}}\"")
}

fn arguments(tool: &Tool) -> Value {
    if tool.strict { tool.parameters.clone() } else { json!({"type": "object"}) }
}

fn alternatives(each: impl Iterator<Item = String>) -> String {
    each.collect::<Vec<_>>().join(" | ")
}

/// The tools that the choice leaves.
fn callable(tools: &Tools) -> impl Iterator<Item = &Tool> {
    tools.tools.iter().filter(|tool| match &tools.choice {
        Choice::Auto | Choice::Required => true,
        Choice::Named(name) => tool.name == *name,
    })
}

fn check_tool(tool: &Tool) -> Result<(), Error> {
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if tool.name.is_empty() || tool.name.len() > limits::TOOL_NAME_BYTES || !is_name(&tool.name) {
        return Err(bad(&tool.name, "a name is 1 to 64 letters, digits, `_` or `-`"));
    }
    if !tool.strict {
        return Ok(());
    }
    let object = tool.parameters.get("type").and_then(Value::as_str) == Some("object");
    if !object && tool.parameters != json!({}) {
        return Err(bad(&tool.name, "its `parameters` must be a schema of `\"type\": \"object\"`"));
    }
    schema::check(&tool.parameters).map_err(|error| bad(&tool.name, &error.to_string()))
}

/// As a string of Lark's, which are JSON's.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn bad(name: &str, why: &str) -> Error {
    let name = name.chars().take(limits::TOOL_NAME_BYTES).collect();
    Error::Tool { name, why: why.to_owned() }
}
