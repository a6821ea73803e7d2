//! What Ollama's clients send. serde only: meaning begins in `convert.rs`.
//!
//! A field that Ollama's API has and this server cannot do is listed here all the same, so that it is refused by name
//! and with a reason rather than as unknown. Ollama's own client sends `""` for texts that it does not mean, so that an
//! empty text is the same as none.

#![allow(dead_code)] // some fields are known and mean nothing here

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::text_or::TextOr;

/// `POST /api/chat`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaChatRequest)]
pub(crate) struct ChatRequest {
    /// Which model.
    pub(crate) model: String,
    /// The conversation, oldest first; without it the model is loaded, and that is all.
    pub(crate) messages: Option<Vec<Message>>,
    /// Functions that the model may call.
    pub(crate) tools: Option<Vec<Tool>>,
    /// `json`, or a JSON schema.
    #[schema(value_type = Option<TextOr<Object>>)]
    pub(crate) format: Option<Box<RawValue>>,
    /// How tokens are chosen.
    pub(crate) options: Option<Options>,
    /// Lines instead of one answer; `true` where it is left out.
    pub(crate) stream: Option<bool>,
    /// Whether the model thinks before it answers: `true`, `false`, or `low`, `medium`, `high`.
    #[schema(value_type = Option<Object>)]
    pub(crate) think: Option<Think>,
    /// How long the model stays in memory: seconds, or `5m`; below 0, for good; 0, not at all.
    #[schema(value_type = Option<Object>)]
    pub(crate) keep_alive: Option<KeepAlive>,
    /// Refused when true: what does not fit is an error.
    pub(crate) truncate: Option<bool>,
    /// Refused when true: what does not fit is an error.
    pub(crate) shift: Option<bool>,
    /// Report each token's log-probability.
    pub(crate) logprobs: Option<bool>,
    /// And of so many alternatives.
    pub(crate) top_logprobs: Option<u32>,
}

/// `POST /api/generate`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaGenerateRequest)]
pub(crate) struct GenerateRequest {
    /// Which model.
    pub(crate) model: String,
    /// What to answer; without it the model is loaded, and that is all.
    pub(crate) prompt: Option<String>,
    /// The text after a gap that the answer fills.
    pub(crate) suffix: Option<String>,
    /// The system prompt.
    pub(crate) system: Option<String>,
    /// Refused: the model's own template is used.
    pub(crate) template: Option<String>,
    /// Refused: send the conversation to `/api/chat`.
    pub(crate) context: Option<Vec<i64>>,
    /// Continue the prompt as it is, without a template.
    pub(crate) raw: Option<bool>,
    /// Refused unless empty.
    pub(crate) images: Option<Vec<String>>,
    /// `json`, or a JSON schema.
    #[schema(value_type = Option<TextOr<Object>>)]
    pub(crate) format: Option<Box<RawValue>>,
    /// How tokens are chosen.
    pub(crate) options: Option<Options>,
    /// Lines instead of one answer; `true` where it is left out.
    pub(crate) stream: Option<bool>,
    /// Whether the model thinks before it answers.
    #[schema(value_type = Option<Object>)]
    pub(crate) think: Option<Think>,
    /// How long the model stays in memory.
    #[schema(value_type = Option<Object>)]
    pub(crate) keep_alive: Option<KeepAlive>,
    /// Refused when true: what does not fit is an error.
    pub(crate) truncate: Option<bool>,
    /// Refused when true: what does not fit is an error.
    pub(crate) shift: Option<bool>,
    /// Report each token's log-probability.
    pub(crate) logprobs: Option<bool>,
    /// And of so many alternatives.
    pub(crate) top_logprobs: Option<u32>,
    /// Of a picture; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) width: Option<IgnoredAny>,
    /// Of a picture; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) height: Option<IgnoredAny>,
    /// Of a picture; refused.
    #[schema(value_type = Option<Object>)]
    pub(crate) steps: Option<IgnoredAny>,
}

/// One message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaMessage)]
pub(crate) struct Message {
    /// `system`, `user`, `assistant` or `tool`.
    pub(crate) role: String,
    /// The text.
    pub(crate) content: Option<String>,
    /// What the assistant thought.
    pub(crate) thinking: Option<String>,
    /// Refused unless empty.
    pub(crate) images: Option<Vec<String>>,
    /// What the assistant called.
    pub(crate) tool_calls: Option<Vec<ToolCall>>,
    /// The function that a tool's message comes from.
    pub(crate) tool_name: Option<String>,
    /// The older name of `tool_name`.
    pub(crate) name: Option<String>,
    /// Which call a tool's message answers.
    pub(crate) tool_call_id: Option<String>,
}

/// A function that the model called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaToolCallInput)]
pub(crate) struct ToolCall {
    /// Names the call for its result.
    pub(crate) id: Option<String>,
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What was called.
    pub(crate) function: FunctionCall,
}

/// What was called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaFunctionCallInput)]
pub(crate) struct FunctionCall {
    /// Its place among the calls; the order of the list says the same.
    pub(crate) index: Option<u32>,
    /// Of the function.
    pub(crate) name: String,
    /// For people.
    pub(crate) description: Option<String>,
    /// A JSON object.
    #[schema(value_type = Object)]
    pub(crate) arguments: Box<RawValue>,
}

/// A function that the model may call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaTool)]
pub(crate) struct Tool {
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// What it is.
    pub(crate) function: Function,
}

/// What a tool is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaFunction)]
pub(crate) struct Function {
    /// Letters, digits, `_` and `-`.
    pub(crate) name: String,
    /// What it is good for.
    pub(crate) description: Option<String>,
    /// JSON schema of its arguments.
    #[schema(value_type = Option<Object>)]
    pub(crate) parameters: Option<Box<RawValue>>,
}

/// How tokens are chosen, and how Ollama is to run. What this server has no counterpart for is refused by name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaOptions)]
pub(crate) struct Options {
    /// The same seed gives the same answer; below 0, drawn.
    pub(crate) seed: Option<i64>,
    /// The most tokens to generate; below 0, up to the end of the context.
    pub(crate) num_predict: Option<i64>,
    /// Tokens of prompt and answer; at most what the server was started with.
    pub(crate) num_ctx: Option<u64>,
    /// Tokens of the prompt that are never dropped: none ever is.
    pub(crate) num_keep: Option<i64>,
    /// Divides the logits; 0 takes the likeliest token always.
    pub(crate) temperature: Option<f32>,
    /// Keeps this many of the likeliest tokens; 0 keeps all.
    pub(crate) top_k: Option<u32>,
    /// Keeps the likeliest tokens up to this share.
    pub(crate) top_p: Option<f32>,
    /// Keeps tokens at least this share as likely as the likeliest.
    pub(crate) min_p: Option<f32>,
    /// Keeps the tokens that surprise as much as is to be expected, up to this share.
    pub(crate) typical_p: Option<f32>,
    /// Divides the logits of tokens seen so far.
    pub(crate) repeat_penalty: Option<f32>,
    /// It looks back at so many tokens; below 0, at all; 0 turns it off.
    pub(crate) repeat_last_n: Option<i64>,
    /// Subtracted from the logits of tokens that the answer has already.
    pub(crate) presence_penalty: Option<f32>,
    /// Subtracted as many times as the answer has the token.
    pub(crate) frequency_penalty: Option<f32>,
    /// Texts that end the answer.
    #[schema(value_type = Option<TextOr<Vec<String>>>)]
    pub(crate) stop: Option<TextOr<Vec<String>>>,

    /// Refused above 0.
    pub(crate) mirostat: Option<u32>,
    /// Refused.
    #[schema(value_type = Option<f32>)]
    pub(crate) mirostat_tau: Option<IgnoredAny>,
    /// Refused.
    #[schema(value_type = Option<f32>)]
    pub(crate) mirostat_eta: Option<IgnoredAny>,
    /// Refused unless 1.
    pub(crate) tfs_z: Option<f32>,
    /// Refused when false.
    pub(crate) penalize_newline: Option<bool>,
    /// Refused above 0.
    pub(crate) num_gpu: Option<i64>,
    /// Refused above 0.
    pub(crate) main_gpu: Option<i64>,
    /// Refused: `serve --threads`.
    #[schema(value_type = Option<u32>)]
    pub(crate) num_thread: Option<IgnoredAny>,
    /// Refused.
    #[schema(value_type = Option<u32>)]
    pub(crate) num_batch: Option<IgnoredAny>,
    /// Refused when true.
    pub(crate) numa: Option<bool>,
    /// Refused when true.
    pub(crate) low_vram: Option<bool>,
    /// Refused: `serve --kv-type`.
    #[schema(value_type = Option<bool>)]
    pub(crate) f16_kv: Option<IgnoredAny>,
    /// Refused when true.
    pub(crate) logits_all: Option<bool>,
    /// Refused when true.
    pub(crate) vocab_only: Option<bool>,
    /// Refused when true.
    pub(crate) embedding_only: Option<bool>,
    /// Refused when true: weights are read and packed.
    pub(crate) use_mmap: Option<bool>,
    /// Refused when true.
    pub(crate) use_mlock: Option<bool>,
}

/// Whether and how long to think.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Think {
    /// Whether.
    Switch(bool),
    /// How long.
    Effort(String),
}

/// How long a model stays.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum KeepAlive {
    /// In seconds.
    Seconds(f64),
    /// As Go writes durations: `1h30m`.
    Text(String),
}

/// `POST /api/embed`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaEmbedRequest)]
pub(crate) struct EmbedRequest {
    /// Which model.
    pub(crate) model: String,
    /// A text, or texts.
    #[schema(value_type = TextOr<Vec<String>>)]
    pub(crate) input: TextOr<Vec<String>>,
    /// `true` leaves out the end of a text that does not fit; without it that is an error.
    pub(crate) truncate: Option<bool>,
    /// Refused unless it is the model's own.
    pub(crate) dimensions: Option<u32>,
    /// Of the options, only `num_ctx` bears on a vector.
    pub(crate) options: Option<Options>,
    /// How long the model stays in memory.
    #[schema(value_type = Option<Object>)]
    pub(crate) keep_alive: Option<KeepAlive>,
}

/// `POST /api/embeddings`, the older form for one text.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaEmbeddingsRequest)]
pub(crate) struct EmbeddingsRequest {
    /// Which model.
    pub(crate) model: String,
    /// A text.
    pub(crate) prompt: Option<String>,
    /// Of the options, only `num_ctx` bears on a vector.
    pub(crate) options: Option<Options>,
    /// How long the model stays in memory.
    #[schema(value_type = Option<Object>)]
    pub(crate) keep_alive: Option<KeepAlive>,
}

/// `POST /api/show`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OllamaShowRequest)]
pub(crate) struct ShowRequest {
    /// Which model.
    pub(crate) model: Option<String>,
    /// The older name of `model`.
    pub(crate) name: Option<String>,
    /// All metadata, lists and vocabulary with it; refused when true.
    pub(crate) verbose: Option<bool>,
    /// Refused unless empty.
    pub(crate) system: Option<String>,
    /// Refused unless empty.
    pub(crate) template: Option<String>,
    /// Refused unless empty.
    #[schema(value_type = Option<Object>)]
    pub(crate) options: Option<BTreeMap<String, IgnoredAny>>,
}
