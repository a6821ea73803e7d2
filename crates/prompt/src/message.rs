//! A conversation, in the field's own words: what goes into a template.
//!
//! Plain data: nothing here is checked. [`crate::Conversation::from_json`] reads it from a file or a request,
//! [`crate::Template::render`] checks it against the rules of a template version and makes tokens of it.

use crate::value::Json;

/// What a template renders: messages, the tools that the model may call, and its settings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Functions that the model may call.
    pub tools: Vec<Tool>,
    /// What template version v15 tells the model beside the messages.
    pub settings: Settings,
}

impl Conversation {
    /// A conversation without tools and settings.
    pub fn new(messages: impl IntoIterator<Item = Message>) -> Self {
        Self { messages: messages.into_iter().collect(), ..Self::default() }
    }
}

/// Settings that the model is told of (template version v15).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// How long to think before answering; `None` leaves it to the tokenizer file's default.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// JSON schema that the answer will follow.
    pub json_schema: Option<Json>,
}

/// How long the model is to think before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the field's own
pub enum ReasoningEffort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl ReasoningEffort {
    /// All of them, least first.
    pub const ALL: [Self; 7] = [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// `"none"` … `"max"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }

    /// The effort with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|effort| effort.name() == name)
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Instructions for the whole conversation.
    System(Content),
    /// What the user says.
    User(Content),
    /// What the model said, or the beginning of what it is to say.
    Assistant(Assistant),
    /// What a tool answered.
    Tool(ToolResult),
}

impl Message {
    /// A system message of plain text.
    pub fn system(text: impl Into<String>) -> Self {
        Self::System(Content::Text(text.into()))
    }

    /// A user message of plain text.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User(Content::Text(text.into()))
    }

    /// An assistant message of plain text.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self::Assistant(Assistant { content: Content::Text(text.into()), ..Assistant::default() })
    }

    /// Who speaks.
    pub const fn role(&self) -> Role {
        match self {
            Self::System(_) => Role::System,
            Self::User(_) => Role::User,
            Self::Assistant(_) => Role::Assistant,
            Self::Tool(_) => Role::Tool,
        }
    }

    /// What is said.
    pub const fn content(&self) -> &Content {
        match self {
            Self::System(content) | Self::User(content) => content,
            Self::Assistant(assistant) => &assistant.content,
            Self::Tool(result) => &result.content,
        }
    }
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names are the field's own
pub enum Role {
    System,
    User,
    Assistant,
    Tool,
}

impl Role {
    /// As files and requests spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Text, or a sequence of chunks.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Chunks, in order.
    Chunks(Vec<Chunk>),
}

impl Default for Content {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl Content {
    /// No text and no chunk. A chunk of empty text counts as something.
    pub const fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Chunks(chunks) => chunks.is_empty(),
        }
    }

    /// All text outside of thinking, joined.
    pub fn plain_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Chunks(chunks) => chunks.iter().filter_map(Chunk::text).collect(),
        }
    }

    /// Bytes of text.
    pub(crate) fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Chunks(chunks) => chunks.iter().map(Chunk::size_bytes).sum(),
        }
    }
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// Plain text.
    Text(String),
    /// What the model thinks before it answers.
    Thinking {
        /// The thought.
        text: String,
        /// It is thought to its end.
        closed: bool,
    },
}

impl Chunk {
    /// The text of a text chunk.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Thinking { .. } => None,
        }
    }

    const fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Thinking { text, .. } => text.len(),
        }
    }
}

/// What the model said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assistant {
    /// Text and thoughts.
    pub content: Content,
    /// Functions that it called, after the text.
    pub tool_calls: Vec<ToolCall>,
    /// The message is a beginning, which the model continues (`prefix`, `continue_final_message`).
    pub prefix: bool,
}

/// A function that the model calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Names the call for its result; `None` where nobody gave it one.
    pub id: Option<String>,
    /// Of the function.
    pub name: String,
    /// A JSON object, as text. May be anything: models err.
    pub arguments: String,
}

/// What a tool answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolResult {
    /// The answer.
    pub content: Content,
    /// Which call it answers.
    pub tool_call_id: Option<String>,
    /// Of the function; only template version v2 shows it to the model.
    pub name: Option<String>,
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Letters, digits, `_` and `-`.
    pub name: String,
    /// What it is good for.
    pub description: String,
    /// JSON schema of its arguments.
    pub parameters: Json,
}

impl Tool {
    /// The form in which templates show it, and in which requests carry it.
    pub fn to_json(&self) -> Json {
        let function = [
            ("name", Json::string(&self.name)),
            ("description", Json::string(&self.description)),
            ("parameters", self.parameters.clone()),
        ];
        Json::object([("type", Json::string("function")), ("function", Json::object(function))])
    }
}
