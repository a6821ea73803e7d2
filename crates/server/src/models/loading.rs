//! Loading a model on a thread of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Engine;
use tokio::sync::watch;

use super::{Entry, Failure, Loaded, News, Outcome, State, memory};
use crate::refusal::{Refusal, RefusalKind};
use crate::{Options, limits};

/// What is to be loaded, and who waits for it.
pub(super) struct Order {
    pub(super) entry: Arc<Entry>,
    /// Those that may have to go.
    pub(super) others: Vec<Arc<Entry>>,
    pub(super) options: Options,
    /// After the failure before this attempt.
    pub(super) pause: Option<Duration>,
    pub(super) outcome: watch::Sender<News>,
}

/// Begins to load; the outcome goes to all who wait.
pub(super) fn start(order: Order) {
    let entry = Arc::clone(&order.entry);
    let outcome = order.outcome.clone();
    let pause = order.pause;
    let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
        let loaded = catch_unwind(AssertUnwindSafe(|| load(&order)));
        let loaded = loaded.unwrap_or_else(|_| Err(defect(&order.entry)));
        settle(&order.entry, loaded, order.pause, &order.outcome);
    });
    if let Err(error) = thread {
        tracing::error!(cause = error.to_string(), "no thread to load a model");
        settle(&entry, Err(Refusal::new(RefusalKind::Unavailable, "there is no thread to load it")), pause, &outcome);
    }
}

fn load(order: &Order) -> Outcome {
    let (source, options) = (&order.entry.source, &order.options);
    let needed = memory::needed_bytes(source.size_bytes, options.engine.kv_memory_bytes);
    let room = memory::make_room(needed, &order.others, options.available_bytes);
    if !room && order.others.iter().any(|other| other.is_loaded()) {
        let message = format!("{}: there is no memory for it while other models are in use", source.name);
        return Err(Refusal::new(RefusalKind::Unavailable, message).code("model_unavailable").retry_after(1));
    }
    let opened = (source.open)();
    let loaded = opened.and_then(|checkpoint| Engine::of(&checkpoint, &options.engine, &mut |_, _| {}));
    let engine = loaded.map_err(|error| {
        tracing::error!(model = source.name, cause = error.to_string(), "cannot be loaded");
        // Where its files lie is nobody's business: the cause is in the log.
        let message = format!("the model {} cannot be loaded: the server's log says why", source.name);
        Refusal::new(RefusalKind::Unavailable, message).code("model_unavailable").retry_after(1)
    })?;
    tracing::info!(model = source.name, seconds = engine.card().load.as_secs_f64(), "loaded");
    Ok(Arc::new(Loaded::new(source, engine)))
}

fn defect(entry: &Entry) -> Refusal {
    tracing::error!(model = entry.name, "loading panicked");
    Refusal::new(RefusalKind::Internal, format!("the model {} cannot be loaded: the server's log says why", entry.name))
}

/// The new state, then the news.
fn settle(entry: &Entry, outcome: Outcome, pause: Option<Duration>, news: &watch::Sender<News>) {
    *entry.state() = match &outcome {
        Ok(model) => State::In { model: Arc::clone(model), used: Instant::now() },
        Err(refusal) => {
            let pause = pause.map_or(limits::LOAD_PAUSE, |pause| pause.saturating_mul(2)).min(limits::LOAD_PAUSE_MOST);
            let now = Instant::now();
            let until = now.checked_add(pause).unwrap_or(now);
            State::Out(Some(Failure { refusal: refusal.clone(), pause, until }))
        }
    };
    news.send_replace(Some(outcome.map(|model| Arc::downgrade(&model))));
}
