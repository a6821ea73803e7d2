//! `prompt_mode: reasoning`: the system prompt that Mistral trained its reasoning models with goes first.

use engine::prompt::{Chunk, Content, Message};
use engine::{Engine, TemplateVersion};

use crate::refusal::Refusal;

/// The thought in the middle shows the model where its own go.
const BEFORE: &str = "# HOW YOU SHOULD THINK AND ANSWER\n\nFirst draft your thinking process (inner monologue) until you \
     arrive at a response. Format your response using Markdown, and use LaTeX for any mathematical equations. Write \
     both your thoughts and the response in the same language as the input.\n\nYour thinking process must follow the \
     template below:";
const THOUGHT: &str = "Your thoughts or/and draft, like working through an exercise on scratch paper. Be as casual and as \
     long as you want until you are confident to generate the response to the user.";
const AFTER: &str = "Here, provide a self-contained response.";

/// The system prompt for reasoning, for a model that has a place for thoughts in it.
///
/// # Errors
/// The model's template has none; `param` asked for it.
pub(crate) fn system_prompt(engine: &Engine, param: &str) -> Result<Message, Refusal> {
    if !has_thoughts(engine) {
        let message = format!("{param}: this model does not think before it answers, leave it out");
        return Err(Refusal::field(param, message));
    }
    if engine.text().template.version() >= Some(TemplateVersion::V15) {
        let message = format!("{param}: this model is told by reasoning_effort how long to think");
        return Err(Refusal::field(param, message));
    }
    Ok(Message::System(Content::Chunks(vec![
        Chunk::Text(BEFORE.to_owned()),
        Chunk::Thinking { text: THOUGHT.to_owned(), closed: true },
        Chunk::Text(AFTER.to_owned()),
    ])))
}

/// The model's tokenizer and template know thoughts.
pub(crate) fn has_thoughts(engine: &Engine) -> bool {
    let text = engine.text();
    let has_tokens = text.tokenizer.as_ref().is_ok_and(|tokenizer| tokenizer.special("[THINK]").is_some());
    has_tokens && text.template.version() >= Some(TemplateVersion::V13)
}
