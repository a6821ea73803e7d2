//! `POST /v1/chat/completions` in Mistral's words. `shared_paths.rs` decides that they are.

use std::sync::Arc;

use axum::response::Response;
use engine::prompt::{Chunk, Content, Message};
use engine::{Prompt, Request, TextKind};

use super::completion::{self, Wanted};
use super::{convert, reasoning, refused, sampling, wire};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::models::Loaded;
use crate::refusal::Refusal;

/// Answers a chat request whose body is in Mistral's words.
pub(crate) async fn answer(app: Arc<App>, caller: Caller, body: JsonBytes) -> Result<Response, Refusal> {
    let mut chat: wire::ChatRequest = body.read().map_err(refused::unprocessable)?;
    refuse_what_is_not_done(&chat)?;
    let n = sampling::n(chat.n)?;
    let stream = chat.stream.unwrap_or(false);
    let model = app.model(chat.model.as_deref()).await?;
    let request = request(&mut chat, &body, &model).await?;
    let begins = beginning(&request.prompt);
    completion::answer(&app, &caller, model, Wanted { request, n, stream, begins }).await
}

/// What the client began the answer with, which is a part of it.
fn beginning(prompt: &Prompt) -> Vec<(TextKind, String)> {
    let Prompt::Conversation(conversation) = prompt else { return Vec::new() };
    let Some(Message::Assistant(begun)) = conversation.messages.last() else { return Vec::new() };
    let part = |chunk: &Chunk| match chunk {
        Chunk::Text(text) => (TextKind::Content, text.clone()),
        Chunk::Thinking { text, .. } => (TextKind::Thinking, text.clone()),
    };
    match &begun.content {
        Content::Text(text) => vec![(TextKind::Content, text.clone())],
        Content::Chunks(chunks) => chunks.iter().map(part).collect(),
    }
}

async fn request(chat: &mut wire::ChatRequest, body: &JsonBytes, model: &Arc<Loaded>) -> Result<Request, Refusal> {
    let version = model.engine.text().template.version();
    let (mut conversation, form) = body.apart(|| convert::conversation(chat, version))?;
    if is_reasoning(chat)? {
        conversation.messages.insert(0, reasoning::system_prompt(&model.engine, "prompt_mode")?);
    }
    let constraint = form.constraint(model, "response_format").await?;
    let mut request = Request::new(Prompt::Conversation(Box::new(conversation)));
    request.sampling = model.engine.card().sampling.clone();
    sampling::of_chat(chat, &mut request)?;
    form.forbid_calls(&model.engine, &mut request.sampling);
    request.constraint = constraint;
    request.prediction = chat.prediction.take().map(prediction).transpose()?;
    Ok(request)
}

fn is_reasoning(chat: &wire::ChatRequest) -> Result<bool, Refusal> {
    match chat.prompt_mode.as_deref() {
        None => Ok(false),
        Some("reasoning") => Ok(true),
        Some(mode) => {
            let message = format!("prompt_mode: unknown mode {mode:?}, expected reasoning");
            Err(Refusal::field("prompt_mode", message))
        }
    }
}

fn prediction(prediction: wire::Prediction) -> Result<String, Refusal> {
    match prediction.kind.as_deref() {
        None | Some("content") => Ok(prediction.content),
        Some(kind) => {
            let message = format!("prediction.type: unknown type {kind:?}, expected content");
            Err(Refusal::field("prediction.type", message))
        }
    }
}

fn refuse_what_is_not_done(chat: &wire::ChatRequest) -> Result<(), Refusal> {
    let has_guardrails = chat.guardrails.as_ref().is_some_and(|list| !list.is_empty());
    let tier = chat.service_tier.as_deref();
    let uncounted = chat.stream_options.as_ref().is_some_and(|options| options.include_usage == Some(false));
    let refused = [
        ("guardrails", has_guardrails, "no moderation model runs here"),
        ("prompt_logprobs", chat.prompt_logprobs == Some(true), "only the answer's tokens are reported"),
        (
            "top_prompt_logprobs",
            chat.top_prompt_logprobs.is_some_and(|top| top > 0),
            "only the answer's tokens are reported",
        ),
        ("stream_options.include_usage", uncounted, "the last chunk counts tokens"),
        ("service_tier", !matches!(tier, None | Some("auto" | "standard_only")), "there is one tier: auto"),
    ];
    match refused.into_iter().find(|(_, is_asked, _)| *is_asked) {
        None => Ok(()),
        Some((field, _, why)) => Err(Refusal::field(field, format!("{field}: cannot be done, {why}: leave it out"))),
    }
}
