//! Mistral's instruct templates: normalised messages in, tokens out.
//!
//! A version is a [`Layout`]: a value that says where things stand and how calls and results are written. Each file in
//! `instruct/` states one version as its difference from the one before, so reading `v13.rs` tells what is new in v13.
//!
//! Invariant: control tokens come only from [`Prompt::control`], which layouts call with names written here; whatever
//! a user wrote goes through [`Prompt::text`], where no text is special.

mod fim;
mod prompt;
mod settings;
mod v1;
mod v11;
mod v13;
mod v15;
mod v2;
mod v3;
mod v7;

use tokenizer::{TemplateVersion, TokenId, Tokenizer};

use crate::message::{Assistant, Chunk, Content, Conversation, Message, Role, ToolCall, ToolResult};
use crate::normalize::{Normalized, normalize};
use crate::validate::{Purpose, validate};
use crate::{Error, Json};
use prompt::Prompt;

/// A rendered conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// What the model reads.
    pub tokens: Vec<TokenId>,
    /// The same for people: control tokens by name, SentencePiece's spaces as `▁`. Not to be tokenised again.
    pub text: String,
}

/// One version of the template, over one tokenizer.
#[derive(Clone, Copy, Debug)]
pub struct Template<'t> {
    tokenizer: &'t Tokenizer,
    version: TemplateVersion,
}

/// Renders a conversation that the model is to answer.
///
/// # Errors
/// The conversation breaks a rule of the version, or the tokenizer lacks a token that it needs.
pub fn render(tokenizer: &Tokenizer, version: TemplateVersion, conversation: &Conversation) -> Result<Rendered, Error> {
    Template::new(tokenizer, version).render(conversation, Purpose::Serving)
}

/// Renders a gap to be filled: the model continues `prompt` towards `suffix`.
///
/// # Errors
/// The version or the tokenizer knows no fill-in-the-middle.
pub fn render_fim(
    tokenizer: &Tokenizer,
    version: TemplateVersion,
    prompt: &str,
    suffix: Option<&str>,
) -> Result<Rendered, Error> {
    Template::new(tokenizer, version).render_fim(prompt, suffix)
}

impl<'t> Template<'t> {
    /// This version over this tokenizer. Whether they fit shows when something is rendered.
    pub const fn new(tokenizer: &'t Tokenizer, version: TemplateVersion) -> Self {
        Self { tokenizer, version }
    }

    /// Which version.
    pub const fn version(&self) -> TemplateVersion {
        self.version
    }

    /// Which tokenizer.
    pub const fn tokenizer(&self) -> &'t Tokenizer {
        self.tokenizer
    }

    /// Checks, normalises and renders a conversation.
    ///
    /// # Errors
    /// The conversation breaks a rule of the version, or the tokenizer lacks a token that it needs.
    pub fn render(&self, conversation: &Conversation, purpose: Purpose) -> Result<Rendered, Error> {
        validate(conversation, self.version, purpose)?;
        let layout = Layout::of(self.version);
        let settings = match layout.settings {
            true => settings::build(self.tokenizer, &conversation.settings)?,
            false => None,
        };
        let normalized = normalize(conversation, self.version);
        let turn = Turn::new(conversation, &normalized, settings, layout);
        let mut prompt = Prompt::new(self.tokenizer, self.version);
        prompt.start()?;
        turn.write(&mut prompt)?;
        Ok(prompt.finish())
    }

    /// Renders a gap to be filled: the model continues `prompt` towards `suffix`.
    ///
    /// # Errors
    /// The version or the tokenizer knows no fill-in-the-middle.
    pub fn render_fim(&self, prompt: &str, suffix: Option<&str>) -> Result<Rendered, Error> {
        fim::render(Prompt::new(self.tokenizer, self.version), prompt, suffix)
    }
}

/// How one version of the template writes a conversation.
struct Layout {
    /// System prompts stand before the text of this user message; `None`: in their own place, as messages.
    system_prompt: Option<Place>,
    /// Tools and settings stand before this user message.
    tools: Place,
    /// Version v1 has none.
    has_tools: bool,
    /// What the model is told beside the messages.
    settings: bool,
    /// Calls and results before the last user message are left out.
    forgets_tools: bool,
    /// A user message: its text, the system prompt and the tools before it.
    user: fn(&mut Prompt<'_>, &str) -> Result<(), Error>,
    /// Spaces at the end of an assistant's text are left out.
    trims_assistant: bool,
    /// The calls of an assistant message.
    calls: fn(&mut Prompt<'_>, &[ToolCall]) -> Result<(), Error>,
    /// The results of the calls of one message.
    results: fn(&mut Prompt<'_>, &[&ToolResult]) -> Result<(), Error>,
}

/// Which user message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Last,
}

impl Layout {
    const fn of(version: TemplateVersion) -> &'static Self {
        match version {
            TemplateVersion::V1 => &v1::LAYOUT,
            TemplateVersion::V2 => &v2::LAYOUT,
            TemplateVersion::V3 => &v3::LAYOUT,
            TemplateVersion::V7 => &v7::LAYOUT,
            TemplateVersion::V11 => &v11::LAYOUT,
            TemplateVersion::V13 => &v13::LAYOUT,
            TemplateVersion::V15 => &v15::LAYOUT,
        }
    }
}

/// One rendering: what its messages need to know of the whole.
struct Turn<'c> {
    layout: &'static Layout,
    messages: &'c [Message],
    system_prompt: Option<&'c str>,
    tools: Option<Json>,
    settings: Option<Json>,
    first_user: Option<usize>,
    last_user: Option<usize>,
}

impl<'c> Turn<'c> {
    fn new(
        conversation: &Conversation,
        normalized: &'c Normalized,
        settings: Option<Json>,
        layout: &'static Layout,
    ) -> Self {
        let messages = &normalized.messages;
        let is_user = |message: &Message| message.role() == Role::User;
        let tools = conversation.tools.iter().map(crate::Tool::to_json).collect::<Vec<_>>();
        Self {
            layout,
            messages,
            system_prompt: normalized.system_prompt.as_deref().filter(|prompt| !prompt.is_empty()),
            tools: (!tools.is_empty()).then_some(Json::Array(tools)),
            settings,
            first_user: messages.iter().position(is_user),
            last_user: messages.iter().rposition(is_user),
        }
    }

    fn write(&self, prompt: &mut Prompt<'_>) -> Result<(), Error> {
        if !self.layout.has_tools && self.tools.is_some() {
            return Err(Error::NoTools);
        }
        let mut index = 0;
        // The results of one message's calls are written together.
        for run in self.messages.chunk_by(|a, b| a.role() == Role::Tool && b.role() == Role::Tool) {
            match run {
                [Message::Tool(_), ..] => self.write_results(prompt, index, run)?,
                messages => messages.iter().try_for_each(|message| self.write_message(prompt, index, message))?,
            }
            index += run.len();
        }
        Ok(())
    }

    fn write_results(&self, prompt: &mut Prompt<'_>, index: usize, run: &[Message]) -> Result<(), Error> {
        if self.is_forgotten(index) {
            return Ok(());
        }
        let results = run.iter().filter_map(|message| match message {
            Message::Tool(result) => Some(result),
            _ => None,
        });
        (self.layout.results)(prompt, &results.collect::<Vec<_>>())
    }

    fn write_message(&self, prompt: &mut Prompt<'_>, index: usize, message: &Message) -> Result<(), Error> {
        match message {
            Message::System(content) => {
                prompt.control("[SYSTEM_PROMPT]")?;
                write_content(prompt, content)?;
                prompt.control("[/SYSTEM_PROMPT]")
            }
            Message::User(content) => {
                self.write_tools(prompt, index)?;
                (self.layout.user)(prompt, &self.user_text(index, content))
            }
            Message::Assistant(assistant) => self.write_assistant(prompt, index, assistant),
            Message::Tool(result) => (self.layout.results)(prompt, &[result]),
        }
    }

    fn write_assistant(&self, prompt: &mut Prompt<'_>, index: usize, assistant: &Assistant) -> Result<(), Error> {
        if self.is_forgotten(index) && !assistant.tool_calls.is_empty() {
            return Ok(());
        }
        if assistant.content.is_empty() && assistant.tool_calls.is_empty() {
            return Err(Error::EmptyAssistant);
        }
        match &assistant.content {
            Content::Text(text) if text.is_empty() => {}
            Content::Text(text) if self.layout.trims_assistant => prompt.text(text.trim_end_matches(' ')),
            content => write_content(prompt, content)?,
        }
        if !assistant.tool_calls.is_empty() {
            (self.layout.calls)(prompt, &assistant.tool_calls)?;
        }
        if assistant.prefix { Ok(()) } else { prompt.end() }
    }

    fn is_forgotten(&self, index: usize) -> bool {
        self.layout.forgets_tools && self.last_user.is_some_and(|last| index < last)
    }

    /// Tools and settings, where this user message is the one that they stand before.
    fn write_tools(&self, prompt: &mut Prompt<'_>, index: usize) -> Result<(), Error> {
        if !self.is_at(self.layout.tools, index) {
            return Ok(());
        }
        for (value, [open, close]) in [
            (&self.tools, ["[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"]),
            (&self.settings, ["[MODEL_SETTINGS]", "[/MODEL_SETTINGS]"]),
        ] {
            if let Some(value) = value {
                prompt.control(open)?;
                prompt.text(&value.dump());
                prompt.control(close)?;
            }
        }
        Ok(())
    }

    fn user_text(&self, index: usize, content: &Content) -> String {
        let text = content.plain_text();
        match (self.layout.system_prompt, self.system_prompt) {
            (Some(place), Some(system_prompt)) if self.is_at(place, index) => format!("{system_prompt}\n\n{text}"),
            _ => text,
        }
    }

    fn is_at(&self, place: Place, index: usize) -> bool {
        let user = match place {
            Place::First => self.first_user,
            Place::Last => self.last_user,
        };
        user == Some(index)
    }
}

fn write_content(prompt: &mut Prompt<'_>, content: &Content) -> Result<(), Error> {
    let chunks = match content {
        Content::Text(text) => {
            prompt.text(text);
            return Ok(());
        }
        Content::Chunks(chunks) => chunks,
    };
    for chunk in chunks {
        match chunk {
            Chunk::Text(text) => prompt.text(text),
            Chunk::Thinking { text, closed } => {
                prompt.thinking(text, *closed)?;
            }
        }
    }
    Ok(())
}
