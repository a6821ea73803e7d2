//! `thinking` and `effort`: what the model's template can say of them.
//!
//! v15 tells the model by a setting; before, a system prompt does. A budget is kept by `turn.rs`.

use engine::prompt::{Conversation, Message, ReasoningEffort};
use engine::{Engine, TemplateVersion};

use super::wire;
use crate::mistral::reasoning;
use crate::refusal::Refusal;

/// Stands where Anthropic signs a thought: nothing is signed here, and nothing checked.
pub(super) const SIGNATURE: &str = "unsigned";

/// What is wanted of thoughts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Thoughts {
    /// A thought ends when it has so many tokens.
    pub(super) budget: Option<usize>,
    /// Their text is not sent.
    pub(super) omitted: bool,
}

/// The effort of this name.
pub(super) fn effort(name: &str) -> Result<ReasoningEffort, Refusal> {
    ReasoningEffort::from_name(name).ok_or_else(|| {
        let message =
            format!("output_config.effort: unknown effort {name:?}, expected low, medium, high, xhigh or max");
        Refusal::field("output_config.effort", message)
    })
}

/// Tells the model, by setting or by system prompt.
///
/// # Errors
/// The model does not think; or the request asks for what cannot be done with thoughts.
pub(super) fn apply(
    thinking: Option<wire::Thinking>,
    max_tokens: Option<u64>,
    conversation: &mut Conversation,
    engine: &Engine,
) -> Result<Thoughts, Refusal> {
    let by_setting = engine.text().template.version() >= Some(TemplateVersion::V15);
    if !by_setting {
        check_effort(&mut conversation.settings.reasoning_effort)?;
    }
    let Some(thinking) = thinking else { return Ok(Thoughts::default()) };
    let thoughts = read(&thinking, max_tokens)?;
    let effort = &mut conversation.settings.reasoning_effort;
    match thinking.kind.as_str() {
        "disabled" if by_setting => *effort = Some(ReasoningEffort::None),
        "disabled" => {}
        _ if by_setting && reasoning::has_thoughts(engine) => *effort = effort.or(Some(ReasoningEffort::High)),
        _ => {
            if matches!(conversation.messages.last(), Some(Message::Assistant(_))) {
                let message = "thinking: an answer that begins with your words cannot begin with a thought";
                return Err(Refusal::field("thinking", message));
            }
            conversation.messages.insert(0, reasoning::system_prompt(engine, "thinking")?);
        }
    }
    Ok(thoughts)
}

/// A model that cannot be told how much effort to make makes the one that is meant where nothing is said: `high`.
fn check_effort(effort: &mut Option<ReasoningEffort>) -> Result<(), Refusal> {
    match effort.take() {
        None | Some(ReasoningEffort::High) => Ok(()),
        Some(other) => {
            let name = other.name();
            let message = format!(
                "output_config.effort: this model's template knows no efforts, so {name:?} cannot be done: leave it out"
            );
            Err(Refusal::field("output_config.effort", message))
        }
    }
}

fn read(thinking: &wire::Thinking, max_tokens: Option<u64>) -> Result<Thoughts, Refusal> {
    let budget = match (thinking.kind.as_str(), thinking.budget_tokens) {
        ("enabled", Some(budget)) if budget > 0 && max_tokens.is_none_or(|most| budget < most) => Some(budget),
        ("enabled", Some(_)) => {
            let message = "thinking.budget_tokens: must be at least 1 and less than max_tokens";
            return Err(Refusal::field("thinking.budget_tokens", message));
        }
        ("enabled", None) => {
            return Err(Refusal::field("thinking.budget_tokens", "thinking.budget_tokens: the field is missing"));
        }
        ("adaptive" | "disabled", None) => None,
        ("adaptive" | "disabled", Some(_)) => {
            let message = "thinking.budget_tokens: goes with the type enabled only";
            return Err(Refusal::field("thinking.budget_tokens", message));
        }
        (other, _) => {
            let message = format!("thinking.type: {other:?} cannot be done, expected enabled, adaptive or disabled");
            return Err(Refusal::field("thinking.type", message));
        }
    };
    let omitted = match thinking.display.as_deref() {
        None => false,
        Some("omitted") => true,
        Some(_) => {
            let message = "thinking.display: thoughts are sent whole, or omitted: there are no summaries";
            return Err(Refusal::field("thinking.display", message));
        }
    };
    Ok(Thoughts { budget: budget.map(|budget| usize::try_from(budget).unwrap_or(usize::MAX)), omitted })
}
