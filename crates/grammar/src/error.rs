//! What can go wrong with a constraint.

use tokenizer::{TemplateVersion, TokenId};

/// Why there is no constraint, or why it cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nothing could end an answer.
    #[error("this model's tokenizer names no end token, and a constrained answer needs one: nothing could end it")]
    NoEndToken,
    /// The vocabulary is one that llguidance cannot take.
    #[error("this model's vocabulary cannot be used for constrained answers: {why}")]
    Vocabulary {
        /// What is wrong with it.
        why: String,
    },
    /// A keyword of JSON schema that cannot be enforced.
    #[error("the schema's keyword `{keyword}` at `{path}` cannot be enforced while generating: leave it out")]
    Keyword {
        /// JSON pointer to the schema that has it (`#` is the whole).
        path: String,
        /// The keyword.
        keyword: String,
    },
    /// A schema that is none.
    #[error("the schema at `{path}` is not valid: {what}")]
    Schema {
        /// JSON pointer to what is wrong.
        path: String,
        /// What is wrong.
        what: String,
    },
    /// More than this server takes.
    #[error("{what} is too large: {found}, and at most {limit} are taken")]
    TooLarge {
        /// What.
        what: String,
        /// How much of it.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// The schema, the regular expression or the grammar cannot be compiled.
    #[error("the {what} cannot be used: {why}")]
    Rejected {
        /// `JSON schema`, `regular expression`, `Lark grammar`, `tools`.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// It takes too long.
    #[error("the {what} takes longer than {seconds} s to compile: make it simpler")]
    CompileTime {
        /// `JSON schema`, `regular expression`, `Lark grammar`, `tools`.
        what: &'static str,
        /// How long it was given.
        seconds: u64,
    },
    /// Others compile theirs.
    #[error("too many schemas and grammars are being compiled at the moment: try again")]
    Busy,
    /// The system gives no thread.
    #[error("no thread to compile a schema or a grammar on: {why}")]
    Thread {
        /// What the system says.
        why: String,
    },
    /// A tool that cannot be called.
    #[error("the tool `{name}` cannot be called: {why}")]
    Tool {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// The template has no tool calls.
    #[error("the instruct template {version} of this model has no tool calls{missing}")]
    NoToolCalls {
        /// The template.
        version: TemplateVersion,
        /// What its tokenizer lacks, if that is why.
        missing: &'static str,
    },
    /// The prompt ends in a thought, and the constraint begins with the answer.
    #[error("the prompt ends inside a thought, and the constraint allows none: end the thought first")]
    OpenThought,
    /// A token that may not come here.
    #[error("token {token} may not follow here")]
    NotAllowed {
        /// The token.
        token: TokenId,
    },
    /// The constraint cannot go on.
    #[error("the constraint cannot be followed further: {why}")]
    Stuck {
        /// Why.
        why: String,
    },
}

/// The part of llguidance's message that is for people.
pub(crate) fn message(error: &anyhow::Error) -> String {
    const SHOWN: usize = 400;
    let text = error.to_string();
    if text.contains("fuel") || text.contains("too complex") || text.contains("too large") {
        return "it is too complex for the bounds of this program; make it simpler".into();
    }
    if text.contains("coerce_one_of") {
        return "the parts of a `oneOf` cannot be told apart here: write `anyOf`, or give each part another `const` or type".into();
    }
    let text = text.split("\n<").next().unwrap_or_default();
    // Errors of a regular expression show it first and say what is wrong at the end.
    let text = text.rsplit_once("\nerror: ").map_or(text, |(_, what)| what).trim();
    let text = text.strip_prefix("panic: ").map_or_else(|| text.to_owned(), |panic| format!("llguidance: {panic}"));
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default().to_owned()
}
