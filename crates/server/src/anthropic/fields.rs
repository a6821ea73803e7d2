//! Which fields a block has: [`wire::Block`] holds those of all types.

use super::wire;
use crate::parts::check_fields;
use crate::refusal::Refusal;

/// # Errors
/// A block of a type that is read has a field of another type, or a mark that is none.
pub(super) fn check_block(block: &wire::Block, path: &str) -> Result<(), Refusal> {
    let kind = block.kind.as_str();
    let [is_text, is_thought, is_call, is_result] =
        ["text", "thinking", "tool_use", "tool_result"].map(|name| name == kind);
    if !(is_text || is_thought || is_call || is_result) {
        // Refused by its type.
        return Ok(());
    }
    let rows = [
        ("text", block.text.is_some(), is_text),
        ("citations", block.citations.is_some(), is_text),
        ("thinking", block.thinking.is_some(), is_thought),
        ("signature", block.signature.is_some(), is_thought),
        ("id", block.id.is_some(), is_call),
        ("name", block.name.is_some(), is_call),
        ("input", block.input.is_some(), is_call),
        ("caller", block.caller.is_some(), is_call),
        ("tool_use_id", block.tool_use_id.is_some(), is_result),
        ("content", block.content.is_some(), is_result),
        ("is_error", block.is_error.is_some(), is_result),
        ("source", block.source.is_some(), false),
        ("title", block.title.is_some(), false),
        ("context", block.context.is_some(), false),
        ("data", block.data.is_some(), false),
    ];
    check_fields(path, kind, &rows)?;
    check_cache_control(block.cache_control.as_ref(), path)
}

/// # Errors
/// As [`check_block`], of a text in a system prompt or a tool's result.
pub(super) fn check_text_block(block: &wire::TextBlock, path: &str) -> Result<(), Refusal> {
    let rows = [
        ("source", block.source.is_some(), false),
        ("title", block.title.is_some(), false),
        ("context", block.context.is_some(), false),
        ("content", block.content.is_some(), false),
        ("tool_name", block.tool_name.is_some(), false),
    ];
    check_fields(path, "text", &rows)?;
    check_cache_control(block.cache_control.as_ref(), path)
}

/// A mark where a cached prompt may end; `path` is of what bears it, empty for the request.
///
/// # Errors
/// It is of another type than `ephemeral`.
pub(super) fn check_cache_control(mark: Option<&wire::CacheControl>, path: &str) -> Result<(), Refusal> {
    let Some(mark) = mark.filter(|mark| mark.kind != "ephemeral") else { return Ok(()) };
    let dot = if path.is_empty() { "" } else { "." };
    let param = format!("{path}{dot}cache_control.type");
    let message = format!("{param}: unknown type {:?}, expected ephemeral", mark.kind);
    Err(Refusal::field(param, message))
}
