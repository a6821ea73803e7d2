//! The OpenAI dialect on the wire: what requests and answers look like as JSON, and nothing else.
//!
//! Requests refuse fields that they do not know. Fields that OpenAI's API knows and this server cannot honour are here
//! all the same, so that `refused.rs` can say why; `null` is the same as a field left out. What the values mean begins
//! in `convert.rs`.

pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod embeddings;
pub(crate) mod models;
pub(crate) mod responses;
pub(crate) mod responses_out;
mod shapes;

pub(crate) use shapes::Tokens;

pub(crate) use crate::text_or::TextOr;
