//! v11: a call is name, id and arguments between control tokens, no longer JSON around JSON.

use super::v2::parsed;
use super::v7;
use super::{Layout, Prompt};
use crate::Error;
use crate::message::ToolCall;

pub(super) const LAYOUT: Layout = Layout { calls, ..v7::LAYOUT };

fn calls(prompt: &mut Prompt<'_>, calls: &[ToolCall]) -> Result<(), Error> {
    for call in calls {
        prompt.control("[TOOL_CALLS]")?;
        prompt.text(&call.name);
        if let Some(id) = call.id.as_deref().filter(|id| !id.is_empty() && *id != "null") {
            prompt.control("[CALL_ID]")?;
            prompt.text(id);
        }
        prompt.control("[ARGS]")?;
        prompt.text(&parsed(&call.arguments).dump());
    }
    Ok(())
}
