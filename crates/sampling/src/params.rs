//! What a client may ask of the sampler.

use std::collections::HashSet;

use tokenizer::TokenId;

use crate::{Error, limits};

/// How a token is chosen. Filters run in the order of the fields, each on what the one before it left.
///
/// The order is that of Hugging Face transformers and vLLM (temperature first, so that `top_p` speaks of the distribution
/// that is sampled); llama.cpp applies temperature last.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingParams {
    /// Divides the logits of all tokens seen so far where they are positive, multiplies them where they are negative
    /// (CTRL, arXiv 1909.05858); 1 is off. Prompt and answer both count.
    pub repetition_penalty: f32,
    /// How many of the latest tokens `repetition_penalty` looks back at; `None` is all.
    pub repetition_last_n: Option<usize>,
    /// Subtracted from the logit of every token of the answer so far; 0 is off.
    pub presence_penalty: f32,
    /// Subtracted from the logit of a token as many times as it stands in the answer so far; 0 is off.
    pub frequency_penalty: f32,
    /// Added to the logits of single tokens; at most one entry a token.
    pub logit_bias: Vec<(TokenId, f32)>,
    /// Divides the logits; 0 chooses the most probable token always (the lower id on a tie).
    pub temperature: f32,
    /// Keeps this many tokens; 0 keeps all.
    pub top_k: usize,
    /// Keeps the fewest most probable tokens whose sum reaches this share (arXiv 1904.09751); 1 is off.
    pub top_p: f32,
    /// Keeps tokens at least this share as probable as the most probable one (arXiv 2407.01082); 0 is off.
    pub min_p: f32,
    /// Keeps the tokens whose surprise is nearest to the entropy, up to this share (arXiv 2202.00666); 1 is off.
    pub typical_p: f32,
    /// Key of the random numbers.
    pub seed: u64,
    /// How many of the most probable tokens are reported with each chosen one.
    pub top_logprobs: usize,
}

impl Default for SamplingParams {
    /// Temperature 0.7 and top-p 0.95: what Mistral recommends for its reasoning models, and a middle way between the 0.15
    /// of its instruct models and the 1 of the APIs.
    fn default() -> Self {
        Self { temperature: 0.7, top_p: 0.95, ..Self::plain() }
    }
}

impl SamplingParams {
    /// The most probable token, always.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::plain() }
    }

    /// The model's own distribution, nothing filtered: temperature 1.
    pub fn plain() -> Self {
        Self {
            repetition_penalty: 1.0,
            repetition_last_n: None,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            logit_bias: Vec::new(),
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            typical_p: 1.0,
            seed: 0,
            top_logprobs: 0,
        }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// Names the first field that is out of its range, and the range.
    pub fn validate(&self, vocab_size: usize) -> Result<(), Error> {
        in_range("temperature", self.temperature, 0.0..=limits::TEMPERATURE, "between 0 and 10")?;
        in_range("top_p", self.top_p, 0.0..=1.0, "between 0 and 1")?;
        in_range("min_p", self.min_p, 0.0..=1.0, "between 0 and 1")?;
        in_range("typical_p", self.typical_p, 0.0..=1.0, "between 0 and 1")?;
        let repetition = f32::MIN_POSITIVE..=limits::REPETITION_PENALTY;
        in_range("repetition_penalty", self.repetition_penalty, repetition, "above 0 and at most 10")?;
        let penalty = -limits::PENALTY..=limits::PENALTY;
        in_range("presence_penalty", self.presence_penalty, penalty.clone(), "between -2 and 2")?;
        in_range("frequency_penalty", self.frequency_penalty, penalty, "between -2 and 2")?;
        at_most("top_logprobs", self.top_logprobs, limits::TOP_LOGPROBS)?;
        self.validate_bias(vocab_size)
    }

    /// Whether what was said before changes what comes next.
    pub(crate) fn penalises(&self) -> bool {
        self.repetition_penalty != 1.0 || self.presence_penalty != 0.0 || self.frequency_penalty != 0.0
    }

    fn validate_bias(&self, vocab_size: usize) -> Result<(), Error> {
        at_most("logit_bias", self.logit_bias.len(), limits::LOGIT_BIAS_ENTRIES)?;
        let mut seen = HashSet::new();
        for &(token, bias) in &self.logit_bias {
            if token.index() >= vocab_size {
                return Err(Error::UnknownToken { field: "logit_bias", token, vocab_size });
            }
            if !seen.insert(token) {
                return Err(Error::RepeatedToken { token });
            }
            in_range("logit_bias", bias, -limits::LOGIT_BIAS..=limits::LOGIT_BIAS, "between -100 and 100")?;
        }
        Ok(())
    }
}

/// NaN is in no range.
fn in_range(
    field: &'static str,
    value: f32,
    range: std::ops::RangeInclusive<f32>,
    allowed: &'static str,
) -> Result<(), Error> {
    if range.contains(&value) {
        return Ok(());
    }
    Err(Error::OutOfRange { field, value: f64::from(value), allowed })
}

fn at_most(field: &'static str, count: usize, limit: usize) -> Result<(), Error> {
    if count <= limit { Ok(()) } else { Err(Error::TooMany { field, count, limit }) }
}
