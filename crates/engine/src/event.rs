//! What a client hears.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use prompt::ToolCall;
use tokenizer::TokenId;

use crate::Error;

/// One thing that happened to a request. [`Event::Finished`] or [`Event::Failed`] is the last.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The prompt has been rendered and taken.
    Started {
        /// Its length.
        prompt_tokens: usize,
    },
    /// More of the answer; whole characters.
    Text {
        /// The characters.
        text: String,
        /// Answer or reasoning.
        kind: TextKind,
        /// Tokens generated so far, those of this text included.
        completion_tokens: usize,
    },
    /// A token was chosen. Only where the request asked for log-probabilities.
    Token(TokenEvent),
    /// The model calls a tool; the call is complete.
    ToolCall(ToolCall),
    /// The answer is complete.
    Finished {
        /// Why it ended.
        reason: FinishReason,
        /// Place in [`crate::Request::stop`] of the string that ended it, where one did.
        stop: Option<usize>,
        /// What it took.
        usage: Usage,
        /// How long it took.
        timings: Timings,
    },
    /// The request failed; the engine lives on.
    Failed(Error),
}

/// Answer or reasoning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// Meant for the reader.
    Content,
    /// Inside `[THINK]` … `[/THINK]`.
    Thinking,
}

/// A chosen token.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenEvent {
    /// Which.
    pub id: TokenId,
    /// Its natural log-probability, before any filter.
    pub logprob: f32,
    /// The likeliest tokens at this place, best first, as many as the request asked for.
    pub top: Vec<(TokenId, f32)>,
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FinishReason {
    /// The model ended it, or a stop string came.
    Stop,
    /// `max_tokens` were generated.
    Length,
    /// The context is full.
    Context,
    /// The model called tools and waits for their results.
    ToolCalls,
    /// The request's own deadline has come.
    Deadline,
}

/// Token counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Of these, tokens that did not have to be computed: an earlier request began alike.
    pub cached_tokens: usize,
    /// Tokens generated, the one that ended the answer included.
    pub completion_tokens: usize,
    /// Tokens that were guessed ahead.
    pub drafted_tokens: usize,
    /// Of these, tokens that were right: they are part of the answer, and came sooner.
    pub accepted_tokens: usize,
}

/// Durations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// From submission to the first token: waiting and prefill.
    pub prefill: Duration,
    /// From the first token to the last.
    pub decode: Duration,
}

/// Hears the events of one request, on the engine's thread: it must not block. `Break` cancels the request.
///
/// It is dropped after the last event. Dropped without one, the request was cancelled, or the engine's thread has ended.
pub type EventSink = Box<dyn FnMut(Event) -> ControlFlow<()> + Send>;

/// The way to end a request early. Dropping it does.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Cancel {
    flag: Arc<AtomicBool>,
}

impl Cancel {
    pub(crate) fn new(flag: Arc<AtomicBool>) -> Self {
        Self { flag }
    }

    /// Ends the request at the next step, whatever it is doing. No `Finished` follows. What it computed stays cached.
    pub fn cancel(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    fn cancelled(&self) -> bool {
        self.flag.load(Ordering::Relaxed)
    }
}

impl Drop for Cancel {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// The events of one request, in order. Dropping it cancels the request.
#[derive(Debug)]
pub struct EventStream {
    events: Receiver<Event>,
    cancel: Cancel,
    ended: bool,
}

impl EventStream {
    pub(crate) fn new(events: Receiver<Event>, cancel: Cancel) -> Self {
        Self { events, cancel, ended: false }
    }

    /// Ends the request at the next step. Events already on their way still arrive; no `Finished` follows.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits up to `timeout` for the next event; `Ok(None)` where none came in time.
    ///
    /// # Errors
    /// The stream has ended, or the engine has.
    pub fn next_within(&mut self, timeout: Duration) -> Result<Option<Event>, Ended> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        if self.ended {
            return Err(Ended);
        }
        match self.events.recv_timeout(timeout) {
            Ok(event) => Ok(Some(self.note(event))),
            Err(Timeout) => Ok(None),
            Err(Disconnected) if self.cancel.cancelled() => Err(Ended),
            Err(Disconnected) => Ok(Some(self.note(Event::Failed(Error::WorkerGone)))),
        }
    }

    fn note(&mut self, event: Event) -> Event {
        self.ended = matches!(event, Event::Finished { .. } | Event::Failed(_));
        event
    }
}

/// Nothing more will come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended;

impl Iterator for EventStream {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        if self.ended {
            return None;
        }
        match self.events.recv() {
            Ok(event) => Some(self.note(event)),
            Err(_) if self.cancel.cancelled() => None,
            Err(_) => Some(self.note(Event::Failed(Error::WorkerGone))),
        }
    }
}
