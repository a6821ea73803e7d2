//! Model files, opened where they lie: GGUF, Hugging Face safetensors, Mistral's own layout.

mod config;

pub use config::{Config, Experts, QueryScaling, Rope, RopeScaling};
