//! v2: control tokens and tools. The system prompt moves to the last user message and the tools stand before it, so
//! that both are near the answer; calls and results of earlier turns are forgotten.

use super::v1;
use super::{Layout, Place, Prompt};
use crate::message::{Content, Message, ToolCall, ToolResult};
use crate::{Error, Json};

pub(super) const LAYOUT: Layout = Layout {
    system_prompt: Some(Place::Last),
    tools: Place::Last,
    has_tools: true,
    forgets_tools: true,
    user,
    trims_assistant: true,
    calls,
    result,
    ..v1::LAYOUT
};

/// One result answers one assistant message: the form has no way to say which call a result belongs to.
pub(super) fn check_results(messages: &[Message]) -> Result<(), Error> {
    let mut results = None;
    for message in messages {
        match (message, &mut results) {
            (Message::Assistant(assistant), _) => results = (!assistant.tool_calls.is_empty()).then_some(0),
            (Message::Tool(_), Some(1)) => return Err(Error::SeveralResults),
            (Message::Tool(_), Some(count)) => *count += 1,
            (Message::Tool(_), None) => {}
            (Message::System(_) | Message::User(_), _) => results = None,
        }
    }
    Ok(())
}

/// The value of a text that is JSON, or else the text.
pub(super) fn parsed(text: &str) -> Json {
    Json::parse(text).unwrap_or_else(|_| Json::string(text))
}

/// All calls as one JSON list.
pub(super) fn write_calls(
    prompt: &mut Prompt<'_>,
    calls: &[ToolCall],
    to_json: fn(&ToolCall) -> Json,
) -> Result<(), Error> {
    prompt.control("[TOOL_CALLS]")?;
    prompt.text(&Json::Array(calls.iter().map(to_json).collect()).dump());
    Ok(())
}

pub(super) fn write_result(prompt: &mut Prompt<'_>, result: &Json) -> Result<(), Error> {
    prompt.control("[TOOL_RESULTS]")?;
    prompt.text(&result.dump());
    prompt.control("[/TOOL_RESULTS]")
}

pub(super) fn result_value(content: &Content) -> Json {
    parsed(&content.plain_text())
}

fn user(prompt: &mut Prompt<'_>, text: &str) -> Result<(), Error> {
    prompt.control("[INST]")?;
    prompt.text(text);
    prompt.control("[/INST]")
}

fn calls(prompt: &mut Prompt<'_>, calls: &[ToolCall]) -> Result<(), Error> {
    write_calls(prompt, calls, |call| {
        Json::object([("name", Json::string(&call.name)), ("arguments", parsed(&call.arguments))])
    })
}

fn result(prompt: &mut Prompt<'_>, result: &ToolResult) -> Result<(), Error> {
    let name = result.name.as_ref().map_or(Json::Null, Json::string);
    let result = Json::object([("name", name), ("content", result_value(&result.content))]);
    write_result(prompt, &Json::Array(vec![result]))
}
