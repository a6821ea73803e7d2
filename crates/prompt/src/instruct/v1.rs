//! v1: Mistral 7B v0.1 and v0.2, Mixtral 8x7B. `[INST]` is plain text, the system prompt opens the first user message,
//! and there are no tools.

use super::{Layout, Place, Prompt};
use crate::Error;

pub(super) const LAYOUT: Layout = Layout {
    system_prompt: Some(Place::First),
    tools: Place::First,
    has_tools: false,
    settings: false,
    forgets_tools: false,
    user,
    trims_assistant: false,
    calls: |_, _| Err(Error::NoTools),
    results: |_, _| Err(Error::NoTools),
};

fn user(prompt: &mut Prompt<'_>, text: &str) -> Result<(), Error> {
    prompt.text(&format!("[INST] {text} [/INST]"));
    Ok(())
}
