//! From a request of the engine to an answer in Ollama's form, whole or as lines: chat and generate alike.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use engine::{Event, Request, TextKind, Tokenizer};

use super::answer::{Answer, Head, Logprob, ToolCall};
use super::refused;
use crate::answers::{Answers, Asked, End, Whole};
use crate::app::App;
use crate::caller::Caller;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};
use crate::stream::{Gone, LineWriter, json_response, ndjson};

/// Runs the request.
///
/// # Errors
/// It cannot be started; or, where it is not streamed, it fails.
pub(super) async fn answer(
    (app, caller): (&App, &Caller),
    model: Arc<Loaded>,
    request: Request,
    head: Head,
    stream: Option<bool>,
) -> Result<Response, Refusal> {
    let logprobs = request.logprobs;
    let asked = Asked { request, n: 1, begins: Vec::new() };
    let answers = Answers::start(app, caller, &model, asked).await?;
    let tokenizer = if logprobs { Some(Arc::clone(model.engine.text().tokenizer()?)) } else { None };
    if stream.unwrap_or(true) {
        return Ok(ndjson(move |lines| async move {
            // The client has gone: there is nobody left to tell.
            let _ = write(answers, head, tokenizer, lines).await;
        }));
    }
    let whole = answers.collect(1).await?.pop();
    let whole = whole.ok_or_else(|| Refusal::new(RefusalKind::Internal, "the answer broke off"))?;
    Ok(json_response(StatusCode::OK, &in_one(&head, &whole, tokenizer.as_deref())))
}

/// The log-probabilities that a request asks for.
///
/// # Errors
/// Alternatives without the tokens themselves.
pub(super) fn logprobs(asked: Option<bool>, top: Option<u32>, request: &mut Request) -> Result<(), Refusal> {
    request.logprobs = asked.unwrap_or(false);
    let top = top.unwrap_or(0);
    if top > 0 && !request.logprobs {
        return Err(Refusal::field("top_logprobs", "top_logprobs: goes with logprobs only"));
    }
    request.sampling.top_logprobs = usize::try_from(top).unwrap_or(usize::MAX);
    Ok(())
}

fn in_one(head: &Head, whole: &Whole, tokenizer: Option<&Tokenizer>) -> Answer {
    let thoughts = Some(whole.thoughts()).filter(|text| !text.is_empty());
    let calls = (0..).zip(whole.calls()).map(|(index, call)| ToolCall::new(index, call)).collect();
    let mut answer = head.finish(head.piece(whole.text(), thoughts, calls), &whole.end);
    answer.logprobs = tokenizer.map(|tokenizer| whole.tokens.iter().map(|t| Logprob::new(t, tokenizer)).collect());
    answer
}

async fn write(
    mut answers: Answers,
    head: Head,
    tokenizer: Option<Arc<Tokenizer>>,
    mut lines: LineWriter,
) -> Result<(), Gone> {
    let mut calls = 0;
    // Tokens that no line has reported yet.
    let mut tokens: Vec<Logprob> = Vec::new();
    while let Some((_, event)) = answers.next().await {
        let event = match event {
            Ok(event) => event,
            Err(refusal) => return lines.line(&refused::error(&refusal)).await,
        };
        let mut piece = match event {
            Event::Text { text, kind: TextKind::Content, .. } => head.piece(text, None, Vec::new()),
            Event::Text { text, kind: TextKind::Thinking, .. } => head.piece(String::new(), Some(text), Vec::new()),
            Event::ToolCall(call) => {
                let call = ToolCall::new(calls, call);
                calls = calls.saturating_add(1);
                head.piece(String::new(), None, vec![call])
            }
            Event::Token(token) => {
                tokens.extend(tokenizer.as_deref().map(|tokenizer| Logprob::new(&token, tokenizer)));
                continue;
            }
            Event::Finished { reason, usage, timings, .. } => {
                head.finish(head.piece(String::new(), None, Vec::new()), &End { reason, usage, timings })
            }
            _ => continue,
        };
        piece.logprobs = (!tokens.is_empty()).then(|| std::mem::take(&mut tokens));
        lines.line(&piece).await?;
    }
    Ok(())
}
