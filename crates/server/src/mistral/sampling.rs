//! How tokens are chosen: the parameters that chat and fill-in-the-middle share.

use engine::{Request, SamplingParams};

use super::wire;
use crate::answers::draw_seed;
use crate::refusal::Refusal;
use crate::text_or::TextOr;

/// Most answers to one request.
const MAX_N: u32 = 16;

/// The request's own parameters over what the model's makers recommend.
pub(super) fn of_chat(chat: &mut wire::ChatRequest, request: &mut Request) -> Result<(), Refusal> {
    let logprobs = chat.logprobs.unwrap_or(false);
    let top_logprobs = chat.top_logprobs.unwrap_or(0);
    if top_logprobs > 0 && !logprobs {
        return Err(Refusal::field("top_logprobs", "top_logprobs: goes with logprobs only"));
    }
    let sampling = &mut request.sampling;
    replace(&mut sampling.repetition_penalty, chat.repetition_penalty);
    replace(&mut sampling.presence_penalty, chat.presence_penalty);
    replace(&mut sampling.frequency_penalty, chat.frequency_penalty);
    replace(&mut sampling.top_k, chat.top_k.and_then(|k| usize::try_from(k).ok()));
    sampling.top_logprobs = usize::try_from(top_logprobs).unwrap_or(usize::MAX);
    request.logprobs = logprobs;
    basic(request, chat.temperature, chat.top_p, chat.random_seed);
    bounds(request, chat.max_tokens, chat.min_tokens, chat.stop.take())
}

/// The same for fill-in-the-middle.
pub(super) fn of_fim(fim: &mut wire::FimRequest, request: &mut Request) -> Result<(), Refusal> {
    basic(request, fim.temperature, fim.top_p, fim.random_seed);
    bounds(request, fim.max_tokens, fim.min_tokens, fim.stop.take())
}

/// How many answers.
pub(super) fn n(n: Option<u32>) -> Result<u32, Refusal> {
    match n.unwrap_or(1) {
        n @ 1..=MAX_N => Ok(n),
        n => Err(Refusal::field("n", format!("n: {n} answers cannot be had, it must be between 1 and {MAX_N}"))),
    }
}

fn basic(request: &mut Request, temperature: Option<f32>, top_p: Option<f32>, seed: Option<u64>) {
    let sampling: &mut SamplingParams = &mut request.sampling;
    replace(&mut sampling.temperature, temperature);
    replace(&mut sampling.top_p, top_p);
    sampling.seed = seed.unwrap_or_else(draw_seed);
}

fn bounds(
    request: &mut Request,
    max_tokens: Option<u64>,
    min_tokens: Option<u64>,
    stop: Option<TextOr<Vec<String>>>,
) -> Result<(), Refusal> {
    if min_tokens.is_some_and(|least| least > 0) {
        let message = "min_tokens: the end of an answer cannot be put off, leave it out";
        return Err(Refusal::field("min_tokens", message));
    }
    if max_tokens == Some(0) {
        return Err(Refusal::field("max_tokens", "max_tokens: must be at least 1"));
    }
    request.max_tokens = max_tokens.map(|most| usize::try_from(most).unwrap_or(usize::MAX));
    request.stop = stop.map_or_else(Vec::new, TextOr::into_list);
    Ok(())
}

fn replace<T>(value: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *value = with;
    }
}
