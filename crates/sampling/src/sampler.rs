//! One sampler a sequence: logits in, a token out.

use tokenizer::TokenId;

use crate::candidates::Candidates;
use crate::exponential::{largest, sum_exp};
use crate::penalties::History;
use crate::philox::uniform;
use crate::{Error, SamplingParams, TokenMask};

/// Chooses the tokens of one sequence.
#[derive(Clone, Debug)]
pub struct Sampler {
    params: SamplingParams,
    vocab_size: usize,
    history: History,
    /// Memory that is used again for every token.
    keys: Vec<u64>,
}

/// A chosen token.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampled {
    /// The token.
    pub token: TokenId,
    /// Its natural log-probability under the model's own distribution: before penalties, bias, mask, temperature and
    /// filters, as OpenAI's API reports it.
    pub logprob: f32,
    /// The `top_logprobs` most probable tokens and their log-probabilities, likewise of the model's own distribution.
    pub top: Vec<(TokenId, f32)>,
}

impl Sampler {
    /// A sampler for a sequence of a model with this many tokens.
    ///
    /// # Errors
    /// As [`SamplingParams::validate`].
    pub fn new(params: SamplingParams, vocab_size: usize) -> Result<Self, Error> {
        params.validate(vocab_size)?;
        Ok(Self { params, vocab_size, history: History::default(), keys: Vec::new() })
    }

    /// Tells the sampler of the prompt, which the repetition penalty counts.
    pub fn prompt(&mut self, tokens: &[TokenId]) {
        if self.params.penalises() {
            tokens.iter().for_each(|&t| self.history.prompt(t, self.params.repetition_last_n));
        }
    }

    /// Tells the sampler that this token now belongs to the answer.
    pub fn accept(&mut self, token: TokenId) {
        if self.params.penalises() {
            self.history.answer(token, self.params.repetition_last_n);
        }
    }

    /// Chooses the token for `position`, counted from the start of the sequence. Changes `logits` (`[vocab_size]`).
    ///
    /// # Errors
    /// A length that is not the vocabulary's, a NaN or +∞ among the logits, or nothing left to choose from.
    pub fn sample(&mut self, logits: &mut [f32], position: u64, mask: Option<&TokenMask>) -> Result<Sampled, Error> {
        let raw_max = self.check(logits, mask)?;
        let ln_total = libm::log(sum_exp(logits, raw_max, 1.0));
        let logprob = |logit: f32| ((f64::from(logit) - f64::from(raw_max)) - ln_total) as f32;
        let top = self.most_probable(logits).into_iter().map(|(t, l)| (t, logprob(l))).collect();
        // The mask changes only tokens that are not chosen.
        let raw = self.history.touched(&self.params, logits);
        let token = self.choose(logits, position, mask)?;
        let raw_logit = raw.get(&token).copied().unwrap_or(logits[token.index()]);
        Ok(Sampled { token, logprob: logprob(raw_logit), top })
    }

    /// The distribution that [`Sampler::sample`] chooses from: the tokens that are left and their probabilities, most probable
    /// first. Under temperature 0 that is one token.
    ///
    /// # Errors
    /// As [`Sampler::sample`].
    pub fn distribution(&mut self, logits: &mut [f32], mask: Option<&TokenMask>) -> Result<Vec<(TokenId, f64)>, Error> {
        self.check(logits, mask)?;
        self.prepare(logits, mask);
        if self.params.temperature == 0.0 {
            return Ok(vec![(greedy(logits).ok_or(Error::NoCandidate)?, 1.0)]);
        }
        Ok(self.filtered(logits)?.distribution())
    }

    fn choose(&mut self, logits: &mut [f32], position: u64, mask: Option<&TokenMask>) -> Result<TokenId, Error> {
        self.prepare(logits, mask);
        if self.params.temperature == 0.0 {
            return greedy(logits).ok_or(Error::NoCandidate);
        }
        let number = uniform(self.params.seed, position);
        self.filtered(logits)?.choose(number).ok_or(Error::NoCandidate)
    }

    /// What does not depend on temperature: penalties, bias, mask.
    fn prepare(&self, logits: &mut [f32], mask: Option<&TokenMask>) {
        self.history.apply(&self.params, logits);
        if let Some(mask) = mask {
            exclude(logits, mask);
        }
    }

    /// Temperature and the filters, in the order of [`SamplingParams`].
    fn filtered<'a>(&'a mut self, logits: &'a [f32]) -> Result<Candidates<'a>, Error> {
        let params = &self.params;
        let mut candidates = Candidates::new(logits, params.temperature, &mut self.keys).ok_or(Error::NoCandidate)?;
        candidates.top_k(params.top_k);
        candidates.top_p(params.top_p);
        candidates.min_p(params.min_p);
        candidates.typical_p(params.typical_p);
        Ok(candidates)
    }

    fn most_probable(&mut self, logits: &[f32]) -> Vec<(TokenId, f32)> {
        if self.params.top_logprobs == 0 {
            return Vec::new();
        }
        let candidates = Candidates::new(logits, 1.0, &mut self.keys);
        candidates.map(|mut c| c.first(self.params.top_logprobs).collect()).unwrap_or_default()
    }

    /// Lengths and numbers; the largest logit.
    fn check(&self, logits: &[f32], mask: Option<&TokenMask>) -> Result<f32, Error> {
        let vocab_size = self.vocab_size;
        if logits.len() != vocab_size {
            return Err(Error::Length { what: "logits", len: logits.len(), vocab_size });
        }
        if let Some(mask) = mask.filter(|m| m.len() != vocab_size) {
            return Err(Error::Length { what: "mask", len: mask.len(), vocab_size });
        }
        finite_maximum(logits)
    }
}

/// The natural log-probability of `token` under the distribution that `logits` give, nothing filtered.
///
/// # Errors
/// The token is not among them, or one of them is NaN or +∞, or all are −∞.
pub fn log_probability(logits: &[f32], token: TokenId) -> Result<f32, Error> {
    let vocab_size = logits.len();
    let logit = *logits.get(token.index()).ok_or(Error::UnknownToken { field: "logits", token, vocab_size })?;
    let max = finite_maximum(logits)?;
    let ln_total = libm::log(sum_exp(logits, max, 1.0));
    Ok(((f64::from(logit) - f64::from(max)) - ln_total) as f32)
}

/// The largest logit, where all are numbers or −∞ and not all are −∞.
fn finite_maximum(logits: &[f32]) -> Result<f32, Error> {
    if let Some(bad) = logits.iter().position(|&l| l.is_nan() || l == f32::INFINITY) {
        return Err(Error::NotFinite { token: TokenId(bad as u32), value: logits[bad] });
    }
    let max = largest(logits);
    if max == f32::NEG_INFINITY { Err(Error::NoCandidate) } else { Ok(max) }
}

/// Sets the logits of excluded tokens to −∞.
fn exclude(logits: &mut [f32], mask: &TokenMask) {
    for (chunk, &word) in logits.chunks_mut(64).zip(mask.words()) {
        match word {
            u64::MAX => {}
            0 => chunk.fill(f32::NEG_INFINITY),
            _ => {
                for (bit, logit) in chunk.iter_mut().enumerate() {
                    if word >> bit & 1 == 0 {
                        *logit = f32::NEG_INFINITY;
                    }
                }
            }
        }
    }
}

/// The largest logit, the lower id on a tie.
fn greedy(logits: &[f32]) -> Option<TokenId> {
    let mut best: Option<(usize, f32)> = None;
    for (id, &logit) in logits.iter().enumerate() {
        if logit > best.map_or(f32::NEG_INFINITY, |b| b.1) {
            best = Some((id, logit));
        }
    }
    best.map(|(id, _)| TokenId(id as u32))
}
