//! `POST /api/chat`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use engine::prompt::{Conversation, Settings};
use engine::{Prompt, Request};

use super::answer::{Answer, Head, Path};
use super::keep_alive::Stay;
use super::{convert, memory, options, run, wire};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::form::Format;
use crate::models::Loaded;
use crate::refusal::Refusal;

/// Answers a conversation.
#[utoipa::path(
    post, path = "/api/chat", tag = "Ollama",
    request_body = wire::ChatRequest,
    responses((status = 200, description = "Lines; without `stream`, one object", body = Answer)),
)]
pub(super) async fn create(State(app): State<Arc<App>>, caller: Caller, json: JsonBytes) -> Result<Response, Refusal> {
    let started = Instant::now();
    let mut chat: wire::ChatRequest = json.read()?;
    memory::refuse_cutting(chat.truncate, chat.shift)?;
    let stay = Stay::read(chat.keep_alive.as_ref())?;
    let messages = chat.messages.take().unwrap_or_default();
    if messages.is_empty() {
        convert::form(chat.tools.unwrap_or_default(), chat.format)?;
        let idle =
            memory::Idle { think: chat.think, logprobs: (chat.logprobs, chat.top_logprobs), options: chat.options };
        return memory::load_or_unload(&app, &chat.model, (stay, idle), Path::Chat).await;
    }
    let model = app.model(Some(&chat.model)).await?;
    let head = Head { path: Path::Chat, model: model.name.clone(), started, load: started.elapsed() };
    Stay::apply(stay, &model);
    let stream = chat.stream;
    let request = request(chat, messages, &json, &model).await?;
    run::answer((&app, &caller), model, request, head, stream).await
}

async fn request(
    chat: wire::ChatRequest,
    messages: Vec<wire::Message>,
    json: &JsonBytes,
    model: &Arc<Loaded>,
) -> Result<Request, Refusal> {
    let version = model.engine.text().template.version();
    let (tools, form) = json.apart(|| convert::form(chat.tools.unwrap_or_default(), chat.format))?;
    let messages = json.apart(|| convert::messages(messages, version))?;
    let settings = Settings { json_schema: form.format.as_ref().map(Format::json), ..Settings::default() };
    let mut conversation = Conversation { messages, tools, settings };
    convert::think(chat.think.as_ref(), &mut conversation, &model.engine)?;
    let constraint = form.constraint(model, "format").await?;
    let mut request = Request::new(Prompt::Conversation(Box::new(conversation)));
    options::apply(chat.options, &model.engine, &mut request)?;
    run::logprobs(chat.logprobs, chat.top_logprobs, &mut request)?;
    request.constraint = constraint;
    Ok(request)
}
