//! The answers to one request: `n` engine requests, whose events come as they come.
//!
//! Dropping [`Choices`] ends all of them.

use std::sync::Arc;

use engine::{Event, ModelCard, Prompt, Request};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, spawn_blocking};

use crate::app::App;
use crate::caller::Caller;
use crate::generation::Generation;
use crate::limits;
use crate::models::Loaded;
use crate::refusal::{EFFORT, Refusal, RefusalKind};

/// Answers under way.
pub(crate) struct Choices {
    events: mpsc::Receiver<(usize, Result<Event, Refusal>)>,
    // Dropped with the receiver: the tasks are aborted, and their generations cancelled.
    _tasks: JoinSet<()>,
}

impl Choices {
    /// Queues all requests. `param` is the field that is wrong where the engine cannot take a prompt.
    ///
    /// # Errors
    /// One of them is refused; then none goes on.
    pub(crate) async fn start(
        app: &App,
        caller: &Caller,
        model: &Arc<Loaded>,
        requests: Vec<Request>,
        param: &'static str,
    ) -> Result<Self, Refusal> {
        let mut generations = Vec::with_capacity(requests.len());
        for request in requests {
            let generation = Generation::start(app, caller, Arc::clone(model), request).await;
            generations.push(generation.map_err(|refusal| located(refusal, param))?);
        }
        let (sender, events) = mpsc::channel(limits::WAITING_PIECES);
        let mut tasks = JoinSet::new();
        for (index, mut generation) in generations.into_iter().enumerate() {
            let sender = sender.clone();
            tasks.spawn(async move {
                while let Some(event) = generation.next().await {
                    if sender.send((index, event)).await.is_err() {
                        return;
                    }
                }
            });
        }
        Ok(Self { events, _tasks: tasks })
    }

    /// The next event, and of which answer; `None` when all have ended.
    ///
    /// # Errors
    /// An answer failed.
    pub(crate) async fn next(&mut self) -> Option<Result<(usize, Event), Refusal>> {
        let (index, event) = self.events.recv().await?;
        Some(event.map(|event| (index, event)))
    }
}

/// Refuses a prompt that, alone or together with `max_tokens`, would not fit: before anything is queued, and in the words
/// by which clients of OpenAI's API know it.
///
/// # Errors
/// It does not fit, or cannot be rendered.
pub(crate) async fn check_room(
    model: &Arc<Loaded>,
    prompt: &Prompt,
    max_tokens: Option<usize>,
    param: &'static str,
) -> Result<(), Refusal> {
    let context = model.engine.card().context;
    let more = max_tokens.unwrap_or(1);
    if size_bytes(prompt).saturating_add(more) <= context {
        return Ok(());
    }
    let (rendering, prompt) = (Arc::clone(model), prompt.clone());
    let rendered = spawn_blocking(move || rendering.engine.render(&prompt).map(|tokens| tokens.len())).await;
    let failed = |_| Refusal::new(RefusalKind::Internal, "the request could not be prepared");
    let tokens = rendered.map_err(failed)?.map_err(|error| located(error.into(), param))?;
    if tokens.saturating_add(more) <= context {
        return Ok(());
    }
    Err(too_long((tokens, max_tokens), (context, &wider(model.engine.card())), param))
}

/// What makes room for more. A context is never wider than what the memory for keys and values holds.
fn wider(card: &ModelCard) -> String {
    let made_for = card.config.context_length;
    let in_memory = made_for.min(card.kv_tokens);
    let memory = format!("--kv-memory, the model was made for {made_for} tokens");
    match card.context {
        context if context >= made_for => String::new(),
        context if context >= in_memory => format!(", or serve the model with more {memory}"),
        _ if in_memory == made_for => format!(", or serve the model with a --context up to {made_for}"),
        _ => format!(", or serve the model with a --context up to {in_memory}, or beyond that with more {memory}"),
    }
}

fn too_long(
    (tokens, max_tokens): (usize, Option<usize>),
    (context, wider): (usize, &str),
    param: &'static str,
) -> Refusal {
    let asked = match max_tokens {
        Some(more) if tokens < context => format!(
            "you requested {} tokens ({tokens} in the {param}, {more} in the completion). Please reduce the length of \
             the {param} or the completion",
            tokens.saturating_add(more),
        ),
        _ => format!("your {param} resulted in {tokens} tokens. Please reduce the length of the {param}"),
    };
    let message = format!("This model's maximum context length is {context} tokens. However, {asked}{wider}.");
    Refusal::new(RefusalKind::ContextLength, message).at(param).code("context_length_exceeded")
}

/// At least as many as the prompt has tokens: a token has a byte, and what the template adds to each message is short.
fn size_bytes(prompt: &Prompt) -> usize {
    const MESSAGE: usize = 64;
    match prompt {
        Prompt::Tokens(tokens) => tokens.len(),
        Prompt::Text(text) => text.len().saturating_add(MESSAGE),
        Prompt::Conversation(conversation) => {
            let listed = conversation.to_value().dump().len();
            conversation.messages.len().saturating_add(1).saturating_mul(MESSAGE).saturating_add(listed)
        }
    }
}

/// A refusal by the engine, at the field that holds the prompt.
pub(crate) fn located(refusal: Refusal, param: &'static str) -> Refusal {
    let of_prompt = matches!(refusal.kind, RefusalKind::Invalid | RefusalKind::ContextLength);
    match refusal.param.as_deref() {
        // In chat it stands beside the messages, in a response inside of `reasoning`.
        Some(EFFORT) if param == "input" => refusal.at("reasoning.effort"),
        None if of_prompt => refusal.at(param),
        _ => refusal,
    }
}
