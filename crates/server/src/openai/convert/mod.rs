//! Where the dialect ends: from wire types to what the engine, the templates and the grammars know.
//!
//! Everything that a request says is either carried over here or refused with the path of its field; nothing is passed
//! over. What the fields do is listed in `docs/server-openai.md`.

pub(crate) mod fields;
pub(crate) mod format;
pub(crate) mod items;
pub(crate) mod messages;
pub(crate) mod sampling;
pub(crate) mod tools;
