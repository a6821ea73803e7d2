//! v2: control tokens and tools. The system prompt moves to the last user message and the tools stand before it, so
//! that both are near the answer; calls and results of earlier turns are forgotten.

use super::v1;
use super::{Layout, Place, Prompt};
use crate::message::{Content, ToolCall, ToolResult};
use crate::{Error, Json};

pub(super) const LAYOUT: Layout = Layout {
    system_prompt: Some(Place::Last),
    tools: Place::Last,
    has_tools: true,
    forgets_tools: true,
    user,
    trims_assistant: true,
    calls,
    results,
    ..v1::LAYOUT
};

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

/// One list for all results of a message's calls. mistral-common refuses several (its code "currently only supports
/// single tool results"); this is the form that the conversation `parallel_calls` of its tests shows.
fn results(prompt: &mut Prompt<'_>, results: &[&ToolResult]) -> Result<(), Error> {
    let to_json = |result: &&ToolResult| {
        let name = result.name.as_ref().map_or(Json::Null, Json::string);
        Json::object([("name", name), ("content", result_value(&result.content))])
    };
    prompt.control("[TOOL_RESULTS]")?;
    prompt.text(&Json::Array(results.iter().map(to_json).collect()).dump());
    prompt.control("[/TOOL_RESULTS]")
}
