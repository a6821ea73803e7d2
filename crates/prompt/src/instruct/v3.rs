//! v3: calls and results bear ids, and all of them stay in the conversation.

use super::v2::{self, parsed, result_value, write_calls};
use super::{Layout, Prompt};
use crate::message::{ToolCall, ToolResult};
use crate::{Error, Json};

pub(super) const LAYOUT: Layout = Layout { forgets_tools: false, calls, results, ..v2::LAYOUT };

fn calls(prompt: &mut Prompt<'_>, calls: &[ToolCall]) -> Result<(), Error> {
    write_calls(prompt, calls, |call| {
        let mut entries = vec![("name", Json::string(&call.name)), ("arguments", parsed(&call.arguments))];
        if let Some(id) = call.id.as_deref().filter(|id| !id.is_empty() && *id != "null") {
            entries.push(("id", Json::string(id)));
        }
        Json::object(entries)
    })
}

fn results(prompt: &mut Prompt<'_>, results: &[&ToolResult]) -> Result<(), Error> {
    results.iter().try_for_each(|result| write_result(prompt, result))
}

fn write_result(prompt: &mut Prompt<'_>, result: &ToolResult) -> Result<(), Error> {
    let id = result.tool_call_id.as_ref().ok_or(Error::ResultId)?;
    let result = Json::object([("content", result_value(&result.content)), ("call_id", Json::string(id))]);
    prompt.control("[TOOL_RESULTS]")?;
    prompt.text(&result.dump());
    prompt.control("[/TOOL_RESULTS]")
}
