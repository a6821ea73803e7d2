//! An answer under way: the engine's events, on the async side.
//!
//! A place is taken before anything is done for the request. What waits between engine and client is bounded; dropping
//! a `Generation` cancels it, charges its key for what was computed, and says in the log how it ended.

use std::ops::ControlFlow;
use std::sync::Arc;
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
    /// How it ended.
    end: Option<&'static str>,
    usage: Usage,
    started: Instant,
    last_token: Option<Instant>,
    _cancel: Cancel,
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
        let request = Request { tenant: Tenant(caller.tenant), ..request };
        let (sender, events) = mpsc::channel(limits::WAITING_EVENTS);
        let submitting = Arc::clone(&model);
        // Rendering a long prompt takes its time.
        let submitted = spawn_blocking(move || submit(&submitting, request, sender)).await;
        let cancel = submitted
            .unwrap_or_else(|_| Err(Refusal::new(RefusalKind::Internal, "the request could not be prepared")))?;
        Ok(Self {
            drain: app.drain.clone(),
            metrics: Arc::clone(&app.metrics),
            caller: caller.clone(),
            model,
            events,
            end: None,
            usage: Usage::default(),
            started,
            last_token: None,
            _cancel: cancel,
            _place: place,
            _stream: stream,
        })
    }

    /// The next event. `Finished` or an error is the last; `Failed` comes as an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Refusal>> {
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
            Some(event) => {
                self.note(&event);
                Ok(event)
            }
            None => {
                let message = "the answer broke off: it was not read in time";
                Err(self.fail(Refusal::new(RefusalKind::Internal, message), "unread"))
            }
        })
    }

    fn fail(&mut self, refusal: Refusal, end: &'static str) -> Refusal {
        self.end = Some(end);
        refusal
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Started { prompt_tokens } => self.usage.prompt_tokens = *prompt_tokens,
            Event::Text { completion_tokens, .. } => self.tokens(*completion_tokens),
            Event::Finished { reason, usage, .. } => {
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

/// A client that lags by a whole channel loses the answer: the engine waits for nobody.
fn submit(model: &Loaded, request: Request, events: mpsc::Sender<Event>) -> Result<Cancel, Refusal> {
    let sink = move |event| match events.try_send(event) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    Ok(model.engine.submit_to(request, Box::new(sink))?)
}
