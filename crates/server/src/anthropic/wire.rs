//! What Anthropic's clients send. serde only: meaning begins in `convert.rs`.
//!
//! A field that the API has and this server cannot do is listed here all the same, so that it is refused by name and
//! with a reason rather than as unknown.

#![allow(dead_code)] // some fields are known and mean nothing here

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::text_or::TextOr;

/// `POST /v1/messages`, and without `max_tokens` and `stream` `POST /v1/messages/count_tokens`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicMessagesRequest)]
pub(crate) struct MessagesRequest {
    /// Which model; without it the one that the server was started with.
    pub(crate) model: Option<String>,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<Message>,
    /// The most tokens to generate; needed, except for counting.
    pub(crate) max_tokens: Option<u64>,
    /// The system prompt.
    #[schema(value_type = Option<TextOr<Vec<TextBlock>>>)]
    pub(crate) system: Option<TextOr<Vec<TextBlock>>>,
    /// Divides the logits; 1 where it is left out.
    pub(crate) temperature: Option<f32>,
    /// Keeps the likeliest tokens up to this share.
    pub(crate) top_p: Option<f32>,
    /// Keeps this many of the likeliest tokens.
    pub(crate) top_k: Option<u32>,
    /// Texts that end the answer; the answer says which one did.
    pub(crate) stop_sequences: Option<Vec<String>>,
    /// Events instead of one answer.
    pub(crate) stream: Option<bool>,
    /// Functions that the model may call.
    pub(crate) tools: Option<Vec<Tool>>,
    /// Whether it must.
    pub(crate) tool_choice: Option<ToolChoice>,
    /// Whether the model thinks before it answers.
    pub(crate) thinking: Option<Thinking>,
    /// What form the answer takes, and with how much effort.
    pub(crate) output_config: Option<OutputConfig>,
    /// Labels for the caller's own records; no record is kept here.
    pub(crate) metadata: Option<Metadata>,
    /// Every prompt is cached as far as it goes; the mark is taken and changes nothing.
    pub(crate) cache_control: Option<CacheControl>,
    /// `auto` or `standard_only`: there is one tier.
    pub(crate) service_tier: Option<String>,
    /// `standard`; `fast` is refused.
    pub(crate) speed: Option<String>,
    /// Refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) container: Option<IgnoredAny>,
    /// Only what keeps everything.
    pub(crate) context_management: Option<ContextManagement>,
    /// Refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) diagnostics: Option<IgnoredAny>,
    /// Refused.
    pub(crate) inference_geo: Option<String>,
    /// Refused unless empty.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) mcp_servers: Option<Vec<IgnoredAny>>,
}

/// One message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicMessage)]
pub(crate) struct Message {
    /// `user`, `assistant` or `system`.
    pub(crate) role: String,
    /// Text, or blocks.
    #[schema(value_type = TextOr<Vec<Block>>)]
    pub(crate) content: TextOr<Vec<Block>>,
}

/// A part of a message. `type` says which of the other fields count.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicBlock)]
pub(crate) struct Block {
    /// `text`, `tool_use`, `tool_result` or `thinking`; the other types of the API are refused by name.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// Of a `text` block.
    pub(crate) text: Option<String>,
    /// Of a `thinking` block.
    pub(crate) thinking: Option<String>,
    /// Of a `thinking` block; thoughts are not signed here, so it is not read.
    pub(crate) signature: Option<String>,
    /// Of a `tool_use` block.
    pub(crate) id: Option<String>,
    /// Of a `tool_use` block.
    pub(crate) name: Option<String>,
    /// Of a `tool_use` block: an object.
    #[schema(value_type = Option<Object>)]
    pub(crate) input: Option<Box<RawValue>>,
    /// Of a `tool_result` block: the call that it answers.
    pub(crate) tool_use_id: Option<String>,
    /// Of a `tool_result` block.
    #[schema(value_type = Option<TextOr<Vec<TextBlock>>>)]
    pub(crate) content: Option<TextOr<Vec<TextBlock>>>,
    /// Of a `tool_result` block: `Error: ` goes before the result.
    pub(crate) is_error: Option<bool>,
    /// Every prompt is cached as far as it goes; the mark is taken and changes nothing.
    pub(crate) cache_control: Option<CacheControl>,
    /// Refused unless empty.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) citations: Option<Box<RawValue>>,
    /// Of a `tool_use` block: `direct`.
    pub(crate) caller: Option<Caller>,
    /// Of an image or document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) source: Option<IgnoredAny>,
    /// Of a document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) title: Option<IgnoredAny>,
    /// Of a document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) context: Option<IgnoredAny>,
    /// Of a redacted thought; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) data: Option<IgnoredAny>,
}

/// A text: in a system prompt, or in a tool's result.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicTextBlock)]
pub(crate) struct TextBlock {
    /// `text`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The text.
    pub(crate) text: Option<String>,
    /// Every prompt is cached as far as it goes; the mark is taken and changes nothing.
    pub(crate) cache_control: Option<CacheControl>,
    /// Refused unless empty.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) citations: Option<Box<RawValue>>,
    /// Of an image or document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) source: Option<IgnoredAny>,
    /// Of a document or search result; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) title: Option<IgnoredAny>,
    /// Of a document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) context: Option<IgnoredAny>,
    /// Of a search result; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) content: Option<IgnoredAny>,
    /// Of a tool reference; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) tool_name: Option<IgnoredAny>,
}

/// Who calls a tool.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicCaller)]
pub(crate) struct Caller {
    /// `direct`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

/// A mark where a cached prompt may end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicCacheControl)]
pub(crate) struct CacheControl {
    /// `ephemeral`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `5m` or `1h`. What is cached stays until its place is needed.
    pub(crate) ttl: Option<String>,
    /// `global` or `organization`. What is cached belongs to its key.
    pub(crate) scope: Option<String>,
}

/// What is to be left out of a long conversation: nothing, here.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicContextManagement)]
pub(crate) struct ContextManagement {
    /// Empty, or one that keeps everything.
    pub(crate) edits: Option<Vec<ContextEdit>>,
}

/// One way to leave something out.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = AnthropicContextEdit)]
pub(crate) struct ContextEdit {
    /// `clear_thinking_20251015`; the others are refused.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// `all`; anything else is refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) keep: Option<Box<RawValue>>,
}

/// A function that the model may call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicTool)]
pub(crate) struct Tool {
    /// `custom`; Anthropic's own tools are refused.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// What it is good for.
    pub(crate) description: Option<String>,
    /// JSON schema of its input.
    #[schema(value_type = Option<Object>)]
    pub(crate) input_schema: Option<Box<RawValue>>,
    /// Hold the input to the schema while it is generated.
    pub(crate) strict: Option<bool>,
    /// Every prompt is cached as far as it goes; the mark is taken and changes nothing.
    pub(crate) cache_control: Option<CacheControl>,
    /// Refused when true: a call is sent when it is complete.
    pub(crate) eager_input_streaming: Option<bool>,
    /// Refused when true.
    pub(crate) defer_loading: Option<bool>,
    /// `direct` only.
    pub(crate) allowed_callers: Option<Vec<String>>,
    /// Refused unless empty.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) input_examples: Option<Vec<IgnoredAny>>,
}

/// Whether the model must call tools.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicToolChoice)]
pub(crate) struct ToolChoice {
    /// `auto`, `any`, `tool` or `none`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// With `tool`: which.
    pub(crate) name: Option<String>,
    /// One call at most.
    pub(crate) disable_parallel_tool_use: Option<bool>,
}

/// Whether the model thinks before it answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicThinking)]
pub(crate) struct Thinking {
    /// `enabled`, `adaptive` or `disabled`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// With `enabled`: the thought ends when it has so many tokens.
    pub(crate) budget_tokens: Option<u64>,
    /// `omitted` leaves the thoughts' text out; there are no summaries.
    pub(crate) display: Option<String>,
}

/// What form the answer takes, and with how much effort.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicOutputConfig)]
pub(crate) struct OutputConfig {
    /// How long to think: template version v15.
    pub(crate) effort: Option<String>,
    /// JSON by a schema.
    pub(crate) format: Option<OutputFormat>,
}

/// JSON by a schema.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicOutputFormat)]
pub(crate) struct OutputFormat {
    /// `json_schema`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// The schema.
    #[schema(value_type = Object)]
    pub(crate) schema: Box<RawValue>,
}

/// Labels for the caller's own records.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnthropicMetadata)]
pub(crate) struct Metadata {
    /// Of whom the caller asks for.
    pub(crate) user_id: Option<String>,
}
