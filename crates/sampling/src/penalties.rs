//! What was already said, and how much less it is wanted.

use std::collections::{BTreeMap, VecDeque};

use tokenizer::TokenId;

use crate::SamplingParams;

/// Counts of the tokens of a sequence.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    counts: BTreeMap<TokenId, Counts>,
    /// The window of the repetition penalty, oldest first; unused where it sees everything.
    window: VecDeque<TokenId>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Times in the window, prompt included.
    window: usize,
    /// Times in the answer.
    answer: usize,
}

impl History {
    /// A token of the prompt.
    pub(crate) fn prompt(&mut self, token: TokenId, last_n: Option<usize>) {
        self.counts.entry(token).or_default().window += 1;
        let Some(last_n) = last_n else { return };
        self.window.push_back(token);
        while self.window.len() > last_n {
            let Some(oldest) = self.window.pop_front() else { return };
            self.counts.entry(oldest).and_modify(|c| c.window -= 1);
        }
    }

    /// A token of the answer.
    pub(crate) fn answer(&mut self, token: TokenId, last_n: Option<usize>) {
        self.counts.entry(token).or_default().answer += 1;
        self.prompt(token, last_n);
    }

    /// The logits that [`History::apply`] may change, as they are before it does.
    pub(crate) fn touched(&self, params: &SamplingParams, logits: &[f32]) -> BTreeMap<TokenId, f32> {
        let tokens = self.counts.keys().chain(params.logit_bias.iter().map(|(token, _)| token));
        tokens.filter_map(|t| logits.get(t.index()).map(|&logit| (*t, logit))).collect()
    }

    /// Applies the penalties, then the bias.
    pub(crate) fn apply(&self, params: &SamplingParams, logits: &mut [f32]) {
        for (token, counts) in &self.counts {
            let Some(logit) = logits.get_mut(token.index()) else { continue };
            if counts.window > 0 {
                *logit = repeated(*logit, params.repetition_penalty);
            }
            if counts.answer > 0 {
                *logit -= params.presence_penalty;
                *logit -= params.frequency_penalty * counts.answer as f32;
            }
        }
        for &(token, bias) in &params.logit_bias {
            if let Some(logit) = logits.get_mut(token.index()) {
                *logit += bias;
            }
        }
    }
}

/// Clamped: a tiny penalty must not turn a number into infinity. −∞ stays.
fn repeated(logit: f32, penalty: f32) -> f32 {
    match logit {
        f32::NEG_INFINITY => logit,
        _ if logit > 0.0 => (logit / penalty).min(f32::MAX),
        _ => (logit * penalty).max(f32::MIN),
    }
}
