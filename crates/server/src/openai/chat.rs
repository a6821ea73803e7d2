//! `POST /v1/chat/completions` in OpenAI's form, whole and in pieces.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use engine::prompt::{Conversation, ReasoningEffort, Settings};
use engine::{Prompt, Request, TokenId};

use super::answer::{End, Piece, Reader};
use super::ask::{self, Stamp};
use super::choices::{Choices, check_room};
use super::convert::{fields, format, messages, sampling, tools};
use super::refused;
use super::wire::TextOr;
use super::wire::chat::{
    AssistantMessage, CallDelta, CallMade, ChatChoice, ChatChunk, ChatCompletion, ChatRequest, ChunkChoice, Delta,
    FunctionDelta, FunctionMade, Logprobs, Prediction, TokenLogprob,
};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::limits;
use crate::models::Loaded;
use crate::refusal::Refusal;
use crate::stream::{EventWriter, Gone, json_response, sse};

/// Answers a chat request.
///
/// # Errors
/// What is wrong with it, or why it cannot be answered now.
pub(crate) async fn create(app: Arc<App>, caller: Caller, json: JsonBytes) -> Result<Response, Refusal> {
    let request: ChatRequest = json.read()?;
    fields::check_chat(&request)?;
    let model = app.model(request.model.as_deref()).await?;
    let chat = Chat::new(request, &json, &model).await?;
    check_room(&model, &chat.request.prompt, chat.request.max_tokens, "messages").await?;
    let requests = ask::repeated(&chat.request, chat.count);
    let choices = Choices::start(&app, &caller, &model, requests, "messages").await?;
    let readers = ask::readers(&model, chat.request.logprobs, chat.count as usize);
    let stamp = Stamp::new("chatcmpl-", &model, chat.request.sampling.seed);
    let predicted = chat.request.prediction.is_some();
    let reply = Reply { stamp, chat, choices, readers, predicted };
    if reply.chat.stream { Ok(sse(|events| reply.stream(events))) } else { reply.whole().await }
}

/// A chat request, understood.
struct Chat {
    request: Request,
    count: u32,
    stream: bool,
    include_usage: bool,
    service_tier: Option<&'static str>,
}

impl Chat {
    async fn new(request: ChatRequest, json: &JsonBytes, model: &Arc<Loaded>) -> Result<Self, Refusal> {
        let version = model.engine.text().template.version();
        let count = sampling::choices("n", request.n)?;
        let used = json.apart(|| tools::chat(request.tools, request.tool_choice, request.parallel_tool_calls))?;
        let form = format::chat(request.response_format)?;
        let conversation = Conversation {
            messages: json.apart(|| messages::messages(request.messages, version))?,
            tools: used.shown(),
            settings: Settings {
                reasoning_effort: effort(request.reasoning_effort.as_deref())?,
                json_schema: form.shown.clone(),
            },
        };
        let numbers = sampling::Numbers {
            temperature: request.temperature,
            top_p: request.top_p,
            top_k: request.top_k,
            min_p: request.min_p,
            typical_p: request.typical_p,
            repetition_penalty: request.repetition_penalty,
            presence_penalty: request.presence_penalty,
            frequency_penalty: request.frequency_penalty,
            logit_bias: request.logit_bias.as_ref(),
            seed: request.seed,
            count,
            top_logprobs: request.top_logprobs.unwrap_or(0),
        };
        let logprobs = request.logprobs == Some(true);
        if request.top_logprobs.is_some_and(|top| top > 0) && !logprobs {
            return Err(Refusal::field("top_logprobs", "top_logprobs needs `logprobs`: true"));
        }
        let mut params = numbers.params(&model.engine.card().sampling, model.engine.card().config.vocab_size)?;
        if used.choice == tools::Choice::None {
            forbid_calls(model, &mut params.logit_bias)?;
        }
        let newer = ("max_completion_tokens", request.max_completion_tokens);
        let mut asked = Request {
            sampling: params,
            max_tokens: sampling::max_tokens(newer, ("max_tokens", request.max_tokens))?,
            stop: sampling::stops(request.stop)?,
            logprobs,
            prediction: request.prediction.map(prediction).transpose()?,
            ..Request::new(Prompt::Conversation(Box::new(conversation)))
        };
        let field = if form.spec.is_some() { "response_format" } else { "tools" };
        ask::constrain(model, &mut asked, used.spec(&form, version)?, field).await?;
        Ok(Self {
            request: asked,
            count,
            stream: request.stream == Some(true),
            include_usage: request.stream_options.is_some_and(|options| options.include_usage == Some(true)),
            service_tier: request.service_tier.map(|_| "default"),
        })
    }
}

/// Effort by its name.
///
/// # Errors
/// There is no such effort. Whether the model knows it is for its template to say.
pub(crate) fn effort(name: Option<&str>) -> Result<Option<ReasoningEffort>, Refusal> {
    let Some(name) = name else { return Ok(None) };
    let names = || ReasoningEffort::ALL.map(ReasoningEffort::name).join(", ");
    let refused = || {
        let message = format!("reasoning_effort is {:?}: it must be one of {}", format::shortened(name), names());
        Refusal::field("reasoning_effort", message)
    };
    ReasoningEffort::from_name(name).map(Some).ok_or_else(refused)
}

/// `tool_choice: none`: a model that has called tools before might do so again, so the token that begins a call is
/// out of reach.
///
/// # Errors
/// There is no bias left for it.
pub(crate) fn forbid_calls(model: &Loaded, biases: &mut Vec<(TokenId, f32)>) -> Result<(), Refusal> {
    let begin = model.engine.text().tokenizer.as_ref().ok().and_then(|tokenizer| tokenizer.special("[TOOL_CALLS]"));
    let Some(begin) = begin else { return Ok(()) };
    biases.retain(|(token, _)| *token != begin);
    if biases.len() >= limits::LOGIT_BIASES {
        let (found, most) = (biases.len(), limits::LOGIT_BIASES.saturating_sub(1));
        let message = format!(
            "logit_bias has {found} entries: beside tool_choice none, which takes one for the token that begins a call, \
             at most {most} are allowed"
        );
        return Err(Refusal::field("logit_bias", message));
    }
    biases.push((begin, -100.0));
    Ok(())
}

fn prediction(prediction: Prediction) -> Result<String, Refusal> {
    if prediction.kind != "content" {
        return Err(Refusal::field("prediction.type", "prediction.type must be content"));
    }
    match prediction.content {
        TextOr::Text(text) => Ok(text),
        TextOr::Other(parts) => {
            let text = |(index, part)| messages::part_text(part, &format!("prediction.content[{index}]"));
            parts.into_iter().enumerate().map(text).collect()
        }
    }
}

/// An answer on its way.
struct Reply {
    stamp: Stamp,
    chat: Chat,
    choices: Choices,
    readers: Vec<Reader>,
    predicted: bool,
}

impl Reply {
    /// The next piece, and of which choice.
    async fn next(&mut self) -> Option<Result<(usize, Piece), Refusal>> {
        loop {
            let (index, event) = match self.choices.next().await? {
                Ok(event) => event,
                Err(refusal) => return Some(Err(refusal)),
            };
            if let Some(piece) = self.readers.get_mut(index).and_then(|reader| reader.read(event)) {
                return Some(Ok((index, piece)));
            }
        }
    }

    async fn whole(mut self) -> Result<Response, Refusal> {
        let mut turns: Vec<Turn> = self.readers.iter().map(|_| Turn::default()).collect();
        while let Some(piece) = self.next().await {
            let (index, piece) = piece?;
            if let Some(turn) = turns.get_mut(index) {
                turn.take(piece);
            }
        }
        let ends: Vec<End> = turns.iter().filter_map(|turn| turn.end).collect();
        let logprobs = self.chat.request.logprobs;
        let choices = turns.into_iter().zip(0..).map(|(turn, index)| turn.choice(index, logprobs)).collect();
        let completion = ChatCompletion {
            id: self.stamp.id,
            object: "chat.completion",
            created: self.stamp.created,
            model: self.stamp.model,
            system_fingerprint: self.stamp.fingerprint,
            choices,
            usage: ask::usage(&ends, self.predicted),
            seed: self.stamp.seed,
            service_tier: self.chat.service_tier,
        };
        Ok(json_response(StatusCode::OK, &completion))
    }

    /// A client that goes ends it: the writer says so, or the body is dropped with this task.
    async fn stream(mut self, mut events: EventWriter) {
        let _ = self.write(&mut events).await;
    }

    async fn write(&mut self, events: &mut EventWriter) -> Result<(), Gone> {
        let mut calls = vec![0; self.readers.len()];
        let mut ends = Vec::new();
        while let Some(piece) = self.next().await {
            let (index, piece) = match piece {
                Ok(piece) => piece,
                // What came stays; there is no [DONE] after an error.
                Err(refusal) => return events.data(&refused::error(&refusal)).await,
            };
            if let Piece::End(end) = &piece {
                ends.push(*end);
            }
            let count = calls.get_mut(index);
            for choice in chunks(piece, index, count, self.chat.request.logprobs) {
                events.data(&self.chunk(vec![choice], None)).await?;
            }
        }
        if self.chat.include_usage {
            events.data(&self.chunk(Vec::new(), Some(ask::usage(&ends, self.predicted)))).await?;
        }
        events.done().await
    }

    fn chunk(&self, choices: Vec<ChunkChoice>, usage: Option<super::wire::chat::Usage>) -> ChatChunk<'_> {
        let ends = choices.iter().any(|choice| choice.finish_reason.is_some());
        ChatChunk {
            id: &self.stamp.id,
            object: "chat.completion.chunk",
            created: self.stamp.created,
            model: &self.stamp.model,
            system_fingerprint: &self.stamp.fingerprint,
            choices,
            usage: self.chat.include_usage.then_some(usage),
            seed: ends.then_some(self.stamp.seed),
            service_tier: self.chat.service_tier,
        }
    }
}

/// One choice as it grows.
#[derive(Debug, Default)]
struct Turn {
    text: String,
    thought: String,
    calls: Vec<CallMade>,
    logprobs: Vec<TokenLogprob>,
    end: Option<End>,
}

impl Turn {
    fn take(&mut self, piece: Piece) {
        match piece {
            Piece::Started => {}
            Piece::Text(text, logprobs) => {
                self.text.push_str(&text);
                self.logprobs.extend(logprobs);
            }
            Piece::Thought(text) => self.thought.push_str(&text),
            Piece::Call(call) => self.calls.push(CallMade {
                id: call.id.unwrap_or_default(),
                kind: "function",
                function: FunctionMade { name: call.name, arguments: call.arguments },
            }),
            Piece::End(end) => self.end = Some(end),
        }
    }

    fn choice(self, index: u32, logprobs: bool) -> ChatChoice {
        let thought = Some(self.thought).filter(|thought| !thought.is_empty());
        let only_calls = self.text.is_empty() && !self.calls.is_empty();
        ChatChoice {
            index,
            message: AssistantMessage {
                role: "assistant",
                content: Some(self.text).filter(|_| !only_calls),
                refusal: None,
                reasoning_content: thought.clone(),
                reasoning: thought,
                tool_calls: self.calls,
            },
            logprobs: logprobs.then_some(Logprobs { content: self.logprobs, refusal: None }),
            finish_reason: self.end.map_or("length", |end| end.reason_name()),
        }
    }
}

/// The chunks that a piece comes to: the role first, a call as its name and then its arguments.
fn chunks(piece: Piece, index: usize, calls: Option<&mut usize>, logprobs: bool) -> Vec<ChunkChoice> {
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    let chunk = |delta: Delta| ChunkChoice { index, delta, ..ChunkChoice::default() };
    match piece {
        Piece::Started => {
            vec![chunk(Delta { role: Some("assistant"), content: Some(String::new()), ..Delta::default() })]
        }
        Piece::Text(text, tokens) => {
            let logprobs = logprobs.then_some(Logprobs { content: tokens, refusal: None });
            vec![ChunkChoice { logprobs, ..chunk(Delta { content: Some(text), ..Delta::default() }) }]
        }
        Piece::Thought(text) => {
            let (reasoning_content, reasoning) = (Some(text.clone()), Some(text));
            vec![chunk(Delta { reasoning_content, reasoning, ..Delta::default() })]
        }
        Piece::Call(call) => {
            let number = calls.map_or(0, |calls| {
                let number = *calls;
                *calls = calls.saturating_add(1);
                number
            });
            let delta = |call: CallDelta| chunk(Delta { tool_calls: vec![call], ..Delta::default() });
            let named = FunctionDelta { name: Some(call.name), arguments: String::new() };
            let begin = CallDelta { index: number, id: call.id, kind: Some("function"), function: named };
            let filled = FunctionDelta { name: None, arguments: call.arguments };
            vec![delta(begin), delta(CallDelta { index: number, function: filled, ..CallDelta::default() })]
        }
        Piece::End(end) => {
            vec![ChunkChoice { finish_reason: Some(end.reason_name()), ..chunk(Delta::default()) }]
        }
    }
}
