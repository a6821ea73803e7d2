//! How many messages, tools and calls a request may have: looked at before anything is done with them.
//!
//! What a conversation may have is the rule of `prompt`; here it is refused before it costs anything.

use engine::prompt::limits;

use crate::limits::CALLS;
use crate::refusal::Refusal;

/// # Errors
/// There are too many messages at `field`.
pub(crate) fn check_messages(field: &str, found: usize) -> Result<(), Refusal> {
    check(field, "messages", found, limits::MAX_MESSAGES)
}

/// # Errors
/// There are too many tools at `field`.
pub(crate) fn check_tools(field: &str, found: usize) -> Result<(), Refusal> {
    check(field, "tools", found, limits::MAX_TOOLS)
}

/// # Errors
/// All messages at `field` together have too many calls.
pub(crate) fn check_calls(field: &str, found: usize) -> Result<(), Refusal> {
    check(field, "calls", found, CALLS)
}

/// # Errors
/// There are too many input items at `field`: each is a message or a call.
pub(crate) fn check_items(field: &str, found: usize) -> Result<(), Refusal> {
    check(field, "items", found, limits::MAX_MESSAGES.saturating_add(CALLS))
}

fn check(field: &str, what: &str, found: usize, most: usize) -> Result<(), Refusal> {
    if found <= most {
        return Ok(());
    }
    Err(Refusal::field(field, format!("{field} has {found} {what}: at most {most} are allowed, send fewer")))
}
