//! v13: tools stand before the first user message, so that they can stay in a cache; ids are gone from calls and
//! results, which are told apart by their order; thinking has its tokens.

use super::v2::parsed;
use super::v11;
use super::{Layout, Place, Prompt, write_content};
use crate::Error;
use crate::message::{ToolCall, ToolResult};

pub(super) const LAYOUT: Layout = Layout { tools: Place::First, calls, results, ..v11::LAYOUT };

fn calls(prompt: &mut Prompt<'_>, calls: &[ToolCall]) -> Result<(), Error> {
    for call in calls {
        prompt.control("[TOOL_CALLS]")?;
        prompt.text(&call.name);
        prompt.control("[ARGS]")?;
        prompt.text(&parsed(&call.arguments).dump());
    }
    Ok(())
}

fn results(prompt: &mut Prompt<'_>, results: &[&ToolResult]) -> Result<(), Error> {
    results.iter().try_for_each(|result| write_result(prompt, result))
}

fn write_result(prompt: &mut Prompt<'_>, result: &ToolResult) -> Result<(), Error> {
    prompt.control("[TOOL_RESULTS]")?;
    write_content(prompt, &result.content)?;
    prompt.control("[/TOOL_RESULTS]")
}
