//! Several answers to one prompt, as their events come; and whole answers, for the forms that are not streamed.
//!
//! `n` answers are `n` requests of consecutive seeds: the scheduler shares the prompt between them. Dropping
//! [`Answers`] cancels them all.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use engine::prompt::ToolCall;
use engine::{Event, FinishReason, Request, TextKind, Timings, TokenEvent, Usage};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::app::App;
use crate::caller::Caller;
use crate::generation::Generation;
use crate::limits;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};

/// What is to be answered.
pub(crate) struct Asked {
    pub(crate) request: Request,
    /// So many answers, with the seeds `seed`, `seed + 1`, …
    pub(crate) n: u32,
    /// What each of them begins with, in the client's own words: heard before what the model says.
    pub(crate) begins: Vec<(TextKind, String)>,
}

/// Several answers to one prompt under way.
pub(crate) struct Answers {
    events: mpsc::Receiver<(u32, Result<Event, Refusal>)>,
    _tasks: JoinSet<()>,
}

impl Answers {
    /// Queues `n` requests.
    ///
    /// # Errors
    /// There is too much to do, or the engine refuses the request.
    pub(crate) async fn start(app: &App, caller: &Caller, model: &Arc<Loaded>, asked: Asked) -> Result<Self, Refusal> {
        let mut generations = Vec::new();
        for index in 0..asked.n {
            let mut one = asked.request.clone();
            one.sampling.seed = one.sampling.seed.wrapping_add(u64::from(index));
            generations.push((index, Generation::start(app, caller, Arc::clone(model), one).await?));
        }
        let (sender, events) = mpsc::channel(limits::WAITING_PIECES);
        let mut tasks = JoinSet::new();
        for (index, generation) in generations {
            tasks.spawn(forward(index, generation, asked.begins.clone(), sender.clone()));
        }
        Ok(Self { events, _tasks: tasks })
    }

    /// The next event of any answer, with the answer's place. Each ends with `Finished` or an error.
    pub(crate) async fn next(&mut self) -> Option<(u32, Result<Event, Refusal>)> {
        self.events.recv().await
    }

    /// All answers, whole, in their order.
    ///
    /// # Errors
    /// One of them fails.
    pub(crate) async fn collect(mut self, n: u32) -> Result<Vec<Whole>, Refusal> {
        let mut wholes: Vec<Collecting> = (0..n).map(|_| Collecting::default()).collect();
        while let Some((index, event)) = self.next().await {
            if let Some(whole) = usize::try_from(index).ok().and_then(|index| wholes.get_mut(index)) {
                whole.add(event?);
            }
        }
        let broken = || Refusal::new(RefusalKind::Internal, "an answer broke off");
        wholes.into_iter().map(|one| one.whole().ok_or_else(broken)).collect()
    }
}

/// Until all is said, or nobody listens.
async fn forward(
    index: u32,
    mut generation: Generation,
    begins: Vec<(TextKind, String)>,
    events: mpsc::Sender<(u32, Result<Event, Refusal>)>,
) {
    let mut begins = Some(begins);
    while let Some(event) = generation.next().await {
        let begun = if matches!(event, Ok(Event::Started { .. })) { begins.take() } else { None };
        let begun = begun.into_iter().flatten().filter(|(_, text)| !text.is_empty());
        let begun = begun.map(|(kind, text)| Ok(Event::Text { text, kind, completion_tokens: 0 }));
        for event in [event].into_iter().chain(begun) {
            if events.send((index, event)).await.is_err() {
                return;
            }
        }
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Whole {
    /// What was said, in order; neighbours of one kind are one part.
    pub(crate) parts: Vec<Part>,
    /// Each token, where log-probabilities were asked for.
    pub(crate) tokens: Vec<TokenEvent>,
    /// How it ended.
    pub(crate) end: End,
}

impl Whole {
    /// All text outside of thoughts.
    pub(crate) fn text(&self) -> String {
        let text = |part: &Part| if let Part::Text(text) = part { Some(text.clone()) } else { None };
        self.parts.iter().filter_map(text).collect()
    }

    /// All thoughts, joined.
    pub(crate) fn thoughts(&self) -> String {
        let text = |part: &Part| if let Part::Thought(text) = part { Some(text.clone()) } else { None };
        self.parts.iter().filter_map(text).collect()
    }

    /// The calls.
    pub(crate) fn calls(&self) -> Vec<ToolCall> {
        let call = |part: &Part| if let Part::Call(call) = part { Some(call.clone()) } else { None };
        self.parts.iter().filter_map(call).collect()
    }
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// For the reader.
    Text(String),
    /// What the model thought.
    Thought(String),
    /// A function that it calls.
    Call(ToolCall),
}

/// How an answer ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// Why.
    pub(crate) reason: FinishReason,
    /// What it took.
    pub(crate) usage: Usage,
    /// How long it took.
    pub(crate) timings: Timings,
}

#[derive(Default)]
struct Collecting {
    parts: Vec<Part>,
    tokens: Vec<TokenEvent>,
    end: Option<End>,
}

impl Collecting {
    fn add(&mut self, event: Event) {
        match event {
            Event::Text { text, kind, .. } => match (kind, self.parts.last_mut()) {
                (TextKind::Content, Some(Part::Text(whole))) | (TextKind::Thinking, Some(Part::Thought(whole))) => {
                    whole.push_str(&text);
                }
                (TextKind::Content, _) => self.parts.push(Part::Text(text)),
                (TextKind::Thinking, _) => self.parts.push(Part::Thought(text)),
            },
            Event::ToolCall(call) => self.parts.push(Part::Call(call)),
            Event::Token(token) => self.tokens.push(token),
            Event::Finished { reason, usage, timings, .. } => self.end = Some(End { reason, usage, timings }),
            _ => {}
        }
    }

    fn whole(self) -> Option<Whole> {
        Some(Whole { parts: self.parts, tokens: self.tokens, end: self.end? })
    }
}

/// A seed for a request that names none.
pub(crate) fn draw_seed() -> u64 {
    RandomState::new().hash_one(0)
}
