//! What `POST /v1/responses` answers: the response, its items, and the events of a stream.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::chat::TokenLogprob;
use super::responses::Reasoning;

/// A response; under way, complete, or broken off.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::Response)]
pub(crate) struct Response {
    pub(crate) id: String,
    /// `response`.
    pub(crate) object: &'static str,
    /// Unix time, in seconds.
    pub(crate) created_at: u64,
    /// `in_progress`, `completed`, `incomplete` or `failed`.
    pub(crate) status: &'static str,
    pub(crate) background: bool,
    /// Unix time, in seconds.
    pub(crate) completed_at: Option<u64>,
    pub(crate) error: Option<ResponseError>,
    pub(crate) incomplete_details: Option<IncompleteDetails>,
    pub(crate) instructions: Option<String>,
    pub(crate) max_output_tokens: Option<u32>,
    pub(crate) max_tool_calls: Option<u32>,
    pub(crate) model: String,
    pub(crate) output: Vec<OutputItem>,
    pub(crate) parallel_tool_calls: bool,
    /// Always `null`: nothing is kept.
    pub(crate) previous_response_id: Option<String>,
    pub(crate) prompt_cache_key: Option<String>,
    pub(crate) reasoning: Reasoning,
    pub(crate) safety_identifier: Option<String>,
    pub(crate) service_tier: &'static str,
    /// Always false.
    pub(crate) store: bool,
    pub(crate) temperature: f32,
    pub(crate) text: TextEcho,
    pub(crate) tool_choice: Value,
    pub(crate) tools: Vec<Value>,
    pub(crate) top_logprobs: u32,
    pub(crate) top_p: f32,
    /// `disabled`.
    pub(crate) truncation: &'static str,
    pub(crate) usage: Option<ResponseUsage>,
    pub(crate) user: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    /// What computed it: equal fingerprints and seeds give equal answers. An extension.
    pub(crate) system_fingerprint: String,
    /// An extension.
    pub(crate) seed: u64,
}

/// Why a response failed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::ResponseError)]
pub(crate) struct ResponseError {
    /// `server_error`.
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// Why a response was cut.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::IncompleteDetails)]
pub(crate) struct IncompleteDetails {
    /// `max_output_tokens`.
    pub(crate) reason: &'static str,
}

/// The form of the text, as it was asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::TextEcho)]
pub(crate) struct TextEcho {
    pub(crate) format: Value,
    /// `medium`.
    pub(crate) verbosity: &'static str,
}

/// A thought, a message, or a call.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = openai::OutputItem)]
pub(crate) enum OutputItem {
    /// What the model thought.
    Reasoning {
        id: String,
        /// Always empty: the thought is there whole.
        summary: Vec<Value>,
        content: Vec<OutputPart>,
        /// The same thought to be sent back, where `include` asks for it. Encoded, not encrypted.
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
        status: &'static str,
    },
    /// What the model says.
    Message { id: String, status: &'static str, role: &'static str, content: Vec<OutputPart> },
    /// A function that the model calls.
    FunctionCall { id: String, call_id: String, name: String, arguments: String, status: &'static str },
}

/// A part of an item.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = openai::OutputPart)]
pub(crate) enum OutputPart {
    /// For the reader.
    OutputText { text: String, annotations: Vec<Value>, logprobs: Vec<TokenLogprob> },
    /// A thought.
    ReasoningText { text: String },
}

/// Token counts.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = openai::ResponseUsage)]
pub(crate) struct ResponseUsage {
    pub(crate) input_tokens: usize,
    pub(crate) input_tokens_details: InputTokens,
    pub(crate) output_tokens: usize,
    pub(crate) output_tokens_details: OutputTokens,
    pub(crate) total_tokens: usize,
}

/// What of the input was known already.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = openai::InputTokens)]
pub(crate) struct InputTokens {
    pub(crate) cached_tokens: usize,
    /// Always 0: keeping costs nothing.
    pub(crate) cache_write_tokens: usize,
}

/// What of the output is thought.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = openai::OutputTokens)]
pub(crate) struct OutputTokens {
    pub(crate) reasoning_tokens: usize,
}

/// An event of a stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::ResponseEvent)]
pub(crate) struct ResponseEvent {
    /// `response.created`, `response.output_text.delta`, …
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    /// From 0.
    pub(crate) sequence_number: u64,
    #[serde(flatten)]
    #[schema(inline)]
    pub(crate) detail: EventDetail,
}

/// What an event tells.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = openai::EventDetail)]
pub(crate) enum EventDetail {
    /// The whole response as it stands.
    Response { response: Box<Response> },
    /// An item begins or is complete.
    Item { output_index: usize, item: OutputItem },
    /// A part begins or is complete.
    Part { item_id: String, output_index: usize, content_index: usize, part: OutputPart },
    /// More of a text.
    TextDelta { item_id: String, output_index: usize, content_index: usize, delta: String, logprobs: Vec<TokenLogprob> },
    /// The whole text.
    TextDone { item_id: String, output_index: usize, content_index: usize, text: String, logprobs: Vec<TokenLogprob> },
    /// More of a thought.
    ThoughtDelta { item_id: String, output_index: usize, content_index: usize, delta: String },
    /// The whole thought.
    ThoughtDone { item_id: String, output_index: usize, content_index: usize, text: String },
    /// More of the arguments of a call.
    ArgumentsDelta { item_id: String, output_index: usize, delta: String },
    /// The whole arguments.
    ArgumentsDone { item_id: String, output_index: usize, name: String, arguments: String },
}
