//! Everything that can be wrong with a conversation, a template, or what a model wrote.
//!
//! Where mistral-common refuses a conversation, the message is mistral-common's, so that what people find about one
//! helps with the other.

use tokenizer::TemplateVersion;

use crate::message::Role;
use crate::value::JsonError;

/// Why a conversation was not rendered, or an answer not understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not JSON.
    #[error("the conversation is not JSON: {0}")]
    Json(#[from] JsonError),
    /// A field of the JSON form is missing, unknown, or of the wrong type.
    #[error("{path}: {what}")]
    Field {
        /// `messages[3].content[0].type`
        path: String,
        /// What is wrong, and what is expected.
        what: String,
    },
    /// Something grew beyond one of the bounds in [`crate::limits`].
    #[error("the conversation has {found} {what}, more than the {limit} that are allowed: shorten it")]
    TooLarge {
        /// `messages`, `tools`, …
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },

    /// No messages.
    #[error("Conversation must have at least one message")]
    NoMessages,
    /// A single message that is neither the user's nor a system prompt.
    #[error("Conversation must start with a user message or system message")]
    BadStart,
    /// A role cannot follow another.
    #[error("Unexpected role '{role}' after role '{previous}'")]
    RoleOrder {
        /// The later one.
        role: Role,
        /// The earlier one.
        previous: Role,
    },
    /// Nothing is left for the model to answer.
    #[error("Expected last role User or Tool (or Assistant with prefix) for serving but got {0}")]
    BadEnd(Role),
    /// Nothing to learn from.
    #[error("Expected last role Assistant for finetuning but got {0}")]
    BadFinetuningEnd(Role),
    /// The last message is a beginning only.
    #[error("Cannot continue final message in finetuning mode")]
    PrefixInFinetuning,
    /// `continue_final_message` without an assistant message at the end.
    #[error("continue_final_message=True requires final message to be an assistant.")]
    NothingToContinue,
    /// A beginning that other messages follow.
    #[error("Assistant message with prefix True must be last message")]
    PrefixNotLast,

    /// Calls and results do not pair.
    #[error("Not the same number of function calls and responses")]
    UnpairedCalls,
    /// Results without calls.
    #[error("More tool responses than tool calls")]
    TooManyResults,
    /// Two results for one call.
    #[error("Duplicate tool call id {0} in tool results")]
    DuplicateResult(String),
    /// A result for no call.
    #[error("Unexpected tool call id {0} in tool results")]
    UnexpectedResult(String),
    /// Two calls of one name.
    #[error("Duplicate tool call id {0} in assistant message")]
    DuplicateCall(String),

    /// Up to v3 a message is text or calls.
    #[error("Assistant message must have either content or tool_calls, but not both.")]
    ContentAndCalls,
    /// A message that says nothing.
    #[error("Invalid assistant message: it has neither content nor tool calls")]
    EmptyAssistant,
    /// Chunks that the template version cannot place in a message of this role.
    #[error("Unexpected content chunk types in {role} message: ['{chunk}']")]
    ChunkType {
        /// Whose message.
        role: Role,
        /// mistral-common's name of the chunk's type.
        chunk: &'static str,
    },
    /// The tokenizer has no tokens for thinking.
    #[error("this tokenizer has no think tokens ([THINK], [/THINK]): leave thinking chunks out of the conversation")]
    NoThinkTokens,

    /// A call without id, or with one of another form.
    #[error("Tool call id was {0} but must be a-z, A-Z, 0-9, with a length of 9.")]
    CallId(String),
    /// A call without id.
    #[error("Tool call id has to be defined in serving mode.")]
    CallIdInServing,
    /// A call without id that is not the last message.
    #[error("Tool call id of assistant message that is not last has to be defined in finetuning mode.")]
    CallIdInFinetuning,
    /// A call without id.
    #[error("Tool call id 'null' is only allowed for the last assistant message in finetuning mode.")]
    CallIdNull,
    /// A result that does not say which call it answers.
    #[error("Tool call id has to be defined.")]
    ResultId,
    /// A call or a result without id, from v13 on.
    #[error("Tool call id must be a non-empty string other than 'null' for tokenizer version 13 or newer.")]
    EmptyCallId,
    /// A function's name has characters that the models do not know, or too many.
    #[error(
        "Function name was {0} but must be a-z, A-Z, 0-9, or contain underscores and dashes, with a maximum length of \
         64."
    )]
    FunctionName(String),
    /// The parameters of a tool are no JSON schema (draft 7).
    #[error("Invalid tool schema: {0}")]
    ToolSchema(String),
    /// The schema of the answer is no JSON schema (draft 7).
    #[error("json_schema is not a valid JSON schema: {0}")]
    AnswerSchema(String),

    /// The template version knows no reasoning effort.
    #[error("reasoning_effort='{0}' is not supported for this model")]
    NoReasoningEffort(&'static str),
    /// The tokenizer file lists other efforts.
    #[error("reasoning_effort should be one of [{allowed}], got {found}.")]
    ReasoningEffort {
        /// Quoted, with commas.
        allowed: String,
        /// What was asked for.
        found: &'static str,
    },
    /// The tokenizer file lists no effort.
    #[error("reasoning_effort not supported for this model")]
    EffortNotListed,
    /// A v15 tokenizer file that does not say which settings its model knows.
    #[error(
        "the tokenizer file has template version v15 but no model_settings_builder: take the model's own tekken.json"
    )]
    NoSettings,

    /// Template version v1 has no tools.
    #[error("Tools not implemented for tokenizer V1")]
    NoTools,
    /// Fill-in-the-middle is for v2 and later.
    #[error("FIM not available for {0}")]
    NoFim(TemplateVersion),
    /// The tokenizer lacks a token that the template needs.
    #[error(
        "template version {version} needs the token {piece}, which this tokenizer does not have: choose the version that the tokenizer was made for"
    )]
    NoToken {
        /// Which template.
        version: TemplateVersion,
        /// Which token.
        piece: &'static str,
    },

    /// The model wrote something that is no call.
    #[error("the model's tool call cannot be read, {what}: {text:?}")]
    Call {
        /// What is wrong with it.
        what: &'static str,
        /// Its beginning.
        text: String,
    },

    /// A chat template is too long, too deep, or does something that no chat template needs.
    #[error("the chat template is refused: {0}")]
    TemplateRefused(String),
    /// A chat template does not parse, or fails on this conversation.
    #[error("the chat template fails at line {line}: {message}")]
    Template {
        /// Line of the template's source, from 1; 0 where it is not known.
        line: usize,
        /// What the template engine says, or the template itself.
        message: String,
    },
    /// Something that the chat template cannot express.
    #[error("the model's chat template cannot render {0}: leave it out")]
    TemplateCannot(&'static str),
    /// A GGUF file names a template that is not known.
    #[error(
        "the chat template {0:?} is not known: the file needs the template itself, or one of mistral-v1, mistral-v3, mistral-v3-tekken, mistral-v7, mistral-v7-tekken"
    )]
    UnknownAlias(String),
    /// Nothing says how to render a conversation for this model.
    #[error(
        "the model file has no chat template and its tokenizer is not Mistral's: use `run --raw` to continue plain text"
    )]
    NoTemplate,
}
