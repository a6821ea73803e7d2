//! An answer under way: the engine's events, on the async side.
//!
//! A place is taken before anything is done for the request. What waits between engine and client is bounded; dropping
//! a `Generation` cancels it.

use std::ops::ControlFlow;
use std::sync::Arc;

use engine::{Cancel, Event, Request, Tenant};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::task::spawn_blocking;

use crate::app::App;
use crate::caller::Caller;
use crate::drain::{Drain, Phase};
use crate::keys::{StreamPlace, Usage};
use crate::limits;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};

/// An answer under way. Dropping it cancels it.
pub(crate) struct Generation {
    events: mpsc::Receiver<Event>,
    drain: Drain,
    ended: bool,
    _cancel: Cancel,
    _model: Arc<Loaded>,
    _place: OwnedSemaphorePermit,
    usage: Option<Arc<Usage>>,
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
        let place = model.place()?;
        let stream = caller.usage.as_ref().map(Usage::stream).transpose()?;
        let request = Request { tenant: Tenant(caller.tenant), ..request };
        let (sender, events) = mpsc::channel(limits::WAITING_EVENTS);
        let submitting = Arc::clone(&model);
        // Rendering a long prompt takes its time.
        let submitted = spawn_blocking(move || submit(&submitting, request, sender)).await;
        let cancel = submitted
            .unwrap_or_else(|_| Err(Refusal::new(RefusalKind::Internal, "the request could not be prepared")))?;
        Ok(Self {
            events,
            drain: app.drain.clone(),
            ended: false,
            _cancel: cancel,
            _model: model,
            _place: place,
            usage: caller.usage.clone(),
            _stream: stream,
        })
    }

    /// The next event. `Finished` or an error is the last; `Failed` comes as an error.
    pub(crate) async fn next(&mut self) -> Option<Result<Event, Refusal>> {
        if self.ended {
            return None;
        }
        let event = tokio::select! {
            biased;
            event = self.events.recv() => event,
            () = self.drain.reached(Phase::Ending) => return Some(Err(self.end(Drain::refusal()))),
        };
        Some(match event {
            Some(Event::Failed(error)) => Err(self.end(error.into())),
            Some(event) => {
                self.ended = matches!(event, Event::Finished { .. });
                Ok(event)
            }
            None => Err(self.end(Refusal::new(RefusalKind::Internal, "the answer broke off: it was not read in time"))),
        })
    }

    fn end(&mut self, refusal: Refusal) -> Refusal {
        self.ended = true;
        refusal
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
