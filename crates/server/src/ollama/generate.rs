//! `POST /api/generate`: a prompt through the template, as it is, or with a gap.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use engine::prompt::{Conversation, Message, Settings};
use engine::{Prompt, Request};

use super::answer::{Answer, Head, Path};
use super::keep_alive::Stay;
use super::{convert, memory, options, run, wire};
use crate::app::App;
use crate::body::Body;
use crate::caller::Caller;
use crate::form::{Form, Format};
use crate::models::Loaded;
use crate::refusal::Refusal;
use crate::{mistral, on_thread};

/// Answers a prompt.
#[utoipa::path(
    post, path = "/api/generate", tag = "Ollama",
    request_body = wire::GenerateRequest,
    responses((status = 200, description = "Lines; without `stream`, one object", body = Answer)),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(mut body): Body<wire::GenerateRequest>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    memory::refuse_cutting(body.truncate, body.shift)?;
    refuse_what_is_not_done(&body)?;
    let stay = Stay::read(body.keep_alive.as_ref())?;
    let prompt = body.prompt.take().unwrap_or_default();
    let suffix = body.suffix.take().filter(|suffix| !suffix.is_empty());
    if prompt.is_empty() && suffix.is_none() {
        convert::form(Vec::new(), body.format)?;
        let idle =
            memory::Idle { think: body.think, logprobs: (body.logprobs, body.top_logprobs), options: body.options };
        return memory::load_or_unload(&app, &body.model, (stay, idle), Path::Generate).await;
    }
    let model = app.model(Some(&body.model)).await?;
    let head = Head { path: Path::Generate, model: model.name.clone(), started, load: started.elapsed() };
    Stay::apply(stay, &model);
    let stream = body.stream;
    let request = request(body, (prompt, suffix), &model).await?;
    run::answer((&app, &caller), model, request, head, stream).await
}

async fn request(
    body: wire::GenerateRequest,
    (prompt, suffix): (String, Option<String>),
    model: &Arc<Loaded>,
) -> Result<Request, Refusal> {
    let (_, form) = convert::form(Vec::new(), body.format.clone())?;
    let prompt = match suffix {
        Some(suffix) => {
            let tokens = move |engine: &engine::Engine| mistral::fill_in(engine.text(), &prompt, Some(&suffix));
            Prompt::Tokens(on_thread::run(model, tokens).await?)
        }
        None if body.raw == Some(true) => Prompt::Text(prompt),
        None => Prompt::Conversation(Box::new(conversation(&body, prompt, &form, model)?)),
    };
    let constraint = form.constraint(model, "format").await?;
    let mut request = Request::new(prompt);
    options::apply(body.options, &model.engine, &mut request)?;
    run::logprobs(body.logprobs, body.top_logprobs, &mut request)?;
    request.constraint = constraint;
    Ok(request)
}

fn conversation(
    body: &wire::GenerateRequest,
    prompt: String,
    form: &Form,
    model: &Loaded,
) -> Result<Conversation, Refusal> {
    let system = body.system.as_deref().filter(|system| !system.is_empty()).map(Message::system);
    let mut conversation = Conversation::new(system.into_iter().chain([Message::user(prompt)]));
    conversation.settings = Settings { json_schema: form.format.as_ref().map(Format::json), ..Settings::default() };
    convert::think(body.think.as_ref(), &mut conversation, &model.engine)?;
    Ok(conversation)
}

fn refuse_what_is_not_done(body: &wire::GenerateRequest) -> Result<(), Refusal> {
    let is_text = |text: Option<&String>| text.is_some_and(|text| !text.is_empty());
    let is_plain = body.raw == Some(true) || is_text(body.suffix.as_ref());
    let thinks = !matches!(body.think, None | Some(wire::Think::Switch(false)));
    const PICTURE: &str = "this server makes no pictures";
    const PLAIN: &str = "there is no template around a raw prompt or one with a suffix";
    let refused = [
        (
            "context",
            body.context.as_ref().is_some_and(|tokens| !tokens.is_empty()),
            "send the conversation to /api/chat",
        ),
        ("template", is_text(body.template.as_ref()), "the model's own template is used; with raw, none"),
        ("images", body.images.as_ref().is_some_and(|list| !list.is_empty()), "this server reads text only"),
        ("width", body.width.is_some(), PICTURE),
        ("height", body.height.is_some(), PICTURE),
        ("steps", body.steps.is_some(), PICTURE),
        ("system", is_plain && is_text(body.system.as_ref()), PLAIN),
        ("think", is_plain && thinks, PLAIN),
        ("suffix", body.raw == Some(true) && is_text(body.suffix.as_ref()), "a raw prompt is continued, it has no gap"),
    ];
    match refused.into_iter().find(|(_, is_asked, _)| *is_asked) {
        None => Ok(()),
        Some((field, _, why)) => Err(Refusal::field(field, format!("{field}: cannot be done, {why}"))),
    }
}
