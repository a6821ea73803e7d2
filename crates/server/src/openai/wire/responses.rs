//! `POST /v1/responses`, the request. What goes out is in `responses_out.rs`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::TextOr;
use super::chat::GrammarFormat;

/// A request for one response. Nothing is kept: every request brings its whole conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ResponsesRequest)]
pub(crate) struct ResponsesRequest {
    /// Name or alias of a model; the server's first one where it is left out.
    pub(crate) model: Option<String>,
    /// What the user says, or the conversation as items.
    pub(crate) input: Option<TextOr<Vec<InputItem>>>,
    /// A system message before the input.
    pub(crate) instructions: Option<String>,
    /// The most tokens to generate, thoughts included.
    pub(crate) max_output_tokens: Option<u32>,

    /// 0 to 2; 0 always takes the most probable token.
    pub(crate) temperature: Option<f64>,
    /// 0 to 1.
    pub(crate) top_p: Option<f64>,
    /// Alternatives to report with each token, 0 to 20.
    pub(crate) top_logprobs: Option<u32>,
    /// Equal seeds give equal answers; drawn at random and reported where it is left out. An extension.
    pub(crate) seed: Option<u64>,

    /// Functions that the model may call.
    pub(crate) tools: Option<Vec<ResponsesTool>>,
    /// `auto`, `none`, `required`, or a function.
    pub(crate) tool_choice: Option<TextOr<ResponsesToolChoice>>,
    /// Several calls in one answer; true where it is left out.
    pub(crate) parallel_tool_calls: Option<bool>,
    pub(crate) text: Option<TextConfig>,
    pub(crate) reasoning: Option<Reasoning>,
    /// `message.output_text.logprobs`, `reasoning.encrypted_content`.
    pub(crate) include: Option<Vec<String>>,

    /// Answer in pieces, as server-sent events.
    pub(crate) stream: Option<bool>,
    pub(crate) stream_options: Option<ResponsesStreamOptions>,

    /// Labels, which come back in the response.
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    /// A label; nothing depends on it.
    pub(crate) user: Option<String>,
    /// A label; nothing depends on it.
    pub(crate) safety_identifier: Option<String>,
    /// Labels of the client; nothing depends on them.
    #[serde(rename = "client_metadata")]
    pub(crate) _client_metadata: Option<BTreeMap<String, Value>>,
    /// A label: there is one cache, and it is always used.
    pub(crate) prompt_cache_key: Option<String>,
    /// Only `in_memory`.
    pub(crate) prompt_cache_retention: Option<String>,
    /// Only false: nothing is stored.
    pub(crate) store: Option<bool>,
    /// Only `auto` and `default`.
    pub(crate) service_tier: Option<String>,
    /// Only `disabled`: what does not fit is an error.
    pub(crate) truncation: Option<String>,
    /// Bounds calls of built-in tools, of which there are none.
    pub(crate) max_tool_calls: Option<u32>,

    #[schema(ignore)]
    pub(crate) background: Option<bool>,
    #[schema(ignore)]
    pub(crate) context_management: Option<Value>,
    #[schema(ignore)]
    pub(crate) conversation: Option<Value>,
    #[schema(ignore)]
    pub(crate) moderation: Option<Value>,
    #[schema(ignore)]
    pub(crate) previous_response_id: Option<String>,
    #[schema(ignore)]
    pub(crate) prompt: Option<Value>,
    #[schema(ignore)]
    pub(crate) prompt_cache_options: Option<Value>,
}

/// A message, a call, its result, or a thought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::InputItem)]
pub(crate) struct InputItem {
    /// `message` (where it is left out), `function_call`, `function_call_output` or `reasoning`.
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    /// Of a message: `system`, `developer`, `user` or `assistant`.
    pub(crate) role: Option<String>,
    /// Of a message or a thought.
    pub(crate) content: Option<TextOr<Vec<InputPart>>>,
    /// Pairs a call with its result.
    pub(crate) call_id: Option<String>,
    /// Of the function called.
    pub(crate) name: Option<String>,
    /// Of a call: a JSON object, as text.
    pub(crate) arguments: Option<String>,
    /// Of a result.
    pub(crate) output: Option<TextOr<Vec<InputPart>>>,
    /// Of a thought.
    pub(crate) summary: Option<Vec<InputPart>>,
    /// Of a thought, as this server gave it.
    pub(crate) encrypted_content: Option<String>,
    /// As a response named the item.
    #[serde(rename = "id")]
    pub(crate) _id: Option<String>,
    /// As a response gave it.
    #[serde(rename = "status")]
    pub(crate) _status: Option<String>,
    /// As a response gave it.
    pub(crate) phase: Option<String>,
    #[schema(ignore)]
    pub(crate) caller: Option<Value>,
    #[schema(ignore)]
    pub(crate) namespace: Option<String>,
}

/// A part of an item.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::InputPart)]
pub(crate) struct InputPart {
    /// `input_text`, `output_text`, `refusal`, `summary_text`, `reasoning_text`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) text: Option<String>,
    pub(crate) refusal: Option<String>,
    /// As a response gave them; the model does not see them.
    #[serde(rename = "annotations")]
    #[schema(ignore)]
    pub(crate) _annotations: Option<Vec<Value>>,
    /// As a response gave them; the model does not see them.
    #[serde(rename = "logprobs")]
    #[schema(ignore)]
    pub(crate) _logprobs: Option<Vec<Value>>,
    #[schema(ignore)]
    pub(crate) image_url: Option<String>,
    #[schema(ignore)]
    pub(crate) file_url: Option<String>,
    #[schema(ignore)]
    pub(crate) detail: Option<String>,
    #[schema(ignore)]
    pub(crate) file_id: Option<String>,
    #[schema(ignore)]
    pub(crate) file_data: Option<String>,
    #[schema(ignore)]
    pub(crate) filename: Option<String>,
    #[schema(ignore)]
    pub(crate) input_audio: Option<Value>,
}

/// A function that the model may call; or a tool of another type, which is read to be refused by its type.
#[derive(Debug, Default, ToSchema)]
#[schema(as = openai::ResponsesTool)]
pub(crate) struct ResponsesTool {
    /// `function`.
    #[schema(rename = "type")]
    pub(crate) kind: String,
    /// Letters, digits, `_` and `-`, at most 64.
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    /// JSON schema. Kept as it is written: the model was trained on that form.
    #[schema(value_type = Option<Object>)]
    pub(crate) parameters: Option<Box<RawValue>>,
    /// Hold the arguments to the schema.
    pub(crate) strict: Option<bool>,
    /// The first field that a function does not have.
    #[schema(ignore)]
    pub(crate) unknown: Option<String>,
}

impl<'de> Deserialize<'de> for ResponsesTool {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ToolVisitor)
    }
}

struct ToolVisitor;

impl<'de> Visitor<'de> for ToolVisitor {
    type Value = ResponsesTool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tool, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ResponsesTool, A::Error> {
        let mut tool = ResponsesTool::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "type" => tool.kind = map.next_value()?,
                "name" => tool.name = map.next_value()?,
                "description" => tool.description = map.next_value()?,
                "parameters" => tool.parameters = map.next_value()?,
                "strict" => tool.strict = map.next_value()?,
                _ => {
                    if map.next_value::<Option<IgnoredAny>>()?.is_some() {
                        tool.unknown.get_or_insert(key);
                    }
                }
            }
        }
        Ok(tool)
    }
}

/// The long form of `tool_choice`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ResponsesToolChoice)]
pub(crate) struct ResponsesToolChoice {
    /// `function` or `allowed_tools`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
    /// `auto` or `required`.
    pub(crate) mode: Option<String>,
    pub(crate) tools: Option<Vec<ResponsesNamedTool>>,
}

/// A tool by its name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ResponsesNamedTool)]
pub(crate) struct ResponsesNamedTool {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) name: Option<String>,
}

/// What form the text takes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::TextConfig)]
pub(crate) struct TextConfig {
    pub(crate) format: Option<TextFormat>,
    /// Only `medium`.
    pub(crate) verbosity: Option<String>,
}

/// `text`, `json_object`, `json_schema`, or `grammar` (an extension).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::TextFormat)]
pub(crate) struct TextFormat {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// For people.
    pub(crate) name: Option<String>,
    /// For people.
    pub(crate) description: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub(crate) schema: Option<Box<RawValue>>,
    /// Answers follow the schema either way.
    pub(crate) strict: Option<bool>,
    pub(crate) grammar: Option<GrammarFormat>,
}

/// How to think before answering.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::Reasoning)]
pub(crate) struct Reasoning {
    /// For models with template version v15: `none` to `max`, as the model's files list them.
    pub(crate) effort: Option<String>,
    /// Only `auto`, which is none: thoughts are given whole.
    pub(crate) summary: Option<String>,
    #[serde(skip_serializing)]
    #[schema(ignore)]
    pub(crate) generate_summary: Option<String>,
    #[serde(skip_serializing)]
    #[schema(ignore)]
    pub(crate) mode: Option<String>,
    #[serde(skip_serializing)]
    #[schema(ignore)]
    pub(crate) context: Option<String>,
}

/// What a stream carries beside the answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ResponsesStreamOptions)]
pub(crate) struct ResponsesStreamOptions {
    /// Only false: nothing is padded.
    pub(crate) include_obfuscation: Option<bool>,
}
