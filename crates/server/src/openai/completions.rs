//! `POST /v1/completions`: plain text is continued, or a gap in it is filled.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::{Prompt, Request, Tokenizer};
use tokio::task::spawn_blocking;

use super::answer::{End, Piece, Reader};
use super::ask::{self, Stamp};
use super::choices::{Choices, check_room};
use super::convert::{fields, sampling};
use super::refused;
use super::wire::Tokens;
use super::wire::chat::{TokenLogprob, Usage};
use super::wire::completions::{Completion, CompletionChoice, CompletionLogprobs, CompletionRequest};
use crate::app::App;
use crate::body::Body;
use crate::caller::Caller;
use crate::limits;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};
use crate::stream::{EventWriter, Gone, json_response, sse};

/// What OpenAI's API generates where a request does not say how much.
const DEFAULT_MAX_TOKENS: usize = 16;

/// Continues text.
#[utoipa::path(
    post,
    path = "/v1/completions",
    tag = "OpenAI",
    request_body = CompletionRequest,
    responses((status = 200, description = "The answers; with `stream`, server-sent events of the same form", body = Completion))
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<CompletionRequest>,
) -> Result<Response, Refusal> {
    check(&request)?;
    let model = app.model(request.model.as_deref()).await?;
    let asked = Asked::new(request, &model).await?;
    for request in &asked.requests {
        check_room(&model, &request.prompt, request.max_tokens, "prompt").await?;
    }
    let requests: Vec<Request> =
        asked.requests.iter().flat_map(|request| ask::repeated(request, asked.count)).collect();
    let seed = requests.first().map_or(0, |request| request.sampling.seed);
    let readers = ask::readers(&model, asked.logprobs, requests.len());
    let choices = Choices::start(&app, &caller, &model, requests, "prompt").await?;
    let offsets = vec![0; readers.len()];
    let reply = Reply { stamp: Stamp::new("cmpl-", &model, seed), asked, choices, readers, offsets };
    if reply.asked.stream { Ok(sse(|events| reply.stream(events))) } else { reply.whole().await }
}

fn check(request: &CompletionRequest) -> Result<(), Refusal> {
    if request.best_of.is_some_and(|best_of| best_of != request.n.unwrap_or(1)) {
        return Err(Refusal::field("best_of", "best_of is not supported: take n answers and choose among them"));
    }
    let echoes_scored = request.echo == Some(true) && request.logprobs.is_some();
    fields::refuse("echo", echoes_scored, "prompts are not scored here; `tramontane score` does that")?;
    let gapped = request.suffix.is_some() && request.echo == Some(true);
    fields::refuse("echo", gapped, "a gap is between prompt and suffix")?;
    let padded = request.stream_options.is_some_and(|options| options.include_obfuscation == Some(true));
    fields::refuse("stream_options.include_obfuscation", padded, "events are not padded")?;
    let streamless = request.stream_options.is_some() && request.stream != Some(true);
    fields::refuse("stream_options", streamless, "it is only allowed with `stream`: true")?;
    if request.prompt.is_empty() {
        return Err(Refusal::field("prompt", "prompt is empty: send at least one"));
    }
    Ok(())
}

/// A request, understood.
struct Asked {
    /// One for each prompt.
    requests: Vec<Request>,
    /// Answers to each.
    count: u32,
    /// Before each answer.
    echoes: Vec<String>,
    logprobs: bool,
    stream: bool,
    include_usage: bool,
}

impl Asked {
    async fn new(request: CompletionRequest, model: &Arc<Loaded>) -> Result<Self, Refusal> {
        let count = sampling::choices("n", request.n)?;
        let answers = request.prompt.len().saturating_mul(count as usize);
        if answers > limits::ANSWERS {
            let (prompts, most) = (request.prompt.len(), limits::ANSWERS);
            let message =
                format!("{count} answers to each of {prompts} prompts: at most {most} answers are given at once");
            return Err(Refusal::field("prompt", message));
        }
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
            top_logprobs: request.logprobs.unwrap_or(0),
        };
        let params = numbers.params(&model.engine.card().sampling, model.engine.card().config.vocab_size);
        // Here the field of alternatives has another name.
        let rename = |refusal: Refusal| match refusal.param.as_deref() {
            Some("top_logprobs") => refusal.at("logprobs"),
            _ => refusal,
        };
        let template = Request {
            sampling: params.map_err(rename)?,
            max_tokens: Some(request.max_tokens.map_or(DEFAULT_MAX_TOKENS, |most| most as usize)),
            stop: sampling::stops(request.stop)?,
            logprobs: request.logprobs.is_some(),
            ..Request::new(Prompt::Tokens(Vec::new()))
        };
        let logprobs = template.logprobs;
        let echoes = if request.echo == Some(true) { texts(&request.prompt, model)? } else { Vec::new() };
        let prompts = prompts(request.prompt, request.suffix, model).await?;
        let with_prompt = |prompt| Request { prompt, ..template.clone() };
        Ok(Self {
            requests: prompts.into_iter().map(with_prompt).collect(),
            count,
            echoes,
            logprobs,
            stream: request.stream == Some(true),
            include_usage: request.stream_options.is_some_and(|options| options.include_usage == Some(true)),
        })
    }
}

fn texts(prompts: &[Tokens], model: &Loaded) -> Result<Vec<String>, Refusal> {
    let tokenizer: &Tokenizer = model.engine.text().tokenizer()?;
    let text = |prompt: &Tokens| match prompt {
        Tokens::Text(text) => text.clone(),
        Tokens::Ids(ids) => tokenizer.decode(ids),
    };
    Ok(prompts.iter().map(text).collect())
}

async fn prompts(prompts: Vec<Tokens>, suffix: Option<String>, model: &Arc<Loaded>) -> Result<Vec<Prompt>, Refusal> {
    let Some(suffix) = suffix else {
        let prompt = |prompt| match prompt {
            Tokens::Text(text) => Prompt::Text(text),
            Tokens::Ids(ids) => Prompt::Tokens(ids),
        };
        return Ok(prompts.into_iter().map(prompt).collect());
    };
    let model = Arc::clone(model);
    let fill = move || prompts.into_iter().map(|prompt| gap(&model, prompt, &suffix)).collect();
    spawn_blocking(fill)
        .await
        .unwrap_or_else(|_| Err(Refusal::new(RefusalKind::Internal, "the request could not be prepared")))
}

/// The tokens of a gap to be filled.
fn gap(model: &Loaded, prompt: Tokens, suffix: &str) -> Result<Prompt, Refusal> {
    let Tokens::Text(prompt) = prompt else {
        return Err(Refusal::field("prompt", "prompt must be a text where there is a suffix"));
    };
    let text = model.engine.text();
    let version = text.template.version().ok_or_else(|| {
        Refusal::field("suffix", "suffix: this model has a chat template of its own, which knows no fill-in-the-middle")
    })?;
    let rendered = engine::prompt::render_fim(text.tokenizer()?, version, &prompt, Some(suffix));
    rendered
        .map(|rendered| Prompt::Tokens(rendered.tokens))
        .map_err(|error| Refusal::field("suffix", error.to_string()))
}

/// An answer on its way.
struct Reply {
    stamp: Stamp,
    asked: Asked,
    choices: Choices,
    readers: Vec<Reader>,
    /// Characters that each answer has so far.
    offsets: Vec<usize>,
}

impl Reply {
    /// The next piece as a choice that holds it alone, and the end where it is one.
    async fn next(&mut self) -> Option<Result<(CompletionChoice, Option<End>), Refusal>> {
        loop {
            let (index, event) = match self.choices.next().await? {
                Ok(event) => event,
                Err(refusal) => return Some(Err(refusal)),
            };
            let piece = self.readers.get_mut(index).and_then(|reader| reader.read(event));
            if let Some(choice) = piece.and_then(|piece| self.choice(index, piece)) {
                return Some(Ok(choice));
            }
        }
    }

    fn choice(&mut self, index: usize, piece: Piece) -> Option<(CompletionChoice, Option<End>)> {
        let place = CompletionChoice { index: u32::try_from(index).unwrap_or(u32::MAX), ..CompletionChoice::default() };
        match piece {
            Piece::Started => {
                let prompt = index.checked_div(self.asked.count as usize)?;
                let text = self.asked.echoes.get(prompt).filter(|text| !text.is_empty())?.clone();
                Some((CompletionChoice { text, ..place }, None))
            }
            Piece::Text(text, tokens) => {
                let offset = self.offsets.get_mut(index)?;
                let logprobs = self.asked.logprobs.then(|| logprobs(tokens, offset));
                Some((CompletionChoice { text, logprobs, ..place }, None))
            }
            Piece::End(end) => Some((CompletionChoice { finish_reason: Some(end.reason_name()), ..place }, Some(end))),
            // Plain text has neither thoughts nor calls.
            Piece::Thought(_) | Piece::Call(_) => None,
        }
    }

    async fn whole(mut self) -> Result<Response, Refusal> {
        let mut choices: Vec<CompletionChoice> = self
            .readers
            .iter()
            .zip(0..)
            .map(|(_, index)| CompletionChoice { index, ..CompletionChoice::default() })
            .collect();
        let mut ends = vec![None; choices.len()];
        while let Some(piece) = self.next().await {
            let (more, end) = piece?;
            let index = more.index as usize;
            if let Some(choice) = choices.get_mut(index) {
                add(choice, more);
            }
            if let (Some(end), Some(place)) = (end, ends.get_mut(index)) {
                *place = Some(end);
            }
        }
        let usage = Some(Some(self.usage(&ends)));
        Ok(json_response(StatusCode::OK, &self.completion(choices, usage, Some(self.stamp.seed))))
    }

    async fn stream(mut self, mut events: EventWriter) {
        // A client that has gone hears nothing.
        let _ = self.write(&mut events).await;
    }

    async fn write(&mut self, events: &mut EventWriter) -> Result<(), Gone> {
        let mut ends = vec![None; self.readers.len()];
        let unknown = self.asked.include_usage.then_some(None);
        while let Some(piece) = self.next().await {
            let (choice, end) = match piece {
                Ok(piece) => piece,
                Err(refusal) => return events.data(&refused::error(&refusal)).await,
            };
            if let (Some(end), Some(place)) = (end, ends.get_mut(choice.index as usize)) {
                *place = Some(end);
            }
            let seed = end.map(|_| self.stamp.seed);
            events.data(&self.completion(vec![choice], unknown, seed)).await?;
        }
        if self.asked.include_usage {
            events.data(&self.completion(Vec::new(), Some(Some(self.usage(&ends))), None)).await?;
        }
        events.done().await
    }

    /// Each prompt counts once, however many answers it has.
    fn usage(&self, ends: &[Option<End>]) -> Usage {
        let mut whole = Usage::default();
        for answers in ends.chunks(self.asked.count.max(1) as usize) {
            let ends: Vec<End> = answers.iter().flatten().copied().collect();
            whole.add(&ask::usage(&ends, false));
        }
        whole
    }

    fn completion(
        &self,
        choices: Vec<CompletionChoice>,
        usage: Option<Option<Usage>>,
        seed: Option<u64>,
    ) -> Completion<'_> {
        Completion {
            id: &self.stamp.id,
            object: "text_completion",
            created: self.stamp.created,
            model: &self.stamp.model,
            system_fingerprint: &self.stamp.fingerprint,
            choices,
            usage,
            seed,
        }
    }
}

fn add(choice: &mut CompletionChoice, more: CompletionChoice) {
    choice.text.push_str(&more.text);
    choice.finish_reason = more.finish_reason.or(choice.finish_reason);
    if let Some(more) = more.logprobs {
        let logprobs = choice.logprobs.get_or_insert_default();
        logprobs.tokens.extend(more.tokens);
        logprobs.token_logprobs.extend(more.token_logprobs);
        logprobs.top_logprobs.extend(more.top_logprobs);
        logprobs.text_offset.extend(more.text_offset);
    }
}

fn logprobs(tokens: Vec<TokenLogprob>, offset: &mut usize) -> CompletionLogprobs {
    let mut out = CompletionLogprobs::default();
    for token in tokens {
        out.text_offset.push(*offset);
        *offset = offset.saturating_add(token.token.chars().count());
        out.tokens.push(token.token);
        out.token_logprobs.push(token.logprob);
        out.top_logprobs.push(token.top_logprobs.into_iter().map(|top| (top.token, top.logprob)).collect());
    }
    out
}
