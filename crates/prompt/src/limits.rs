//! Everything in this crate that could grow without end, and where it stops.
//!
//! Beyond a limit stands an error that names it, never a quiet cut.

/// Messages of one conversation.
pub const MAX_MESSAGES: usize = 16_384;

/// Tools of one conversation.
pub const MAX_TOOLS: usize = 1_024;

/// Tool calls of one message.
pub const MAX_TOOL_CALLS: usize = 1_024;

/// Text of one conversation, tools and arguments included, in bytes.
pub const MAX_TEXT_BYTES: usize = 16 << 20;

/// One conversation as JSON, in bytes.
pub const MAX_JSON_BYTES: usize = 2 * MAX_TEXT_BYTES;

/// Arrays and objects inside one another, in any JSON that is read or written here.
pub const MAX_JSON_DEPTH: usize = 128;

/// Digits of one integer in JSON. Python's `int` refuses longer ones too.
pub const MAX_INTEGER_DIGITS: usize = 4_300;

/// Source of a chat template, in bytes. The longest in the field have some 20 KiB.
pub const MAX_TEMPLATE_BYTES: usize = 256 << 10;

/// Blocks and brackets inside one another in the source of a chat template.
pub const MAX_TEMPLATE_DEPTH: usize = 100;

/// Instructions that one rendering of a chat template may execute.
pub const TEMPLATE_FUEL: u64 = 2_000_000;

/// Macros and recursive loops inside one another while a chat template is rendered.
pub const MAX_TEMPLATE_RECURSION: usize = 64;

/// What a chat template may write, and any one string that it may build on the way, in bytes.
pub const MAX_RENDERED_BYTES: usize = 24 << 20;

/// Text of one tool call while it is generated, in bytes.
pub const MAX_CALL_BYTES: usize = 1 << 20;
