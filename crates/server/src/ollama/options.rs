//! `options`: how tokens are chosen. What has no counterpart here is refused by name.

use engine::{Engine, Request};

use super::wire;
use crate::answers::draw_seed;
use crate::refusal::{Refusal, RefusalKind};
use crate::text_or::TextOr;

/// The request's options over what the model's makers recommend.
///
/// # Errors
/// An option cannot be done.
pub(super) fn apply(options: Option<wire::Options>, engine: &Engine, request: &mut Request) -> Result<(), Refusal> {
    let num_ctx = options.as_ref().and_then(|options| options.num_ctx);
    request.sampling = engine.card().sampling.clone();
    choose(options, request)?;
    check_context(num_ctx, engine)
}

/// The request's options over what it has so far.
///
/// # Errors
/// An option cannot be done.
pub(super) fn choose(options: Option<wire::Options>, request: &mut Request) -> Result<(), Refusal> {
    let options = options.unwrap_or_default();
    refuse_what_is_not_done(&options)?;
    let sampling = &mut request.sampling;
    sampling.seed = options.seed.and_then(|seed| u64::try_from(seed).ok()).unwrap_or_else(draw_seed);
    replace(&mut sampling.temperature, options.temperature);
    replace(&mut sampling.top_k, options.top_k.and_then(|k| usize::try_from(k).ok()));
    replace(&mut sampling.top_p, options.top_p);
    replace(&mut sampling.min_p, options.min_p);
    replace(&mut sampling.typical_p, options.typical_p);
    replace(&mut sampling.repetition_penalty, options.repeat_penalty);
    replace(&mut sampling.presence_penalty, options.presence_penalty);
    replace(&mut sampling.frequency_penalty, options.frequency_penalty);
    match options.repeat_last_n {
        Some(0) => sampling.repetition_penalty = 1.0,
        Some(last) => sampling.repetition_last_n = usize::try_from(last).ok(),
        None => {}
    }
    // Below 0 is up to the end of the context.
    request.max_tokens = options.num_predict.and_then(|most| usize::try_from(most).ok());
    if request.max_tokens == Some(0) {
        return Err(Refusal::field("options.num_predict", "options.num_predict: must be at least 1, or below 0"));
    }
    request.stop = options.stop.map_or_else(Vec::new, TextOr::into_list);
    Ok(())
}

/// Of the options, those that bear on a vector.
///
/// # Errors
/// An option cannot be done.
pub(super) fn check_for_vectors(options: Option<&wire::Options>, engine: &Engine) -> Result<(), Refusal> {
    let Some(options) = options else { return Ok(()) };
    refuse_what_is_not_done(options)?;
    check_context(options.num_ctx, engine)
}

/// Room for fewer tokens than there is costs nothing; room for more cannot be made for one request.
///
/// # Errors
/// More is asked for.
pub(super) fn check_context(asked: Option<u64>, engine: &Engine) -> Result<(), Refusal> {
    let context = engine.card().context;
    match asked.map(|asked| usize::try_from(asked).unwrap_or(usize::MAX)) {
        Some(asked) if asked > context => {
            let message = format!(
                "options.num_ctx: {asked} tokens are asked for and the server was started with room for {context}: \
                 ask for less, or start it with --context {asked}"
            );
            Err(Refusal::new(RefusalKind::ContextLength, message).at("options.num_ctx"))
        }
        _ => Ok(()),
    }
}

fn refuse_what_is_not_done(options: &wire::Options) -> Result<(), Refusal> {
    const BY_SERVER: &str = "the server decides this for all requests when it starts";
    const CPU: &str = "the processor computes, there is no other device";
    let refused = [
        ("mirostat", options.mirostat.is_some_and(|mode| mode > 0), "there is no Mirostat sampler"),
        ("mirostat_tau", options.mirostat_tau.is_some(), "there is no Mirostat sampler"),
        ("mirostat_eta", options.mirostat_eta.is_some(), "there is no Mirostat sampler"),
        ("tfs_z", options.tfs_z.is_some_and(|z| z != 1.0), "there is no tail-free sampler"),
        ("penalize_newline", options.penalize_newline == Some(false), "line feeds are tokens like others"),
        ("num_gpu", options.num_gpu.is_some_and(|layers| layers > 0), CPU),
        ("main_gpu", options.main_gpu.is_some_and(|device| device > 0), CPU),
        ("low_vram", options.low_vram == Some(true), CPU),
        ("num_thread", options.num_thread.is_some(), BY_SERVER),
        ("num_batch", options.num_batch.is_some(), BY_SERVER),
        ("numa", options.numa == Some(true), BY_SERVER),
        ("f16_kv", options.f16_kv.is_some(), BY_SERVER),
        ("use_mlock", options.use_mlock == Some(true), BY_SERVER),
        ("use_mmap", options.use_mmap == Some(true), "weights are read and packed, not mapped"),
        ("logits_all", options.logits_all == Some(true), "ask for logprobs instead"),
        ("vocab_only", options.vocab_only == Some(true), "a model without weights cannot answer"),
        ("embedding_only", options.embedding_only == Some(true), "use /api/embed"),
    ];
    match refused.into_iter().find(|(_, is_asked, _)| *is_asked) {
        None => Ok(()),
        Some((field, _, why)) => {
            let param = format!("options.{field}");
            Err(Refusal::field(&param, format!("{param}: cannot be done, {why}: leave it out")))
        }
    }
}

fn replace<T>(value: &mut T, with: Option<T>) {
    if let Some(with) = with {
        *value = with;
    }
}
