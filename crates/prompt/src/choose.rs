//! Which template a model file asks for.
//!
//! A template that the model's files carry goes first where it is of another family: it writes none of Mistral's
//! control tokens, as those of models that others trained further over Mistral's vocabulary do. Then the tokenizer's
//! own version: Mistral's templates are built in, exact, and cannot be misled by user text.

use tokenizer::{TemplateVersion, Tokenizer};

use crate::jinja::{JinjaTemplate, Moment};
use crate::{AnswerParser, Conversation, Error, Purpose, Rendered, Template};

/// A way to render conversations, and why it was chosen.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Which template.
    pub template: ChosenTemplate,
    /// One sentence for the user: which template is used, and why.
    pub reason: String,
}

/// A built-in template or the file's own.
#[derive(Clone, Debug)]
pub enum ChosenTemplate {
    /// Mistral's, of this version.
    Instruct(TemplateVersion),
    /// The file's own, of another family.
    Jinja(JinjaTemplate),
}

impl Choice {
    /// Renders a conversation that the model is to answer. `now` is what templates call today.
    ///
    /// # Errors
    /// The template cannot express the conversation.
    pub fn render(&self, tokenizer: &Tokenizer, conversation: &Conversation, now: Moment) -> Result<Rendered, Error> {
        match &self.template {
            ChosenTemplate::Instruct(version) => {
                Template::new(tokenizer, *version).render(conversation, Purpose::Serving)
            }
            ChosenTemplate::Jinja(template) => template.render(tokenizer, conversation, now),
        }
    }

    /// The version of a built-in template.
    pub const fn version(&self) -> Option<TemplateVersion> {
        match self.template {
            ChosenTemplate::Instruct(version) => Some(version),
            ChosenTemplate::Jinja(_) => None,
        }
    }

    /// A parser for the answers: by the rules of the version, or plain text from models of other families. `new_id` as
    /// for [`AnswerParser::new`].
    pub fn parser<'t>(&self, tokenizer: &'t Tokenizer, new_id: impl FnMut() -> String + Send + 't) -> AnswerParser<'t> {
        // Answers of v1 are plain text.
        AnswerParser::new(tokenizer, self.version().unwrap_or(TemplateVersion::V1), new_id)
    }
}

/// Chooses by the tokenizer and by what the model file carries as `tokenizer.chat_template`.
///
/// # Errors
/// The file's template is refused, or an alias that is not known; or nothing says how to render for this model.
pub fn choose(tokenizer: &Tokenizer, chat_template: Option<&str>) -> Result<Choice, Error> {
    if let (Some(_), Some(source)) = (tokenizer.version(), chat_template)
        && !is_name(source.trim())
        && !is_mistrals(source)
    {
        let reason = "The model file's own chat template is used: it writes none of Mistral's control tokens.";
        return own(source, reason);
    }
    let stated = tokenizer.version().filter(|_| !tokenizer.version_is_inferred());
    if let Some(version) = stated {
        let reason = format!("The built-in template {version} is used: the tokenizer file states that version.");
        return Ok(instruct(version, reason));
    }
    if let Some(alias) = chat_template.map(str::trim).filter(|template| is_name(template)) {
        let version = alias_version(alias).ok_or_else(|| Error::UnknownAlias(alias.to_owned()))?;
        let reason = format!("The built-in template {version} is used: the model file names {alias}.");
        return Ok(instruct(version, reason));
    }
    match (tokenizer.version(), chat_template) {
        (Some(version), Some(source)) => {
            let version = newest(version, source);
            let reason = format!(
                "The built-in template {version} is used: the tokenizer has Mistral's control tokens, and the model \
                 file's own template writes that version's."
            );
            Ok(instruct(version, reason))
        }
        (Some(version), None) => {
            let reason = format!(
                "The built-in template {version} is used: the model file has no template, and its tokenizer has \
                 the control tokens of that version."
            );
            Ok(instruct(version, reason))
        }
        (None, Some(source)) if is_first_mistral(tokenizer, source) => {
            let reason = "The built-in template v1 is used: the model file's own template writes [INST] as text.";
            Ok(instruct(TemplateVersion::V1, reason.to_owned()))
        }
        (None, Some(source)) => {
            own(source, "The model file's own chat template is used: its tokenizer is not one of Mistral's.")
        }
        (None, None) => Err(Error::NoTemplate),
    }
}

const fn instruct(version: TemplateVersion, reason: String) -> Choice {
    Choice { template: ChosenTemplate::Instruct(version), reason }
}

fn own(source: &str, reason: &str) -> Result<Choice, Error> {
    Ok(Choice { template: ChosenTemplate::Jinja(JinjaTemplate::new(source)?), reason: reason.to_owned() })
}

/// A word, not a template.
fn is_name(template: &str) -> bool {
    !template.is_empty() && template.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.')
}

/// The names that llama.cpp gives to Mistral's templates. Whether a tokenizer is Tekken shows in the tokenizer.
fn alias_version(alias: &str) -> Option<TemplateVersion> {
    let version = alias.strip_prefix("mistral-")?;
    TemplateVersion::from_name(version.strip_suffix("-tekken").unwrap_or(version))
}

/// The template writes one of the control tokens that all of Mistral's templates are made of. An empty one says nothing.
fn is_mistrals(source: &str) -> bool {
    const SIGNS: [&str; 7] = [
        "[INST]",
        "[SYSTEM_PROMPT]",
        "[TOOL_CALLS]",
        "[TOOL_RESULTS]",
        "[AVAILABLE_TOOLS]",
        "[ARGS]",
        "[MODEL_SETTINGS]",
    ];
    source.trim().is_empty() || SIGNS.iter().any(|sign| source.contains(sign))
}

/// What the vocabulary alone cannot tell: v7's vocabulary served later versions too, and a GGUF file keeps no version.
/// The file's template shows which control tokens its model writes.
fn newest(inferred: TemplateVersion, source: &str) -> TemplateVersion {
    let has = |piece: &str| source.contains(piece);
    let shown = if has("[MODEL_SETTINGS]") {
        TemplateVersion::V15
    } else if has("[CALL_ID]") {
        TemplateVersion::V11
    } else if has("[ARGS]") || has("[THINK]") {
        TemplateVersion::V13
    } else if has("[SYSTEM_PROMPT]") || has("[TOOL_CONTENT]") {
        TemplateVersion::V7
    } else {
        return inferred.min(TemplateVersion::V3);
    };
    // A template that writes tokens which the tokenizer lacks would not work at all.
    shown.min(inferred)
}

/// Mistral 7B v0.1 and v0.2, Mixtral 8x7B: Llama's tokenizer, `[INST]` as text, and no `<<SYS>>` of Llama 2's.
fn is_first_mistral(tokenizer: &Tokenizer, source: &str) -> bool {
    let is_sentencepiece = tokenizer.kind() == tokenizer::TokenizerKind::SentencePiece;
    is_sentencepiece && source.contains("[INST]") && !source.contains("<<SYS>>")
}
