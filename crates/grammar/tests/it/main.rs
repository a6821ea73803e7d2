//! Constraints against references, hostile input, and every template's tool calls.

mod answers;
mod hostile;
mod references;
mod tokenizers;
mod tool_calls;
mod walk;
