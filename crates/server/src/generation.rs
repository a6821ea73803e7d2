//! An answer under way: the engine's events, on the async side.
//!
//! A place is taken before anything is done for the request. What waits between engine and client is bounded; dropping
//! a `Generation` cancels it, charges its key for what was computed, and says in the log how it ended.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use engine::{Cancel, Event, FinishReason, Request, Tenant, Usage};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::caller::Caller;
use crate::drain::{Drain, Phase};
use crate::keys::StreamPlace;
use crate::limits;
use crate::metrics::Metrics;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};

/// An answer under way. Dropping it cancels it.
pub(crate) struct Generation {
    drain: Drain,
    metrics: Arc<Metrics>,
    caller: Caller,
    model: Arc<Loaded>,
    events: mpsc::Receiver<Event>,
    /// The client did not read for so long that an event was lost.
    lagged: Arc<AtomicBool>,
    /// How it ended.
    end: Option<&'static str>,
    /// Of all parts together.
    usage: Usage,
    /// Of the parts before a [`Generation::restart`].
    earlier: Option<Usage>,
    started: Instant,
    last_token: Option<Instant>,
    cancel: Cancel,
    _place: OwnedSemaphorePermit,
    _stream: Option<StreamPlace>,
}

impl Generation {
    /// Queues the request.
    ///
    /// # Errors
    /// There is too much to do, or the engine refuses the request.
    pub(crate) async fn start(
        app: &App,
        caller: &Caller,
        model: Arc<Loaded>,
        request: Request,
    ) -> Result<Self, Refusal> {
        app.drain.check()?;
        let (place, stream, started) = (model.place()?, caller.stream()?, Instant::now());
        let Submitted { events, lagged, cancel } = submit(&model, caller, request).await?;
        Ok(Self {
            drain: app.drain.clone(),
            metrics: Arc::clone(&app.metrics),
            caller: caller.clone(),
            model,
            events,
            lagged,
            end: None,
            usage: Usage::default(),
            earlier: None,
            started,
            last_token: None,
            cancel,
            _place: place,
            _stream: stream,
        })
    }

    /// Breaks off what is under way, to go on by [`Generation::restart`].
    pub(crate) fn interrupt(&self) {
        self.cancel.cancel();
    }

    /// Goes on with another request, which continues what was said so far, as the same answer: it keeps its places, even
    /// while the server drains, its key is charged once, and the log has one line. Its `Started` is not heard.
    ///
    /// # Errors
    /// The engine refuses the request: then this was the end.
    pub(crate) async fn restart(&mut self, request: Request) -> Result<(), Refusal> {
        self.cancel.cancel();
        let submitted = submit(&self.model, &self.caller, request).await;
        let Submitted { events, lagged, cancel } = submitted.map_err(|refusal| self.fail(refusal, "error"))?;
        self.earlier = Some(self.usage);
        (self.events, self.lagged, self.cancel) = (events, lagged, cancel);
        Ok(())
    }

    /// The next event. `Finished` or an error is the last; `Failed` comes as an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Refusal>> {
        loop {
            match self.received().await? {
                Ok(Event::Started { .. }) if self.earlier.is_some() => {}
                event => return Some(event),
            }
        }
    }

    async fn received(&mut self) -> Option<Result<Event, Refusal>> {
        if self.end.is_some() {
            return None;
        }
        let event = tokio::select! {
            biased;
            event = self.events.recv() => event,
            () = self.drain.reached(Phase::Ending) => return Some(Err(self.fail(Drain::refusal(), "drained"))),
        };
        Some(match event {
            Some(Event::Failed(error)) => Err(self.fail(failure(error), "error")),
            Some(mut event) => {
                self.note(&mut event);
                Ok(event)
            }
            None if self.lagged.load(Ordering::Relaxed) => {
                let message = "the answer broke off: it was not read in time";
                Err(self.fail(Refusal::new(RefusalKind::Internal, message), "unread"))
            }
            None => Err(self.fail(engine_gone(), "engine")),
        })
    }

    fn fail(&mut self, refusal: Refusal, end: &'static str) -> Refusal {
        self.end = Some(end);
        refusal
    }

    /// Takes note of an event, whose counts become those of the whole answer.
    fn note(&mut self, event: &mut Event) {
        let earlier = self.earlier.unwrap_or_default();
        match event {
            Event::Started { prompt_tokens } if self.earlier.is_none() => self.usage.prompt_tokens = *prompt_tokens,
            Event::Text { completion_tokens, .. } => {
                *completion_tokens = completion_tokens.saturating_add(earlier.completion_tokens);
                self.tokens(*completion_tokens);
            }
            Event::Finished { reason, usage, .. } => {
                if let Some(earlier) = self.earlier {
                    *usage = together(earlier, *usage);
                }
                self.tokens(usage.completion_tokens);
                self.usage = *usage;
                self.end = Some(end_word(*reason));
            }
            _ => {}
        }
    }

    /// Notes how long the tokens took that came since the last time.
    fn tokens(&mut self, so_far: usize) {
        let more = so_far.saturating_sub(self.usage.completion_tokens);
        if more == 0 {
            return;
        }
        let (now, metrics) = (Instant::now(), &self.metrics);
        match self.last_token {
            None => metrics.first_token(&self.model.name, now.saturating_duration_since(self.started)),
            Some(last) => metrics.later_tokens(&self.model.name, more, now.saturating_duration_since(last)),
        }
        self.last_token = Some(now);
        self.usage.completion_tokens = so_far;
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        let (end, took) = (self.end.unwrap_or("cancelled"), self.started.elapsed());
        self.caller.charge(self.usage.prompt_tokens.saturating_add(self.usage.completion_tokens));
        self.metrics.answer(&self.model.name, end, &self.usage, took);
        tracing::info!(
            id = self.caller.request.as_str(),
            key = self.caller.key.as_deref(),
            model = self.model.name,
            end,
            prompt_tokens = self.usage.prompt_tokens,
            cached_tokens = self.usage.cached_tokens,
            completion_tokens = self.usage.completion_tokens,
            seconds = took.as_secs_f64(),
            "answer"
        );
    }
}

/// What two parts of one answer took. The prompt is the first one's: the second read it again, with what was said so far,
/// and how much of it had been read before is not known of an answer that was broken off.
fn together(earlier: Usage, later: Usage) -> Usage {
    Usage {
        prompt_tokens: earlier.prompt_tokens,
        cached_tokens: earlier.cached_tokens,
        completion_tokens: earlier.completion_tokens.saturating_add(later.completion_tokens),
        drafted_tokens: earlier.drafted_tokens.saturating_add(later.drafted_tokens),
        accepted_tokens: earlier.accepted_tokens.saturating_add(later.accepted_tokens),
    }
}

fn end_word(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Stop => "stop",
        FinishReason::Length => "length",
        FinishReason::Context => "context",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::Deadline => "deadline",
        _ => "other",
    }
}

/// What goes wrong after a request was taken is not the client's doing: the model broke the rules of its template, say.
fn failure(error: engine::Error) -> Refusal {
    let refusal = Refusal::from(error);
    match refusal.kind {
        RefusalKind::Invalid => {
            let message = format!("the model's answer is broken: {}", refusal.message);
            Refusal::new(RefusalKind::Internal, message).code("invalid_model_output")
        }
        _ => refusal,
    }
}

/// The engine's thread has ended with the answer under way. The next request finds a new engine (`models`).
fn engine_gone() -> Refusal {
    tracing::error!("an engine ended with an answer under way");
    let message = "the answer broke off: the engine that wrote it has failed, the server's log says why; ask again";
    Refusal::new(RefusalKind::Internal, message)
}

/// A request on its way through the engine.
struct Submitted {
    events: mpsc::Receiver<Event>,
    lagged: Arc<AtomicBool>,
    cancel: Cancel,
}

/// Queues a request. A client that lags by a whole channel loses the answer: the engine waits for nobody.
async fn submit(model: &Arc<Loaded>, caller: &Caller, request: Request) -> Result<Submitted, Refusal> {
    let request = Request { tenant: Tenant(caller.tenant), ..request };
    let (sender, events) = mpsc::channel(limits::WAITING_EVENTS);
    let lagged = Arc::new(AtomicBool::new(false));
    let (lags, model) = (Arc::clone(&lagged), Arc::clone(model));
    let sink = move |event| match sender.try_send(event) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => {
            lags.store(true, Ordering::Relaxed);
            ControlFlow::Break(())
        }
    };
    // Rendering a long prompt takes its time.
    let submitted = spawn_blocking(move || model.engine.submit_to(request, Box::new(sink))).await;
    let failed = |_| Refusal::new(RefusalKind::Internal, "the request could not be prepared");
    let cancel = submitted.map_err(failed)??;
    Ok(Submitted { events, lagged, cancel })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Places;
    use crate::keys::Keys;
    use crate::models::Models;
    use crate::request_id::RequestId;
    use crate::{ModelSource, Options};
    use engine::{Prompt, TokenId};

    fn app() -> App {
        let source = ModelSource::at("tiny", &testkit::vectors("models/ministral3/hf"));
        let options = Options { models: vec![source], ..Options::loopback() };
        let (models, places) = (Models::new(&options).unwrap(), Places::new(8));
        App {
            metrics: Arc::new(Metrics::new(models.entries(), places.clone())),
            models,
            keys: Keys::new(None).unwrap(),
            places,
            drain: Drain::new(),
            options,
        }
    }

    /// A client that reads all the time does not hear that it was too slow.
    #[test]
    fn an_engine_that_dies_is_not_a_slow_client() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let app = app();
            let model = app.model(None).await.unwrap();
            let request = Request::new(Prompt::Tokens(vec![TokenId(5)]));
            let caller = Caller::anybody(&RequestId::of(&axum::http::HeaderMap::new()));
            let mut generation = Generation::start(&app, &caller, Arc::clone(&model), request.clone()).await.unwrap();
            let _cancel = model.engine.submit_to(request, Box::new(|_| panic!("a defect"))).unwrap();
            let refusal = loop {
                match generation.next().await {
                    Some(Ok(_)) => {}
                    Some(Err(refusal)) => break refusal,
                    None => panic!("the answer came to its end before the engine did"),
                }
            };
            assert!(refusal.message.contains("the engine that wrote it has failed"), "{}", refusal.message);
            assert_eq!(generation.end, Some("engine"));
        });
    }
}
