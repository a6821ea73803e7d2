//! `POST /v1/completions`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::chat::{StreamOptions, Usage};
use super::{TextOr, Tokens};

/// A request to continue plain text, or to fill a gap in it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::CompletionRequest)]
pub(crate) struct CompletionRequest {
    /// Name or alias of a model; the server's first one where it is left out.
    pub(crate) model: Option<String>,
    /// A text, a list of token ids, or a list of either.
    #[serde(deserialize_with = "Tokens::one_or_many")]
    #[schema(value_type = serde_json::Value)]
    pub(crate) prompt: Vec<Tokens>,
    /// What follows the gap: the answer fills in the middle.
    pub(crate) suffix: Option<String>,

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
    /// Answers to each prompt, with the seeds `seed`, `seed + 1`, …
    pub(crate) n: Option<u32>,
    /// Only the same as `n`.
    pub(crate) best_of: Option<u32>,
    /// Strings that end the answer.
    pub(crate) stop: Option<TextOr<Vec<String>>>,
    /// The most tokens to generate; 16 where it is left out.
    pub(crate) max_tokens: Option<u32>,
    /// Alternatives to report with each token, 0 to 20.
    pub(crate) logprobs: Option<u32>,
    /// Begin each answer with its prompt.
    pub(crate) echo: Option<bool>,

    /// Answer in pieces, as server-sent events.
    pub(crate) stream: Option<bool>,
    pub(crate) stream_options: Option<StreamOptions>,
    /// A label; nothing depends on it.
    #[serde(rename = "user")]
    pub(crate) _user: Option<String>,
}

/// A complete answer, or a piece of one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::Completion)]
pub(crate) struct Completion<'a> {
    pub(crate) id: &'a str,
    /// `text_completion`.
    pub(crate) object: &'static str,
    /// Unix time, in seconds.
    pub(crate) created: u64,
    pub(crate) model: &'a str,
    pub(crate) system_fingerprint: &'a str,
    pub(crate) choices: Vec<CompletionChoice>,
    /// In streams: only in the last chunk, and `null` before it where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Option<Usage>>,
    /// Seed of the first choice; choice `i` has `seed + i`. An extension.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<u64>,
}

/// One of the answers, or a piece of it.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::CompletionChoice)]
pub(crate) struct CompletionChoice {
    /// Answers to the first prompt first.
    pub(crate) index: u32,
    pub(crate) text: String,
    pub(crate) logprobs: Option<CompletionLogprobs>,
    /// `stop` or `length`.
    pub(crate) finish_reason: Option<&'static str>,
}

/// Log-probabilities, in the form of this older path.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = openai::CompletionLogprobs)]
pub(crate) struct CompletionLogprobs {
    pub(crate) tokens: Vec<String>,
    pub(crate) token_logprobs: Vec<f32>,
    /// The likeliest tokens at each place.
    pub(crate) top_logprobs: Vec<BTreeMap<String, f32>>,
    /// Where each token begins, in characters from the beginning of the answer.
    pub(crate) text_offset: Vec<usize>,
}
