//! `POST /v1/chat/completions`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::TextOr;

/// A chat request.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ChatRequest)]
pub(crate) struct ChatRequest {
    /// Name or alias of a model; the server's first one where it is left out.
    pub(crate) model: Option<String>,
    /// The conversation, oldest message first.
    pub(crate) messages: Vec<ChatMessage>,

    /// 0 to 2; 0 always takes the most probable token.
    pub(crate) temperature: Option<f64>,
    /// 0 to 1.
    pub(crate) top_p: Option<f64>,
    /// Keeps this many tokens; 0 keeps all. An extension.
    pub(crate) top_k: Option<u32>,
    /// 0 to 1. An extension.
    pub(crate) min_p: Option<f64>,
    /// 0 to 1. An extension.
    pub(crate) typical_p: Option<f64>,
    /// Above 0, at most 10; 1 is off. An extension.
    pub(crate) repetition_penalty: Option<f64>,
    /// -2 to 2.
    pub(crate) presence_penalty: Option<f64>,
    /// -2 to 2.
    pub(crate) frequency_penalty: Option<f64>,
    /// Token id to bias, -100 to 100.
    pub(crate) logit_bias: Option<BTreeMap<String, f64>>,
    /// Equal seeds give equal answers; drawn at random and reported where it is left out.
    pub(crate) seed: Option<u64>,
    /// Answers to give, with the seeds `seed`, `seed + 1`, …
    pub(crate) n: Option<u32>,
    /// Strings that end the answer.
    pub(crate) stop: Option<TextOr<Vec<String>>>,
    /// The most tokens to generate.
    pub(crate) max_completion_tokens: Option<u32>,
    /// The older name of `max_completion_tokens`.
    pub(crate) max_tokens: Option<u32>,
    /// Report the log-probability of each token of the answer.
    pub(crate) logprobs: Option<bool>,
    /// Alternatives to report with each token, 0 to 20.
    pub(crate) top_logprobs: Option<u32>,

    /// Answer in pieces, as server-sent events.
    pub(crate) stream: Option<bool>,
    pub(crate) stream_options: Option<StreamOptions>,

    /// Functions that the model may call.
    pub(crate) tools: Option<Vec<ToolDefinition>>,
    /// `auto`, `none`, `required`, or a function.
    pub(crate) tool_choice: Option<TextOr<ToolChoice>>,
    /// Several calls in one answer; true where it is left out.
    pub(crate) parallel_tool_calls: Option<bool>,
    pub(crate) response_format: Option<ResponseFormat>,
    /// For models with template version v15: `none` to `max`, as the model's files list them.
    pub(crate) reasoning_effort: Option<String>,
    pub(crate) prediction: Option<Prediction>,

    /// A label; nothing depends on it.
    #[serde(rename = "user")]
    pub(crate) _user: Option<String>,
    /// A label; nothing depends on it.
    #[serde(rename = "safety_identifier")]
    pub(crate) _safety_identifier: Option<String>,
    /// A label: there is one cache, and it is always used.
    #[serde(rename = "prompt_cache_key")]
    pub(crate) _prompt_cache_key: Option<String>,
    /// Labels; nothing depends on them.
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// Only false: nothing is stored.
    pub(crate) store: Option<bool>,
    /// Only `auto` and `default`.
    pub(crate) service_tier: Option<String>,
    /// Only `["text"]`.
    pub(crate) modalities: Option<Vec<String>>,
    /// Only `medium`.
    pub(crate) verbosity: Option<String>,
    /// Only `in_memory`.
    pub(crate) prompt_cache_retention: Option<String>,

    #[schema(ignore)]
    pub(crate) audio: Option<Value>,
    #[schema(ignore)]
    pub(crate) function_call: Option<Value>,
    #[schema(ignore)]
    pub(crate) functions: Option<Value>,
    #[schema(ignore)]
    pub(crate) moderation: Option<Value>,
    #[schema(ignore)]
    pub(crate) prompt_cache_options: Option<Value>,
    #[schema(ignore)]
    pub(crate) web_search_options: Option<Value>,
}

/// One message of a chat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ChatMessage)]
pub(crate) struct ChatMessage {
    /// `system`, `developer`, `user`, `assistant` or `tool`.
    pub(crate) role: String,
    /// A text, or a list of parts.
    pub(crate) content: Option<TextOr<Vec<ContentPart>>>,
    /// Of the function, in results of tools.
    pub(crate) name: Option<String>,
    /// Functions that the model called.
    pub(crate) tool_calls: Option<Vec<ToolCall>>,
    /// Which call a result answers.
    pub(crate) tool_call_id: Option<String>,
    /// What a model refused to do; read as its text.
    pub(crate) refusal: Option<String>,
    /// What the model thought before it answered.
    pub(crate) reasoning_content: Option<String>,
    /// The same under another name.
    pub(crate) reasoning: Option<String>,
    #[schema(ignore)]
    pub(crate) annotations: Option<Vec<Value>>,
    #[schema(ignore)]
    pub(crate) audio: Option<Value>,
    #[schema(ignore)]
    pub(crate) function_call: Option<Value>,
}

/// A part of a message.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ContentPart)]
pub(crate) struct ContentPart {
    /// `text`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: Option<String>,
    pub(crate) refusal: Option<String>,
    #[schema(ignore)]
    pub(crate) image_url: Option<ImageUrl>,
    #[schema(ignore)]
    pub(crate) input_audio: Option<Value>,
    #[schema(ignore)]
    pub(crate) file: Option<Value>,
}

/// Where an image is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ImageUrl)]
pub(crate) struct ImageUrl {
    pub(crate) url: String,
    #[serde(rename = "detail")]
    pub(crate) _detail: Option<String>,
}

/// A call that the model made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ToolCall)]
pub(crate) struct ToolCall {
    pub(crate) id: Option<String>,
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) function: Option<CalledFunction>,
    /// As streams number calls; their order says the same.
    #[serde(rename = "index")]
    pub(crate) _index: Option<u64>,
    #[schema(ignore)]
    #[serde(rename = "custom")]
    pub(crate) _custom: Option<Value>,
}

/// Name and arguments of a call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::CalledFunction)]
pub(crate) struct CalledFunction {
    pub(crate) name: String,
    /// A JSON object, as text.
    pub(crate) arguments: Option<String>,
}

/// A function that the model may call.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ToolDefinition)]
pub(crate) struct ToolDefinition {
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) function: Option<FunctionDefinition>,
    #[schema(ignore)]
    #[serde(rename = "custom")]
    pub(crate) _custom: Option<Value>,
}

/// What a function is called, what it is good for, and what it takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::FunctionDefinition)]
pub(crate) struct FunctionDefinition {
    /// Letters, digits, `_` and `-`, at most 64.
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// JSON schema. Kept as it is written: the model was trained on that form.
    #[schema(value_type = Option<Object>)]
    pub(crate) parameters: Option<Box<RawValue>>,
    /// Hold the arguments to the schema.
    pub(crate) strict: Option<bool>,
}

/// The long form of `tool_choice`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ToolChoice)]
pub(crate) struct ToolChoice {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) function: Option<NamedFunction>,
    pub(crate) allowed_tools: Option<AllowedTools>,
    #[schema(ignore)]
    #[serde(rename = "custom")]
    pub(crate) _custom: Option<Value>,
}

/// A function by its name.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::NamedFunction)]
pub(crate) struct NamedFunction {
    pub(crate) name: String,
}

/// A choice among some of the tools.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::AllowedTools)]
pub(crate) struct AllowedTools {
    /// `auto` or `required`.
    pub(crate) mode: String,
    pub(crate) tools: Vec<AllowedTool>,
}

/// One of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::AllowedTool)]
pub(crate) struct AllowedTool {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) function: Option<NamedFunction>,
}

/// What form the answer takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ResponseFormat)]
pub(crate) struct ResponseFormat {
    /// `text`, `json_object`, `json_schema`, or `grammar` (an extension).
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) json_schema: Option<JsonSchemaFormat>,
    pub(crate) grammar: Option<GrammarFormat>,
}

/// A schema with a name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::JsonSchemaFormat)]
pub(crate) struct JsonSchemaFormat {
    /// For people.
    pub(crate) name: String,
    /// For people.
    #[serde(rename = "description")]
    pub(crate) _description: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub(crate) schema: Option<Box<RawValue>>,
    /// Answers follow the schema either way.
    #[serde(rename = "strict")]
    pub(crate) _strict: Option<bool>,
}

/// A grammar in the form in which OpenAI's custom tools take one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::GrammarFormat)]
pub(crate) struct GrammarFormat {
    /// `lark` or `regex`.
    pub(crate) syntax: String,
    pub(crate) definition: String,
}

/// Text that much of the answer is expected to repeat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::Prediction)]
pub(crate) struct Prediction {
    /// `content`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) content: TextOr<Vec<ContentPart>>,
}

/// What a stream carries beside the answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::StreamOptions)]
pub(crate) struct StreamOptions {
    /// A last chunk with the token counts.
    pub(crate) include_usage: Option<bool>,
    /// Only false: nothing is padded.
    pub(crate) include_obfuscation: Option<bool>,
}

/// A complete answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::ChatCompletion)]
pub(crate) struct ChatCompletion {
    pub(crate) id: String,
    /// `chat.completion`.
    pub(crate) object: &'static str,
    /// Unix time, in seconds.
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) system_fingerprint: String,
    pub(crate) choices: Vec<ChatChoice>,
    pub(crate) usage: Usage,
    /// Seed of the first choice; choice `i` has `seed + i`. An extension.
    pub(crate) seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_tier: Option<&'static str>,
}

/// One of the answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::ChatChoice)]
pub(crate) struct ChatChoice {
    pub(crate) index: u32,
    pub(crate) message: AssistantMessage,
    pub(crate) logprobs: Option<Logprobs>,
    /// `stop`, `length` or `tool_calls`.
    pub(crate) finish_reason: &'static str,
}

/// What the model said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::AssistantMessage)]
pub(crate) struct AssistantMessage {
    /// `assistant`.
    pub(crate) role: &'static str,
    /// `null` where there are only calls.
    pub(crate) content: Option<String>,
    /// Always `null`: this server refuses nothing in the model's place.
    pub(crate) refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_content: Option<String>,
    /// The same as `reasoning_content`, under its newer name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<CallMade>,
}

/// A call in an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::CallMade)]
pub(crate) struct CallMade {
    /// Nine letters or digits.
    pub(crate) id: String,
    /// `function`.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) function: FunctionMade,
}

/// Name and arguments of a call in an answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::FunctionMade)]
pub(crate) struct FunctionMade {
    pub(crate) name: String,
    /// A JSON object, as text.
    pub(crate) arguments: String,
}

/// Log-probabilities of the answer.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::Logprobs)]
pub(crate) struct Logprobs {
    pub(crate) content: Vec<TokenLogprob>,
    /// Always `null`.
    pub(crate) refusal: Option<Vec<TokenLogprob>>,
}

/// One token of the answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::TokenLogprob)]
pub(crate) struct TokenLogprob {
    /// Its text; U+FFFD stands for parts of characters.
    pub(crate) token: String,
    /// Natural logarithm, before any filter.
    pub(crate) logprob: f32,
    /// Its bytes, exactly.
    pub(crate) bytes: Vec<u8>,
    pub(crate) top_logprobs: Vec<TopLogprob>,
}

/// One of the likeliest tokens at a place.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::TopLogprob)]
pub(crate) struct TopLogprob {
    pub(crate) token: String,
    pub(crate) logprob: f32,
    pub(crate) bytes: Vec<u8>,
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::Usage)]
pub(crate) struct Usage {
    pub(crate) prompt_tokens: usize,
    /// Of all choices together.
    pub(crate) completion_tokens: usize,
    pub(crate) total_tokens: usize,
    pub(crate) prompt_tokens_details: PromptTokens,
    pub(crate) completion_tokens_details: CompletionTokens,
}

/// What of the prompt was known already.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::PromptTokens)]
pub(crate) struct PromptTokens {
    pub(crate) cached_tokens: usize,
    /// Always 0.
    pub(crate) audio_tokens: usize,
}

/// What of the answer is not text for the reader.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::CompletionTokens)]
pub(crate) struct CompletionTokens {
    pub(crate) reasoning_tokens: usize,
    /// Tokens of the prediction that were right.
    pub(crate) accepted_prediction_tokens: usize,
    /// Tokens of the prediction that were not.
    pub(crate) rejected_prediction_tokens: usize,
    /// Always 0.
    pub(crate) audio_tokens: usize,
}

/// A piece of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::ChatChunk)]
pub(crate) struct ChatChunk<'a> {
    pub(crate) id: &'a str,
    /// `chat.completion.chunk`.
    pub(crate) object: &'static str,
    pub(crate) created: u64,
    pub(crate) model: &'a str,
    pub(crate) system_fingerprint: &'a str,
    /// One; none in the chunk with the token counts.
    pub(crate) choices: Vec<ChunkChoice>,
    /// `null` until the last chunk, where `stream_options.include_usage` asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Option<Usage>>,
    /// In the chunks that end a choice. An extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) service_tier: Option<&'static str>,
}

/// What a piece adds to one choice.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::ChunkChoice)]
pub(crate) struct ChunkChoice {
    pub(crate) index: u32,
    pub(crate) delta: Delta,
    pub(crate) logprobs: Option<Logprobs>,
    pub(crate) finish_reason: Option<&'static str>,
}

/// What a piece adds to a message.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::Delta)]
pub(crate) struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reasoning: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<CallDelta>,
}

/// What a piece adds to a call: first its id and name, then its arguments.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::CallDelta)]
pub(crate) struct CallDelta {
    pub(crate) index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<&'static str>,
    pub(crate) function: FunctionDelta,
}

/// What a piece adds to name and arguments.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::FunctionDelta)]
pub(crate) struct FunctionDelta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) arguments: String,
}

impl Usage {
    /// Counts of two prompts together.
    pub(crate) fn add(&mut self, other: &Self) {
        let sum = |a: &mut usize, b: usize| *a = a.saturating_add(b);
        sum(&mut self.prompt_tokens, other.prompt_tokens);
        sum(&mut self.completion_tokens, other.completion_tokens);
        sum(&mut self.total_tokens, other.total_tokens);
        sum(&mut self.prompt_tokens_details.cached_tokens, other.prompt_tokens_details.cached_tokens);
        sum(&mut self.completion_tokens_details.reasoning_tokens, other.completion_tokens_details.reasoning_tokens);
    }
}
