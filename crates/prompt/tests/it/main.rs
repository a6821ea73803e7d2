//! The prompt crate against mistral-common (`vectors/prompt`), and against hostile input.

mod golden;
mod json;
mod tokenizers;
