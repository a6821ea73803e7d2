//! The prompt crate against mistral-common (`vectors/prompt`), and against hostile input.

mod choose;
mod golden;
mod jinja;
mod json;
mod limits;
mod parse;
mod smoke;
mod tokenizers;
