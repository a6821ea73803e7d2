//! What Ollama's clients receive: an object, or lines of them, the last with the numbers.

use std::time::{Duration, Instant, SystemTime};

use engine::prompt;
use engine::{FinishReason, TokenEvent, Tokenizer};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::answers::End;
use crate::timestamp;

/// An answer, or a piece of one; of `/api/chat` and `/api/generate` alike.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaAnswer)]
pub(crate) struct Answer {
    pub(crate) model: String,
    /// RFC 3339.
    pub(crate) created_at: String,
    #[serde(flatten)]
    pub(crate) said: Said,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logprobs: Option<Vec<Logprob>>,
    pub(crate) done: bool,
    /// `stop`, `length`, `load` or `unload`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) done_reason: Option<&'static str>,
    #[serde(flatten)]
    pub(crate) metrics: Option<Metrics>,
}

/// What was said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = OllamaSaid)]
pub(crate) enum Said {
    /// By `/api/chat`.
    Chat { message: Message },
    /// By `/api/generate`.
    Generate {
        response: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        thinking: Option<String>,
    },
}

/// A message, or a piece of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaMessageOut)]
pub(crate) struct Message {
    /// `assistant`
    pub(crate) role: &'static str,
    pub(crate) content: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) thinking: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tool_calls: Vec<ToolCall>,
}

/// A function that the model calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaToolCall)]
pub(crate) struct ToolCall {
    /// Nine letters or digits.
    pub(crate) id: String,
    pub(crate) function: Function,
}

/// What is called.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaFunctionCall)]
pub(crate) struct Function {
    /// Its place among the calls.
    pub(crate) index: u32,
    pub(crate) name: String,
    #[schema(value_type = Object)]
    pub(crate) arguments: Box<RawValue>,
}

/// A token and how likely it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaLogprob)]
pub(crate) struct Logprob {
    pub(crate) token: String,
    pub(crate) logprob: f32,
    pub(crate) bytes: Vec<u8>,
    /// The likeliest tokens at its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub(crate) top_logprobs: Vec<Logprob>,
}

/// What the answer took. Durations are in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = OllamaMetrics)]
pub(crate) struct Metrics {
    pub(crate) total_duration: u64,
    /// Until the model was in memory.
    pub(crate) load_duration: u64,
    /// Tokens of the prompt, those from the cache included.
    pub(crate) prompt_eval_count: usize,
    /// Until the first token: waiting and reading.
    pub(crate) prompt_eval_duration: u64,
    pub(crate) eval_count: usize,
    pub(crate) eval_duration: u64,
}

/// Which of the two paths asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Path {
    Chat,
    Generate,
}

/// What all pieces of an answer say, and since when it is under way.
pub(super) struct Head {
    pub(super) path: Path,
    pub(super) model: String,
    pub(super) started: Instant,
    pub(super) load: Duration,
}

impl Head {
    /// A piece of an answer.
    pub(super) fn piece(&self, text: String, thinking: Option<String>, tool_calls: Vec<ToolCall>) -> Answer {
        let said = match self.path {
            Path::Chat => Said::Chat { message: Message { role: "assistant", content: text, thinking, tool_calls } },
            Path::Generate => Said::Generate { response: text, thinking },
        };
        Answer {
            model: self.model.clone(),
            created_at: timestamp::rfc3339(SystemTime::now()),
            said,
            logprobs: None,
            done: false,
            done_reason: None,
            metrics: None,
        }
    }

    /// Makes a piece the last.
    pub(super) fn finish(&self, piece: Answer, end: &End) -> Answer {
        let metrics = Metrics {
            total_duration: nanoseconds(self.started.elapsed()),
            load_duration: nanoseconds(self.load),
            prompt_eval_count: end.usage.prompt_tokens,
            prompt_eval_duration: nanoseconds(end.timings.prefill),
            eval_count: end.usage.completion_tokens,
            eval_duration: nanoseconds(end.timings.decode),
        };
        let done_reason = match end.reason {
            FinishReason::Stop | FinishReason::ToolCalls => "stop",
            _ => "length",
        };
        Answer { done: true, done_reason: Some(done_reason), metrics: Some(metrics), ..piece }
    }

    /// The answer to a request without a prompt: `load` or `unload`.
    pub(super) fn without_answer(&self, reason: &'static str) -> Answer {
        Answer { done: true, done_reason: Some(reason), ..self.piece(String::new(), None, Vec::new()) }
    }
}

impl ToolCall {
    /// The call at a place.
    pub(super) fn new(index: u32, call: prompt::ToolCall) -> Self {
        let arguments = RawValue::from_string(call.arguments).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Self { id: call.id.unwrap_or_default(), function: Function { index, name: call.name, arguments } }
    }
}

impl Logprob {
    /// A token by name.
    pub(super) fn new(token: &TokenEvent, tokenizer: &Tokenizer) -> Self {
        let one = |id: engine::TokenId, logprob: f32| Self {
            token: tokenizer.decode(&[id]),
            logprob,
            bytes: tokenizer.token_bytes(id).unwrap_or_default().to_vec(),
            top_logprobs: Vec::new(),
        };
        let top_logprobs = token.top.iter().map(|&(id, logprob)| one(id, logprob)).collect();
        Self { top_logprobs, ..one(token.id, token.logprob) }
    }
}

/// Of a duration; 584 years at most.
pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
