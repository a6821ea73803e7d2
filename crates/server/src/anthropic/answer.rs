//! What Anthropic's clients receive: a message, or the events that it grows by.

use engine::{FinishReason, Usage};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// A whole answer; at the beginning of a stream, an empty one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnthropicMessageOut)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// `message`
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// `assistant`
    pub(crate) role: &'static str,
    pub(crate) model: String,
    pub(crate) content: Vec<ContentBlock>,
    /// `end_turn`, `max_tokens`, `stop_sequence`, `tool_use` or `model_context_window_exceeded`.
    pub(crate) stop_reason: Option<&'static str>,
    /// Which of the `stop_sequences` ended it.
    pub(crate) stop_sequence: Option<String>,
    pub(crate) usage: UsageOut,
}

/// A part of a message.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = AnthropicContentBlock)]
pub(crate) enum ContentBlock {
    /// For the reader.
    Text { text: String },
    /// What the model thought.
    Thinking { thinking: String, signature: &'static str },
    /// A tool to be called.
    ToolUse {
        id: String,
        name: String,
        #[schema(value_type = Object)]
        input: Box<RawValue>,
    },
}

/// Token counts. The whole prompt is `input_tokens` and `cache_read_input_tokens` together.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = AnthropicUsage)]
pub(crate) struct UsageOut {
    /// Of the prompt, what had to be computed.
    pub(crate) input_tokens: usize,
    /// Of the prompt, what an earlier request had computed.
    pub(crate) cache_read_input_tokens: usize,
    /// 0: what is computed is cached always, at no price.
    pub(crate) cache_creation_input_tokens: usize,
    pub(crate) output_tokens: usize,
}

/// What grows a message. The event's name is its `type`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = AnthropicStreamEvent)]
pub(crate) enum StreamEvent {
    MessageStart { message: Message },
    Ping,
    ContentBlockStart { index: u32, content_block: ContentBlock },
    ContentBlockDelta { index: u32, delta: BlockDelta },
    ContentBlockStop { index: u32 },
    MessageDelta { delta: MessageDelta, usage: UsageOut },
    MessageStop,
}

impl StreamEvent {
    /// Its name in the stream.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::MessageStart { .. } => "message_start",
            Self::Ping => "ping",
            Self::ContentBlockStart { .. } => "content_block_start",
            Self::ContentBlockDelta { .. } => "content_block_delta",
            Self::ContentBlockStop { .. } => "content_block_stop",
            Self::MessageDelta { .. } => "message_delta",
            Self::MessageStop => "message_stop",
        }
    }
}

/// More of a block.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = AnthropicBlockDelta)]
#[allow(clippy::enum_variant_names)] // the names are Anthropic's
pub(crate) enum BlockDelta {
    TextDelta { text: String },
    ThinkingDelta { thinking: String },
    SignatureDelta { signature: &'static str },
    InputJsonDelta { partial_json: String },
}

/// How a message ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnthropicMessageDelta)]
pub(crate) struct MessageDelta {
    pub(crate) stop_reason: &'static str,
    pub(crate) stop_sequence: Option<String>,
}

/// `POST /v1/messages/count_tokens`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnthropicTokenCount)]
pub(crate) struct TokenCount {
    pub(crate) input_tokens: usize,
}

impl From<Usage> for UsageOut {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.prompt_tokens.saturating_sub(usage.cached_tokens),
            cache_read_input_tokens: usage.cached_tokens,
            cache_creation_input_tokens: 0,
            output_tokens: usage.completion_tokens,
        }
    }
}

/// Anthropic's word for the end.
pub(crate) const fn stop_reason(reason: FinishReason, stop: Option<&String>) -> &'static str {
    match (reason, stop) {
        (FinishReason::Stop, Some(_)) => "stop_sequence",
        (FinishReason::Stop, None) => "end_turn",
        (FinishReason::ToolCalls, _) => "tool_use",
        (FinishReason::Context, _) => "model_context_window_exceeded",
        _ => "max_tokens",
    }
}
