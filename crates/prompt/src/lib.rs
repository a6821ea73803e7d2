//! Instruct templates: a conversation in, tokens out; and back from generated tokens to an answer.
//!
//! [`Conversation`] is plain data, read from JSON by [`Conversation::from_json`]. [`Template`] checks it with
//! mistral-common's rules, normalises it and writes tokens, for template versions v1 to v15. [`AnswerParser`] is the
//! way back. For GGUF files of other families, [`JinjaTemplate`] renders the template that the file carries;
//! [`choose`] says which of the two a model file asks for.
//!
//! Invariant: text from outside never becomes a control token, in either kind of template.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod choose;
mod error;
mod instruct;
mod jinja;
mod json;
pub mod limits;
mod message;
mod normalize;
mod parse;
mod schema;
mod validate;
mod value;

pub use choose::{Choice, ChosenTemplate, choose};
pub use error::Error;
pub use instruct::{Rendered, Template, render, render_fim};
pub use jinja::{JinjaTemplate, Moment, TemplateContext, render_template};
pub use message::{
    Assistant, Chunk, Content, Conversation, Message, ReasoningEffort, Role, Settings, Tool, ToolCall, ToolResult,
};
pub use parse::{AnswerEvent, AnswerParser, assistant, parse_answer};
pub use validate::Purpose;
pub use value::{Json, JsonError, Style};
