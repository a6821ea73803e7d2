//! From a request of the engine to an answer in Mistral's form, whole or as a stream: chat and fill-in-the-middle alike.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::StatusCode;
use axum::response::Response;
use engine::{Event, Request, TextKind, Tokenizer};

use super::answer::{
    Choice, Completion, ContentOut, Delta, Logprobs, StreamChoice, StreamChunk, TokenLogprob, ToolCallOut, UsageInfo,
    finish_reason,
};
use super::refused;
use crate::answers::{Answers, Asked};
use crate::app::App;
use crate::caller::Caller;
use crate::models::Loaded;
use crate::refusal::Refusal;
use crate::stream::{EventWriter, Gone, json_response, sse};

/// What is to be answered how.
pub(super) struct Wanted {
    pub(super) request: Request,
    /// So many answers.
    pub(super) n: u32,
    /// Events instead of one answer.
    pub(super) stream: bool,
    /// What the answer begins with, in the client's words.
    pub(super) begins: Vec<(TextKind, String)>,
}

/// Runs the request.
///
/// # Errors
/// It cannot be started; or, where it is not streamed, it fails.
pub(super) async fn answer(
    app: &App,
    caller: &Caller,
    model: Arc<Loaded>,
    wanted: Wanted,
) -> Result<Response, Refusal> {
    let logprobs = wanted.request.logprobs;
    let asked = Asked { request: wanted.request, n: wanted.n, begins: wanted.begins };
    let answers = Answers::start(app, caller, &model, asked).await?;
    let tokenizer = if logprobs { Some(Arc::clone(model.engine.text().tokenizer()?)) } else { None };
    let head = Head { id: id(), created: now(), model: model.name.clone(), tokenizer };
    if wanted.stream {
        return Ok(sse(move |events| async move {
            // The client has gone: there is nobody left to tell.
            let _ = Streaming::new(head, wanted.n).write(answers, events).await;
        }));
    }
    let wholes = answers.collect(wanted.n).await?;
    let usage = wholes.iter().fold(UsageInfo::default(), |sum, whole| sum.add(whole.end.usage));
    let tokenizer = head.tokenizer.as_deref();
    let choices = (0..).zip(wholes).map(|(index, whole)| Choice::new(index, whole, tokenizer)).collect();
    let Head { id, created, model, .. } = head;
    let completion = Completion { id, object: "chat.completion", created, model, choices, usage };
    Ok(json_response(StatusCode::OK, &completion))
}

/// What all chunks say.
struct Head {
    id: String,
    created: u64,
    model: String,
    /// Names tokens, where log-probabilities were asked for.
    tokenizer: Option<Arc<Tokenizer>>,
}

impl Head {
    fn chunk(&self, index: u32, delta: Delta) -> StreamChunk {
        let choice = StreamChoice { index, delta, finish_reason: None, logprobs: None };
        StreamChunk {
            id: self.id.clone(),
            object: "chat.completion.chunk",
            created: self.created,
            model: self.model.clone(),
            choices: vec![choice],
            usage: None,
        }
    }
}

/// A stream being written.
struct Streaming {
    head: Head,
    answers: Vec<Progress>,
    left: usize,
    usage: UsageInfo,
}

/// How far one answer has come.
#[derive(Default)]
struct Progress {
    num_calls: u32,
    /// Tokens that no chunk has reported yet.
    logprobs: Vec<TokenLogprob>,
}

impl Streaming {
    fn new(head: Head, n: u32) -> Self {
        let answers: Vec<_> = (0..n).map(|_| Progress::default()).collect();
        Self { left: answers.len(), head, answers, usage: UsageInfo::default() }
    }

    async fn write(mut self, mut answers: Answers, mut events: EventWriter) -> Result<(), Gone> {
        while let Some((index, event)) = answers.next().await {
            match event {
                Ok(event) => {
                    if let Some(chunk) = self.chunk(index, event) {
                        events.data(&chunk).await?;
                    }
                }
                // What came stays; there is no [DONE] after an error.
                Err(refusal) => return events.data(&refused::error(&refusal)).await,
            }
        }
        events.done().await
    }

    /// What an event adds; `None` where it is nothing to tell.
    fn chunk(&mut self, index: u32, event: Event) -> Option<StreamChunk> {
        let progress = self.answers.get_mut(usize::try_from(index).ok()?)?;
        let mut delta = Delta::default();
        match event {
            Event::Started { .. } => {
                delta.role = Some("assistant");
                delta.content = Some(ContentOut::Text(String::new()));
            }
            Event::Text { text, kind: TextKind::Content, .. } => delta.content = Some(ContentOut::Text(text)),
            Event::Text { text, kind: TextKind::Thinking, .. } => delta.content = Some(ContentOut::thought(text, None)),
            Event::ToolCall(call) => {
                delta.tool_calls = Some(vec![ToolCallOut::new(progress.num_calls, call)]);
                progress.num_calls = progress.num_calls.saturating_add(1);
            }
            Event::Token(token) => {
                let tokenizer = self.head.tokenizer.as_ref()?;
                progress.logprobs.push(TokenLogprob::new(&token, tokenizer));
                return None;
            }
            Event::Finished { reason, usage, .. } => {
                self.usage = self.usage.add(usage);
                self.left = self.left.saturating_sub(1);
                delta.content = Some(ContentOut::Text(String::new()));
                let logprobs = std::mem::take(&mut progress.logprobs);
                let mut chunk = self.head.chunk(index, delta);
                chunk.usage = (self.left == 0).then_some(self.usage);
                let choice = chunk.choices.first_mut()?;
                choice.finish_reason = Some(finish_reason(reason));
                choice.logprobs = (!logprobs.is_empty()).then_some(Logprobs { content: logprobs });
                return Some(chunk);
            }
            _ => return None,
        }
        let logprobs = std::mem::take(&mut progress.logprobs);
        let mut chunk = self.head.chunk(index, delta);
        chunk.choices.first_mut()?.logprobs = (!logprobs.is_empty()).then_some(Logprobs { content: logprobs });
        Some(chunk)
    }
}

/// What an answer is called: 32 hexadecimal digits, as Mistral's are.
pub(super) fn id() -> String {
    format!("{:016x}{:016x}", crate::answers::draw_seed(), crate::answers::draw_seed())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
