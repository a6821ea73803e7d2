//! Fields that ask for nothing, and fields that ask for what cannot be had.

use std::collections::BTreeMap;

use crate::limits;
use crate::openai::wire::chat::ChatRequest;
use crate::openai::wire::responses::ResponsesRequest;
use crate::refusal::Refusal;

const STORE: &str = "nothing is stored here: leave it out or set it to false";
const CACHE: &str = "there is one prefix cache, which is always used and kept in memory";

/// What of a chat request cannot be had.
///
/// # Errors
/// The first such field, and why.
pub(crate) fn check_chat(request: &ChatRequest) -> Result<(), Refusal> {
    let old = "this older form is not served: use `tools` and `tool_choice`";
    refuse("functions", request.functions.is_some(), old)?;
    refuse("function_call", request.function_call.is_some(), old)?;
    refuse("audio", request.audio.is_some(), "the models here write text only")?;
    let offline = "the server opens no connection, so there is no web search";
    refuse("web_search_options", request.web_search_options.is_some(), offline)?;
    refuse("moderation", request.moderation.is_some(), "there is no moderation model here")?;
    refuse("prompt_cache_options", request.prompt_cache_options.is_some(), CACHE)?;
    refuse("store", request.store == Some(true), STORE)?;
    only("service_tier", request.service_tier.as_deref(), &["auto", "default"], "there is one tier")?;
    only("verbosity", request.verbosity.as_deref(), &["medium"], "the templates cannot say how much to write")?;
    only("prompt_cache_retention", request.prompt_cache_retention.as_deref(), &["in_memory", "in-memory"], CACHE)?;
    for modality in request.modalities.iter().flatten() {
        only("modalities", Some(modality), &["text"], "the models here write text only")?;
    }
    let padded = request.stream_options.is_some_and(|options| options.include_obfuscation == Some(true));
    refuse("stream_options.include_obfuscation", padded, "events are not padded")?;
    let streamless = request.stream_options.is_some() && request.stream != Some(true);
    refuse("stream_options", streamless, "it is only allowed with `stream`: true")?;
    check_metadata(request.metadata.as_ref())
}

/// What of a request for a response cannot be had.
///
/// # Errors
/// The first such field, and why.
pub(crate) fn check_responses(request: &ResponsesRequest) -> Result<(), Refusal> {
    let stateless = "nothing is stored here: send the whole conversation in `input`";
    refuse("previous_response_id", request.previous_response_id.is_some(), stateless)?;
    refuse("conversation", request.conversation.is_some(), stateless)?;
    refuse(
        "prompt",
        request.prompt.is_some(),
        "there are no stored prompts here: send it in `instructions` and `input`",
    )?;
    refuse("background", request.background == Some(true), "nothing is stored here: read the answer as it comes")?;
    refuse(
        "context_management",
        request.context_management.is_some(),
        "a context is never shortened here: shorten `input`",
    )?;
    refuse("moderation", request.moderation.is_some(), "there is no moderation model here")?;
    refuse("prompt_cache_options", request.prompt_cache_options.is_some(), CACHE)?;
    refuse("store", request.store == Some(true), STORE)?;
    only(
        "truncation",
        request.truncation.as_deref(),
        &["disabled"],
        "what does not fit is an error, never a quiet cut",
    )?;
    only("service_tier", request.service_tier.as_deref(), &["auto", "default"], "there is one tier")?;
    only("prompt_cache_retention", request.prompt_cache_retention.as_deref(), &["in_memory", "in-memory"], CACHE)?;
    let verbosity = request.text.as_ref().and_then(|text| text.verbosity.as_deref());
    only("text.verbosity", verbosity, &["medium"], "the templates cannot say how much to write")?;
    if let Some(reasoning) = &request.reasoning {
        let whole = "thoughts are given whole, not summarised";
        only("reasoning.summary", reasoning.summary.as_deref(), &["auto"], whole)?;
        only("reasoning.generate_summary", reasoning.generate_summary.as_deref(), &["auto"], whole)?;
        only("reasoning.mode", reasoning.mode.as_deref(), &["standard"], "there is one mode")?;
        let context = "the model sees the thoughts that `input` holds";
        only("reasoning.context", reasoning.context.as_deref(), &["auto", "all_turns"], context)?;
    }
    for included in request.include.iter().flatten() {
        let known = &["message.output_text.logprobs", "reasoning.encrypted_content"];
        only("include", Some(included), known, "there is nothing else to include")?;
    }
    let padded = request.stream_options.is_some_and(|options| options.include_obfuscation == Some(true));
    refuse("stream_options.include_obfuscation", padded, "events are not padded")?;
    check_metadata(request.metadata.as_ref())
}

/// A field that cannot be had at all.
///
/// # Errors
/// It was given.
pub(crate) fn refuse(field: &str, given: bool, why: &str) -> Result<(), Refusal> {
    if given { Err(Refusal::field(field, format!("{field} is not supported: {why}"))) } else { Ok(()) }
}

/// A field of which some values ask for what happens anyway.
///
/// # Errors
/// It has another value.
pub(crate) fn only(field: &str, value: Option<&str>, allowed: &[&str], why: &str) -> Result<(), Refusal> {
    match value {
        Some(value) if !allowed.contains(&value) => {
            let value: String = value.chars().take(100).collect();
            let allowed = allowed.join(" or ");
            Err(Refusal::field(field, format!("{field} {value:?} is not supported: {why}; it may be {allowed}")))
        }
        _ => Ok(()),
    }
}

fn check_metadata(metadata: Option<&BTreeMap<String, String>>) -> Result<(), Refusal> {
    let Some(metadata) = metadata else { return Ok(()) };
    let longest = |texts: &mut dyn Iterator<Item = &String>| texts.map(|text| text.chars().count()).max().unwrap_or(0);
    let bounds = [
        ("entries", metadata.len(), limits::METADATA_ENTRIES),
        ("characters in a key", longest(&mut metadata.keys()), limits::METADATA_KEY_CHARS),
        ("characters in a value", longest(&mut metadata.values()), limits::METADATA_VALUE_CHARS),
    ];
    for (what, found, most) in bounds {
        if found > most {
            return Err(Refusal::field("metadata", format!("metadata has {found} {what}: at most {most} are allowed")));
        }
    }
    Ok(())
}
