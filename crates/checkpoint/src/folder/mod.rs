//! Folders: which of their files make a model, and where its tokenizer and template are.

mod added;
mod files;
mod load;
mod tokenizer;

pub use load::config_from_json;

pub(crate) use load::open;
