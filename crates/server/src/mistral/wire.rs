//! What Mistral's clients send. serde only: meaning begins in `convert.rs`.
//!
//! A field that Mistral's API has and this server cannot do is listed here all the same, so that it is refused by name
//! and with a reason rather than as unknown.

#![allow(dead_code)] // some fields are known and mean nothing here

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::text_or::TextOr;

/// `POST /v1/chat/completions`, as Mistral's API spells it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralChatRequest)]
pub(crate) struct ChatRequest {
    /// Which model; without it the one that the server was started with.
    pub(crate) model: Option<String>,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Divides the logits; 0 takes the likeliest token always.
    pub(crate) temperature: Option<f32>,
    /// Keeps the likeliest tokens up to this share.
    pub(crate) top_p: Option<f32>,
    /// Keeps this many of the likeliest tokens.
    pub(crate) top_k: Option<u32>,
    /// The most tokens to generate.
    pub(crate) max_tokens: Option<u64>,
    /// Refused above 0.
    pub(crate) min_tokens: Option<u64>,
    /// Events instead of one answer.
    pub(crate) stream: Option<bool>,
    /// Texts that end the answer.
    #[schema(value_type = Option<TextOr<Vec<String>>>)]
    pub(crate) stop: Option<TextOr<Vec<String>>>,
    /// The same seed gives the same answer.
    pub(crate) random_seed: Option<u64>,
    /// Labels for the caller's own records; no record is kept here.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<BTreeMap<String, Box<RawValue>>>,
    /// Text, JSON, or JSON that follows a schema.
    pub(crate) response_format: Option<ResponseFormat>,
    /// Functions that the model may call.
    pub(crate) tools: Option<Vec<Tool>>,
    /// `auto`, `none`, `any`, `required`, or one function.
    #[schema(value_type = Option<TextOr<NamedTool>>)]
    pub(crate) tool_choice: Option<TextOr<NamedTool>>,
    /// Several calls in one answer; `true` where it is left out.
    pub(crate) parallel_tool_calls: Option<bool>,
    /// Subtracted from the logits of tokens that the answer has already.
    pub(crate) presence_penalty: Option<f32>,
    /// Subtracted as many times as the answer has the token.
    pub(crate) frequency_penalty: Option<f32>,
    /// Divides the logits of tokens seen so far.
    pub(crate) repetition_penalty: Option<f32>,
    /// Report each token's log-probability.
    pub(crate) logprobs: Option<bool>,
    /// And of so many alternatives.
    pub(crate) top_logprobs: Option<u32>,
    /// Refused when true.
    pub(crate) prompt_logprobs: Option<bool>,
    /// Refused above 0.
    pub(crate) top_prompt_logprobs: Option<u32>,
    /// So many answers, of consecutive seeds.
    pub(crate) n: Option<u32>,
    /// The text that the answer probably is: a draft for speculation, which changes no byte.
    pub(crate) prediction: Option<Prediction>,
    /// `reasoning`: the model's own system prompt for reasoning goes first.
    pub(crate) prompt_mode: Option<String>,
    /// How long to think: template version v15.
    pub(crate) reasoning_effort: Option<String>,
    /// Refused unless empty.
    #[schema(value_type = Option<Vec<Object>>)]
    pub(crate) guardrails: Option<Vec<Box<RawValue>>>,
    /// Prompts are cached by their own tokens; a key adds nothing.
    pub(crate) prompt_cache_key: Option<String>,
    /// `auto` or `standard_only`: there is one tier.
    pub(crate) service_tier: Option<String>,
    /// Mistral's safety sentence goes first.
    pub(crate) safe_prompt: Option<bool>,
    /// What streams carry; some clients of Mistral's API send it, as OpenAI's do.
    pub(crate) stream_options: Option<StreamOptions>,
}

/// What a stream carries.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralStreamOptions)]
pub(crate) struct StreamOptions {
    /// Calls may come in pieces; each comes in one.
    pub(crate) stream_tool_calls: Option<bool>,
    /// The last chunk counts tokens in any case; refused when false.
    pub(crate) include_usage: Option<bool>,
}

/// One message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralMessage)]
pub(crate) struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub(crate) role: String,
    /// Text, or chunks.
    #[schema(value_type = Option<TextOr<Vec<Chunk>>>)]
    pub(crate) content: Option<TextOr<Vec<Chunk>>>,
    /// What the assistant called.
    pub(crate) tool_calls: Option<Vec<ToolCall>>,
    /// The last message is a beginning, which the model continues.
    pub(crate) prefix: Option<bool>,
    /// Which call a tool's message answers.
    pub(crate) tool_call_id: Option<String>,
    /// The function that a tool's message comes from.
    pub(crate) name: Option<String>,
}

/// A part of a message. `type` says which of the other fields counts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralChunk)]
pub(crate) struct Chunk {
    /// `text` or `thinking`; the other types of Mistral's API are refused by name.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Of a `text` chunk.
    pub(crate) text: Option<String>,
    /// Of a `thinking` chunk: text, or text chunks.
    #[schema(value_type = Option<Object>)]
    pub(crate) thinking: Option<TextOr<Vec<ThoughtPart>>>,
    /// The thought is thought to its end; `true` where it is left out.
    pub(crate) closed: Option<bool>,
    /// Of a `thinking` chunk; thoughts are not signed here, so it is not read.
    pub(crate) signature: Option<String>,
    /// Of an image; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) image_url: Option<IgnoredAny>,
    /// Of a document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) document_url: Option<IgnoredAny>,
    /// Of a document; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) document_name: Option<IgnoredAny>,
    /// Of a reference; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) reference_ids: Option<IgnoredAny>,
    /// Of a file; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) file_id: Option<IgnoredAny>,
    /// Of a recording; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) input_audio: Option<IgnoredAny>,
}

/// A part of a thought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralThoughtPart)]
pub(crate) struct ThoughtPart {
    /// `text`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Of the thought.
    pub(crate) text: String,
}

/// A function that the model called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralToolCallInput)]
pub(crate) struct ToolCall {
    /// Nine letters or digits; what a tool's message refers to.
    pub(crate) id: Option<String>,
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What was called.
    pub(crate) function: FunctionCall,
    /// Its place among the calls; the order of the list says the same.
    pub(crate) index: Option<u32>,
}

/// What was called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralFunctionCallInput)]
pub(crate) struct FunctionCall {
    /// Of the function.
    pub(crate) name: String,
    /// A JSON object, or one as text.
    #[schema(value_type = TextOr<Object>)]
    pub(crate) arguments: Box<RawValue>,
}

/// A function that the model may call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralTool)]
pub(crate) struct Tool {
    /// `function`; Mistral's built-in connectors are refused.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What it is.
    pub(crate) function: Option<Function>,
}

/// What a tool is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralFunction)]
pub(crate) struct Function {
    /// Letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// What it is good for.
    pub(crate) description: Option<String>,
    /// JSON schema of its arguments.
    #[schema(value_type = Option<Object>)]
    pub(crate) parameters: Option<Box<RawValue>>,
    /// Hold the arguments to the schema while they are generated.
    pub(crate) strict: Option<bool>,
}

/// `{"type": "function", "function": {"name"}}`: this function is to be called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralNamedTool)]
pub(crate) struct NamedTool {
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Which.
    pub(crate) function: FunctionName,
}

/// Which function.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralFunctionName)]
pub(crate) struct FunctionName {
    /// Its name.
    pub(crate) name: String,
}

/// What form the answer takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralResponseFormat)]
pub(crate) struct ResponseFormat {
    /// `text`, `json_object` or `json_schema`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// With `json_schema`.
    pub(crate) json_schema: Option<NamedSchema>,
}

/// A schema with a name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralNamedSchema)]
pub(crate) struct NamedSchema {
    /// For people.
    pub(crate) name: String,
    /// For people.
    pub(crate) description: Option<String>,
    /// JSON schema of the answer.
    #[schema(value_type = Object)]
    pub(crate) schema: Box<RawValue>,
    /// Schemas are followed strictly, whether this is said or not.
    pub(crate) strict: Option<bool>,
}

/// What the answer probably is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralPrediction)]
pub(crate) struct Prediction {
    /// `content`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// The text.
    pub(crate) content: String,
}

/// `POST /v1/fim/completions`: text between a prompt and a suffix.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralFimRequest)]
pub(crate) struct FimRequest {
    /// Which model; without it the one that the server was started with.
    pub(crate) model: Option<String>,
    /// The text before the gap.
    pub(crate) prompt: String,
    /// The text after it.
    pub(crate) suffix: Option<String>,
    /// Divides the logits; 0 takes the likeliest token always.
    pub(crate) temperature: Option<f32>,
    /// Keeps the likeliest tokens up to this share.
    pub(crate) top_p: Option<f32>,
    /// The most tokens to generate.
    pub(crate) max_tokens: Option<u64>,
    /// Refused above 0.
    pub(crate) min_tokens: Option<u64>,
    /// Events instead of one answer.
    pub(crate) stream: Option<bool>,
    /// Texts that end the answer.
    #[schema(value_type = Option<TextOr<Vec<String>>>)]
    pub(crate) stop: Option<TextOr<Vec<String>>>,
    /// The same seed gives the same answer.
    pub(crate) random_seed: Option<u64>,
    /// Labels for the caller's own records; no record is kept here.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<BTreeMap<String, Box<RawValue>>>,
    /// Prompts are cached by their own tokens; a key adds nothing.
    pub(crate) prompt_cache_key: Option<String>,
}

/// `POST /v1/embeddings`, as Mistral's API spells it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MistralEmbeddingRequest)]
pub(crate) struct EmbeddingRequest {
    /// Which model; without it the one that the server was started with.
    pub(crate) model: Option<String>,
    /// A text, or texts.
    #[schema(value_type = TextOr<Vec<String>>)]
    pub(crate) input: TextOr<Vec<String>>,
    /// Labels for the caller's own records; no record is kept here.
    #[schema(value_type = Option<Object>)]
    pub(crate) metadata: Option<BTreeMap<String, Box<RawValue>>>,
    /// Refused unless it is the model's own.
    pub(crate) output_dimension: Option<u32>,
    /// `float`; the others are refused.
    pub(crate) output_dtype: Option<String>,
    /// `float` or `base64`.
    pub(crate) encoding_format: Option<String>,
}
