//! What Mistral's clients receive: the whole answer, the chunks of a stream, their parts.

use engine::prompt;
use engine::{FinishReason, TokenEvent, Tokenizer, Usage};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answers::{Part, Whole};

/// A whole answer, of chat and of fill-in-the-middle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralCompletion)]
pub(crate) struct Completion {
    pub(crate) id: String,
    /// `chat.completion`
    pub(crate) object: &'static str,
    /// Seconds since 1970.
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) choices: Vec<Choice>,
    pub(crate) usage: UsageInfo,
}

/// One of the answers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralChoice)]
pub(crate) struct Choice {
    pub(crate) index: u32,
    pub(crate) message: AssistantMessage,
    /// `stop`, `length`, `model_length` or `tool_calls`.
    pub(crate) finish_reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logprobs: Option<Logprobs>,
}

/// What the model said.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralAssistantMessage)]
pub(crate) struct AssistantMessage {
    /// `assistant`
    pub(crate) role: &'static str,
    pub(crate) content: ContentOut,
    pub(crate) tool_calls: Option<Vec<ToolCallOut>>,
    /// `false`: it is an answer, not a beginning.
    pub(crate) prefix: bool,
}

/// Text; chunks where the model thought.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = MistralContent)]
pub(crate) enum ContentOut {
    Text(String),
    Chunks(Vec<ChunkOut>),
}

/// A part of the content.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schema(as = MistralContentChunk)]
pub(crate) enum ChunkOut {
    Text {
        text: String,
    },
    Thinking {
        thinking: Vec<TextChunk>,
        #[serde(skip_serializing_if = "Option::is_none")]
        closed: Option<bool>,
    },
}

/// A text inside a thought.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = MistralTextChunk)]
pub(crate) struct TextChunk {
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) text: String,
}

/// A function that the model calls.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MistralToolCall)]
pub(crate) struct ToolCallOut {
    /// Nine letters or digits.
    pub(crate) id: String,
    /// `function`
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) function: FunctionOut,
    /// Its place among the calls.
    pub(crate) index: u32,
}

/// What is called.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = MistralFunctionCall)]
pub(crate) struct FunctionOut {
    pub(crate) name: String,
    /// A JSON object, as text.
    pub(crate) arguments: String,
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = MistralUsage)]
pub(crate) struct UsageInfo {
    pub(crate) prompt_tokens: usize,
    pub(crate) completion_tokens: usize,
    pub(crate) total_tokens: usize,
    /// Of the prompt's tokens, those that were computed before.
    pub(crate) num_cached_tokens: usize,
    pub(crate) prompt_tokens_details: PromptTokens,
}

/// The same, where OpenAI's API has it.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = MistralPromptTokens)]
pub(crate) struct PromptTokens {
    pub(crate) cached_tokens: usize,
}

/// The tokens of an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralLogprobs)]
pub(crate) struct Logprobs {
    pub(crate) content: Vec<TokenLogprob>,
}

/// A token that was chosen.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralTokenLogprob)]
pub(crate) struct TokenLogprob {
    #[serde(flatten)]
    pub(crate) chosen: Alternative,
    /// The likeliest tokens at its place.
    pub(crate) top_logprobs: Vec<Alternative>,
}

/// A token and how likely it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralAlternative)]
pub(crate) struct Alternative {
    pub(crate) token: String,
    pub(crate) logprob: f32,
    pub(crate) bytes: Vec<u8>,
    pub(crate) token_id: u32,
}

/// A chunk of a stream.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralStreamChunk)]
pub(crate) struct StreamChunk {
    pub(crate) id: String,
    /// `chat.completion.chunk`
    pub(crate) object: &'static str,
    pub(crate) created: u64,
    pub(crate) model: String,
    pub(crate) choices: Vec<StreamChoice>,
    /// In the last chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<UsageInfo>,
}

/// What a chunk adds to an answer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralStreamChoice)]
pub(crate) struct StreamChoice {
    pub(crate) index: u32,
    pub(crate) delta: Delta,
    pub(crate) finish_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logprobs: Option<Logprobs>,
}

/// More of a message.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = MistralDelta)]
pub(crate) struct Delta {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<ContentOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_calls: Option<Vec<ToolCallOut>>,
}

impl ContentOut {
    /// A piece of a thought.
    pub(crate) fn thought(text: String, closed: Option<bool>) -> Self {
        Self::Chunks(vec![ChunkOut::thought(text, closed)])
    }
}

impl ChunkOut {
    fn thought(text: String, closed: Option<bool>) -> Self {
        Self::Thinking { thinking: vec![TextChunk { kind: "text", text }], closed }
    }
}

impl ToolCallOut {
    /// The call at a place.
    pub(crate) fn new(index: u32, call: prompt::ToolCall) -> Self {
        let function = FunctionOut { name: call.name, arguments: call.arguments };
        Self { id: call.id.unwrap_or_default(), kind: "function", function, index }
    }
}

impl UsageInfo {
    /// One answer's, with those before it: the prompt counts once.
    pub(crate) fn add(self, usage: Usage) -> Self {
        let completion_tokens = self.completion_tokens.saturating_add(usage.completion_tokens);
        let num_cached_tokens = self.num_cached_tokens.max(usage.cached_tokens);
        Self {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens,
            total_tokens: usage.prompt_tokens.saturating_add(completion_tokens),
            num_cached_tokens,
            prompt_tokens_details: PromptTokens { cached_tokens: num_cached_tokens },
        }
    }
}

impl Choice {
    /// A whole answer in Mistral's words. `tokenizer` names tokens where log-probabilities were asked for.
    pub(crate) fn new(index: u32, whole: Whole, tokenizer: Option<&Tokenizer>) -> Self {
        let logprobs = tokenizer.map(|tokenizer| Logprobs {
            content: whole.tokens.iter().map(|token| TokenLogprob::new(token, tokenizer)).collect(),
        });
        let calls: Vec<_> = (0..).zip(whole.calls()).map(|(index, call)| ToolCallOut::new(index, call)).collect();
        let message = AssistantMessage {
            role: "assistant",
            content: content(&whole),
            tool_calls: (!calls.is_empty()).then_some(calls),
            prefix: false,
        };
        Self { index, message, finish_reason: finish_reason(whole.end.reason), logprobs }
    }
}

fn content(whole: &Whole) -> ContentOut {
    if !whole.parts.iter().any(|part| matches!(part, Part::Thought(_))) {
        return ContentOut::Text(whole.text());
    }
    // An answer that was cut in its thought did not think to the end.
    let is_complete = matches!(whole.end.reason, FinishReason::Stop | FinishReason::ToolCalls);
    let num_parts = whole.parts.len();
    let chunk = |(place, part): (usize, &Part)| match part {
        Part::Text(text) => Some(ChunkOut::Text { text: text.clone() }),
        Part::Thought(text) => {
            let closed = is_complete || place.saturating_add(1) < num_parts;
            Some(ChunkOut::thought(text.clone(), Some(closed)))
        }
        Part::Call(_) => None,
    };
    ContentOut::Chunks(whole.parts.iter().enumerate().filter_map(chunk).collect())
}

impl TokenLogprob {
    /// A token by name.
    pub(crate) fn new(token: &TokenEvent, tokenizer: &Tokenizer) -> Self {
        let alternative = |id: engine::TokenId, logprob: f32| {
            let bytes = tokenizer.token_bytes(id).unwrap_or_default().to_vec();
            Alternative { token: tokenizer.decode(&[id]), logprob, bytes, token_id: id.0 }
        };
        Self {
            chosen: alternative(token.id, token.logprob),
            top_logprobs: token.top.iter().map(|&(id, logprob)| alternative(id, logprob)).collect(),
        }
    }
}

/// Mistral's word for the end.
pub(crate) fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::Length => "length",
        FinishReason::Context => "model_length",
        // A deadline of the server's: the answer is not complete.
        _ => "error",
    }
}
