//! How tokens are chosen, how many, how often: the numbers of a request, each in its range.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use engine::{SamplingParams, TokenId};

use crate::limits;
use crate::openai::wire::TextOr;
use crate::refusal::Refusal;

/// The numbers by which tokens are chosen, as requests have them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Numbers<'r> {
    pub(crate) temperature: Option<f64>,
    pub(crate) top_p: Option<f64>,
    pub(crate) top_k: Option<u32>,
    pub(crate) min_p: Option<f64>,
    pub(crate) typical_p: Option<f64>,
    pub(crate) repetition_penalty: Option<f64>,
    pub(crate) presence_penalty: Option<f64>,
    pub(crate) frequency_penalty: Option<f64>,
    pub(crate) logit_bias: Option<&'r BTreeMap<String, f64>>,
    pub(crate) seed: Option<u64>,
    /// With how many seeds from `seed` on.
    pub(crate) count: u32,
    pub(crate) top_logprobs: u32,
}

impl Numbers<'_> {
    /// Parameters of the first answer. What is not given is the model's `own`, as `tramontane run` takes it.
    ///
    /// # Errors
    /// A number is out of its range, or a token id is not the model's.
    pub(crate) fn params(&self, own: &SamplingParams, vocab_size: usize) -> Result<SamplingParams, Refusal> {
        let between = |field: &str, value: Option<f64>, range: [f64; 2], own: f32| match value {
            None => Ok(own),
            Some(value) if (range[0]..=range[1]).contains(&value) => Ok(value as f32),
            Some(value) => {
                let [least, most] = range;
                Err(Refusal::field(field, format!("{field} is {value}: it must be between {least} and {most}")))
            }
        };
        let least_positive = f64::from(f32::MIN_POSITIVE);
        if self.top_logprobs > limits::TOP_LOGPROBS {
            let (found, most) = (self.top_logprobs, limits::TOP_LOGPROBS);
            let message = format!("{found} alternatives were asked for with each token: at most {most} are reported");
            return Err(Refusal::field("top_logprobs", message));
        }
        Ok(SamplingParams {
            temperature: between("temperature", self.temperature, [0.0, 2.0], own.temperature)?,
            top_p: between("top_p", self.top_p, [0.0, 1.0], own.top_p)?,
            top_k: self.top_k.map_or(own.top_k, |k| k as usize),
            min_p: between("min_p", self.min_p, [0.0, 1.0], own.min_p)?,
            typical_p: between("typical_p", self.typical_p, [0.0, 1.0], own.typical_p)?,
            repetition_penalty: between(
                "repetition_penalty",
                self.repetition_penalty,
                [least_positive, 10.0],
                own.repetition_penalty,
            )?,
            presence_penalty: between("presence_penalty", self.presence_penalty, [-2.0, 2.0], own.presence_penalty)?,
            frequency_penalty: between(
                "frequency_penalty",
                self.frequency_penalty,
                [-2.0, 2.0],
                own.frequency_penalty,
            )?,
            logit_bias: self.logit_bias.map_or_else(|| Ok(Vec::new()), |bias| biases(bias, vocab_size))?,
            seed: self.first_seed()?,
            top_logprobs: self.top_logprobs as usize,
            ..own.clone()
        })
    }

    fn first_seed(&self) -> Result<u64, Refusal> {
        let Some(seed) = self.seed else { return Ok(drawn_seed()) };
        let last = seed.checked_add(u64::from(self.count.saturating_sub(1)));
        let too_large =
            || Refusal::field("seed", format!("seed is {seed}: there are no {} seeds from there on", self.count));
        last.map(|_| seed).ok_or_else(too_large)
    }
}

/// A seed that no client gave: told apart, not secret, and small enough for JSON numbers everywhere.
fn drawn_seed() -> u64 {
    RandomState::new().hash_one(0) >> 11
}

fn biases(bias: &BTreeMap<String, f64>, vocab_size: usize) -> Result<Vec<(TokenId, f32)>, Refusal> {
    let refused = |message: String| Refusal::field("logit_bias", message);
    if bias.len() > limits::LOGIT_BIASES {
        let (found, most) = (bias.len(), limits::LOGIT_BIASES);
        return Err(refused(format!("logit_bias has {found} entries: at most {most} are allowed")));
    }
    let mut biases = Vec::with_capacity(bias.len());
    for (token, &bias) in bias {
        let shown: String = token.chars().take(40).collect();
        let id = token.parse().ok().map(TokenId).filter(|id| id.index() < vocab_size);
        let id = id.ok_or_else(|| {
            refused(format!("logit_bias names token {shown:?}, but tokens are numbers from 0 and below {vocab_size}"))
        })?;
        if !(-100.0..=100.0).contains(&bias) {
            return Err(refused(format!("logit_bias of token {shown} is {bias}: it must be between -100 and 100")));
        }
        biases.push((id, bias as f32));
    }
    biases.sort_by_key(|(id, _)| *id);
    if let Some([(id, _), _]) = biases.array_windows().find(|[(a, _), (b, _)]| a == b) {
        return Err(refused(format!("logit_bias names token {id} twice: give each token one bias")));
    }
    Ok(biases)
}

/// How many answers.
///
/// # Errors
/// None, or more than [`limits::CHOICES`].
pub(crate) fn choices(field: &str, count: Option<u32>) -> Result<u32, Refusal> {
    let count = count.unwrap_or(1);
    let most = limits::CHOICES;
    if (1..=most).contains(&count) {
        return Ok(count);
    }
    Err(Refusal::field(field, format!("{field} is {count}: it must be between 1 and {most}")))
}

/// Strings that end the answer.
///
/// # Errors
/// There are too many, or one is empty or too long.
pub(crate) fn stops(stop: Option<TextOr<Vec<String>>>) -> Result<Vec<String>, Refusal> {
    let stop = stop.map_or_else(Vec::new, TextOr::into_list);
    let (most, longest) = (limits::STOP_STRINGS, limits::STOP_STRING_BYTES);
    if stop.len() > most {
        return Err(Refusal::field("stop", format!("stop has {} strings: at most {most} are allowed", stop.len())));
    }
    for (index, bytes) in stop.iter().map(String::len).enumerate() {
        if !(1..=longest).contains(&bytes) {
            let message = format!("stop string {index} is {bytes} bytes long: it must have between 1 and {longest}");
            return Err(Refusal::field("stop", message));
        }
    }
    Ok(stop)
}

/// The most tokens to generate, from the field's newer and older name.
///
/// # Errors
/// Less than one, or two numbers.
pub(crate) fn max_tokens(newer: (&str, Option<u32>), older: (&str, Option<u32>)) -> Result<Option<usize>, Refusal> {
    let (field, most) = match (newer, older) {
        ((_, Some(one)), (field, Some(other))) if one != other => {
            return Err(Refusal::field(
                field,
                format!("{field} is {other} and {} is {one}: send one of them", newer.0),
            ));
        }
        ((field, Some(most)), _) | ((_, None), (field, Some(most))) => (field, most),
        ((_, None), (_, None)) => return Ok(None),
    };
    if most == 0 {
        return Err(Refusal::field(field, format!("{field} is 0: it must be at least 1")));
    }
    Ok(Some(most as usize))
}
