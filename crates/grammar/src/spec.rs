//! What an answer is to look like.

use serde_json::Value;
use tokenizer::TemplateVersion;

use crate::{Error, source};

/// What an answer is to look like.
#[derive(Clone, Debug, PartialEq)]
pub enum Spec {
    /// JSON that a schema describes (draft 2020-12, or what its `$schema` says; `docs/constraints.md` lists the keywords).
    JsonSchema(Value),
    /// Any JSON object.
    JsonObject,
    /// Text that matches a regular expression as a whole (syntax of Rust's `regex`; no look-around, no anchors).
    Regex(String),
    /// Text in the language of a Lark grammar, from its rule `start`.
    Lark(String),
    /// Calls of tools, in the form of the instruct template.
    Tools(Tools),
    /// This, after an optional thought where the tokenizer knows `[THINK]` and `[/THINK]`.
    AfterThought(Box<Spec>),
}

/// Which tools may be called, and whether they must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Tools {
    /// The template whose calls are to be written.
    pub version: TemplateVersion,
    /// The tools.
    pub tools: Vec<Tool>,
    /// Whether one must be called, and which.
    pub choice: Choice,
    /// Several calls in one answer.
    pub parallel: bool,
    /// What an answer without calls looks like; `None`: free text. Only where the choice is [`Choice::Auto`].
    pub answer: Option<Box<Spec>>,
}

/// A tool, as far as calls are concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The JSON schema of its arguments; they are an object.
    pub parameters: Value,
    /// Hold the arguments to the schema. Otherwise any JSON object will do.
    pub strict: bool,
}

/// Whether tools are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// As the model likes.
    Auto,
    /// At least one of them.
    Required,
    /// This one.
    Named(String),
}

impl Spec {
    /// Refuses what will not be compiled anyway: what is too large, and keywords that cannot be enforced. Takes no
    /// tokenizer and next to no time.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn check(&self) -> Result<(), Error> {
        source::check(self)
    }

    /// For messages.
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::JsonSchema(_) | Self::JsonObject => "JSON schema",
            Self::Regex(_) => "regular expression",
            Self::Lark(_) => "Lark grammar",
            Self::Tools(_) => "tools",
            Self::AfterThought(spec) => spec.what(),
        }
    }
}
