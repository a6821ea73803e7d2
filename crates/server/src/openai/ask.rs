//! What chat, completions and responses have in common: a request to the engine, how often, and under which constraint.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use engine::grammar::{self, Spec};
use engine::{Request, Tokenizer};
use tokio::task::spawn_blocking;

use super::answer::{End, Reader};
use super::wire::chat::{CompletionTokens, PromptTokens, Usage};
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};

/// What becomes of every answer of a request.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    /// Of the whole answer: `chatcmpl-…`.
    pub(crate) id: String,
    /// Unix time, in seconds.
    pub(crate) created: u64,
    /// What the server calls the model, whatever alias the request used.
    pub(crate) model: String,
    /// What computed it.
    pub(crate) fingerprint: String,
    /// Of the first answer.
    pub(crate) seed: u64,
}

impl Stamp {
    /// For an answer that begins now.
    pub(crate) fn new(prefix: &str, model: &Loaded, seed: u64) -> Self {
        Self {
            id: new_id(prefix),
            created: unix_now(),
            model: model.name.clone(),
            fingerprint: model.engine.card().numerics_id.clone(),
            seed,
        }
    }
}

/// Unix time, in seconds.
pub(crate) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A name for something in an answer: told apart, not secret.
pub(crate) fn new_id(prefix: &str) -> String {
    let hash = |count: u8| RandomState::new().hash_one(count);
    format!("{prefix}{:016x}{:016x}", hash(0), hash(1))
}

/// The same request `count` times, with seeds from its own on.
pub(crate) fn repeated(request: &Request, count: u32) -> Vec<Request> {
    let with_seed = |index: u32| {
        let mut request = request.clone();
        request.sampling.seed = request.sampling.seed.wrapping_add(u64::from(index));
        request
    };
    (0..count).map(with_seed).collect()
}

/// Holds a request to `spec`. Compiling takes its time, and runs where it may block.
///
/// # Errors
/// The specification cannot be compiled: `param` is the field that holds it.
pub(crate) async fn constrain(
    model: &Arc<Loaded>,
    request: &mut Request,
    spec: Option<Spec>,
    param: &'static str,
) -> Result<(), Refusal> {
    let Some(spec) = spec else { return Ok(()) };
    let compiling = Arc::clone(model);
    let compile = move || compiling.engine.grammar().map(|compiler| compiler.compile(&spec));
    let failed = |_| Refusal::new(RefusalKind::Internal, "the request could not be prepared");
    let compiled = spawn_blocking(compile).await.map_err(failed)?;
    let constraint = compiled.map_err(|error| Refusal::from(error).at(param))?;
    request.constraint = Some(constraint.map_err(|error| refused(&error, param))?);
    Ok(())
}

fn refused(error: &grammar::Error, param: &'static str) -> Refusal {
    match error {
        grammar::Error::Busy | grammar::Error::Thread { .. } => {
            Refusal::new(RefusalKind::Overloaded, error.to_string()).retry_after(1)
        }
        grammar::Error::Tool { .. } | grammar::Error::NoToolCalls { .. } => Refusal::field("tools", error.to_string()),
        _ => Refusal::field(param, error.to_string()),
    }
}

/// A reader for each of `count` answers; with the model's tokenizer where log-probabilities were asked for.
pub(crate) fn readers(model: &Loaded, logprobs: bool, count: usize) -> Vec<Reader> {
    let tokenizer: Option<Arc<Tokenizer>> =
        if logprobs { model.engine.text().tokenizer.as_ref().ok().cloned() } else { None };
    (0..count).map(|_| Reader::new(tokenizer.clone())).collect()
}

/// Token counts of answers to one prompt: the prompt counts once. Guesses count where the client made them (`predicted`).
pub(crate) fn usage(ends: &[End], predicted: bool) -> Usage {
    let prompt_tokens = ends.first().map_or(0, |end| end.usage.prompt_tokens);
    let cached_tokens = ends.first().map_or(0, |end| end.usage.cached_tokens);
    let completion_tokens = ends.iter().map(|end| end.usage.completion_tokens).sum();
    let guesses = || ends.iter().filter(|_| predicted).map(|end| end.usage);
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens.saturating_add(completion_tokens),
        prompt_tokens_details: PromptTokens { cached_tokens, audio_tokens: 0 },
        completion_tokens_details: CompletionTokens {
            reasoning_tokens: ends.iter().map(|end| end.reasoning_tokens).sum(),
            accepted_prediction_tokens: guesses().map(|usage| usage.accepted_tokens).sum(),
            rejected_prediction_tokens: guesses()
                .map(|usage| usage.drafted_tokens.saturating_sub(usage.accepted_tokens))
                .sum(),
            audio_tokens: 0,
        },
    }
}
