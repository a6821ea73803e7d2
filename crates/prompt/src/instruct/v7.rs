//! v7: system prompts stand in their own place between control tokens, results are raw text after their id, and a
//! message may hold text and calls.

use super::v3;
use super::{Layout, Prompt, write_content};
use crate::Error;
use crate::message::ToolResult;

pub(super) const LAYOUT: Layout = Layout { system_prompt: None, results, ..v3::LAYOUT };

fn results(prompt: &mut Prompt<'_>, results: &[&ToolResult]) -> Result<(), Error> {
    results.iter().try_for_each(|result| write_result(prompt, result))
}

fn write_result(prompt: &mut Prompt<'_>, result: &ToolResult) -> Result<(), Error> {
    let id = result.tool_call_id.as_ref().ok_or(Error::ResultId)?;
    prompt.control("[TOOL_RESULTS]")?;
    prompt.text(id);
    prompt.control("[TOOL_CONTENT]")?;
    write_content(prompt, &result.content)?;
    prompt.control("[/TOOL_RESULTS]")
}
