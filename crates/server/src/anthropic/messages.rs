//! `POST /v1/messages`, and `/v1/messages/count_tokens`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use engine::{Prompt, Request};

use super::answer::{Message, TokenCount};
use super::thinking::{self, Thoughts};
use super::turn::Turn;
use super::{convert, headers, stream, whole, wire};
use crate::answers::draw_seed;
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::models::Loaded;
use crate::on_thread;
use crate::refusal::Refusal;
use crate::request_id::RequestId;
use crate::stream::{json_response, sse};

/// Answers a conversation.
#[utoipa::path(
    post, path = "/v1/messages", tag = "Anthropic",
    request_body = wire::MessagesRequest,
    responses((status = 200, description = "The answer; with `stream`, events", body = Message)),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    id: RequestId,
    headers: HeaderMap,
    json: JsonBytes,
) -> Result<Response, Refusal> {
    let mut body: wire::MessagesRequest = json.read()?;
    headers::check(&headers)?;
    let model = app.model(body.model.as_deref()).await?;
    let (request, mut thoughts) = request(&mut body, &json, &model).await?;
    thoughts.omitted |= headers::redacts(&headers);
    let head = stream::Head { model: model.name.clone(), stop: request.stop.clone(), omitted: thoughts.omitted };
    let turn = Turn::start((&app, &caller), model, request, thoughts.budget).await?;
    if body.stream == Some(true) {
        return Ok(sse(move |events| async move {
            // The client has gone: there is nobody left to tell.
            let _ = stream::write(turn, head, events, id.as_str().to_owned()).await;
        }));
    }
    Ok(json_response(StatusCode::OK, &whole::collect(turn, head).await?))
}

/// Counts the tokens of a conversation as the model would read it.
#[utoipa::path(
    post, path = "/v1/messages/count_tokens", tag = "Anthropic",
    request_body = wire::MessagesRequest,
    responses((status = 200, description = "The number", body = TokenCount)),
)]
pub(super) async fn count_tokens(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    json: JsonBytes,
) -> Result<Response, Refusal> {
    let mut body: wire::MessagesRequest = json.read()?;
    headers::check(&headers)?;
    let of_an_answer = [
        ("stream", body.stream.is_some()),
        ("temperature", body.temperature.is_some()),
        ("top_p", body.top_p.is_some()),
        ("top_k", body.top_k.is_some()),
        ("stop_sequences", body.stop_sequences.is_some()),
    ];
    if let Some((field, _)) = of_an_answer.into_iter().find(|(_, is_there)| *is_there) {
        return Err(Refusal::field(field, format!("{field}: nothing is answered here, only counted: leave it out")));
    }
    let model = app.model(body.model.as_deref()).await?;
    let version = model.engine.text().template.version();
    let (mut conversation, _) = json.apart(|| convert::conversation(&mut body, version))?;
    thinking::apply(body.thinking.take(), body.max_tokens, &mut conversation, &model.engine)?;
    let prompt = Prompt::Conversation(Box::new(conversation));
    let input_tokens = on_thread::run(&model, move |engine| Ok(engine.render(&prompt)?.len())).await?;
    Ok(json_response(StatusCode::OK, &TokenCount { input_tokens }))
}

async fn request(
    body: &mut wire::MessagesRequest,
    json: &JsonBytes,
    model: &Arc<Loaded>,
) -> Result<(Request, Thoughts), Refusal> {
    let max_tokens = match body.max_tokens {
        None => return Err(Refusal::field("max_tokens", "max_tokens: the field is missing")),
        Some(0) => return Err(Refusal::field("max_tokens", "max_tokens: must be at least 1")),
        Some(most) => most,
    };
    let version = model.engine.text().template.version();
    let (mut conversation, form) = json.apart(|| convert::conversation(body, version))?;
    let thoughts = thinking::apply(body.thinking.take(), Some(max_tokens), &mut conversation, &model.engine)?;
    let constraint = form.constraint(model, "output_config.format").await?;
    let mut request = Request::new(Prompt::Conversation(Box::new(conversation)));
    request.constraint = constraint;
    request.max_tokens = Some(usize::try_from(max_tokens).unwrap_or(usize::MAX));
    request.stop = body.stop_sequences.take().unwrap_or_default();
    request.sampling = model.engine.card().sampling.clone();
    request.sampling.seed = draw_seed();
    request.sampling.temperature = body.temperature.unwrap_or(request.sampling.temperature);
    request.sampling.top_p = body.top_p.unwrap_or(request.sampling.top_p);
    let top_k = body.top_k.map(|k| usize::try_from(k).unwrap_or(usize::MAX));
    request.sampling.top_k = top_k.unwrap_or(request.sampling.top_k);
    form.forbid_calls(&model.engine, &mut request.sampling);
    Ok((request, thoughts))
}
