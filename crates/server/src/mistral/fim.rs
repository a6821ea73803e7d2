//! `POST /v1/fim/completions`: the text between a prompt and a suffix.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use engine::{Prompt, Request, TextFront, TokenId, prompt};

use super::completion::{self, Wanted};
use super::{answer, refused, sampling, wire};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::on_thread;
use crate::refusal::{Refusal, RefusalKind};

/// Fills in the middle.
#[utoipa::path(
    post, path = "/v1/fim/completions", tag = "Mistral",
    request_body = wire::FimRequest,
    responses((status = 200, description = "The text between; with `stream`, events", body = answer::Completion)),
)]
pub(super) async fn create(State(app): State<Arc<App>>, caller: Caller, body: JsonBytes) -> Result<Response, Refusal> {
    let mut fim: wire::FimRequest = body.read().map_err(refused::unprocessable)?;
    let model = app.model(fim.model.as_deref()).await?;
    let (before, after) = (std::mem::take(&mut fim.prompt), fim.suffix.take());
    let tokens = on_thread::run(&model, move |engine| tokens(engine.text(), &before, after.as_deref())).await?;
    let mut request = Request::new(Prompt::Tokens(tokens));
    request.sampling = model.engine.card().sampling.clone();
    sampling::of_fim(&mut fim, &mut request)?;
    let stream = fim.stream.unwrap_or(false);
    completion::answer(&app, &caller, model, Wanted { request, n: 1, stream, begins: Vec::new() }).await
}

/// A prompt with a gap at its end, and what comes after the gap.
///
/// # Errors
/// The model was not trained for this.
pub(crate) fn tokens(text: &TextFront, before: &str, after: Option<&str>) -> Result<Vec<TokenId>, Refusal> {
    let no_fim = || {
        let message = "this model has no tokens for fill-in-the-middle: use a model such as Codestral";
        Refusal::new(RefusalKind::Invalid, message).at("model")
    };
    let version = text.template.version().ok_or_else(no_fim)?;
    let rendered = prompt::render_fim(text.tokenizer()?, version, before, after);
    rendered.map(|rendered| rendered.tokens).map_err(|_| no_fim())
}
