//! `POST /v1/responses`, stateless: every request brings its whole conversation, and nothing is kept.

mod draft;

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response as HttpResponse;
use engine::prompt::{Conversation, Settings};
use engine::{Prompt, Request};
use serde_json::{Value, json};

use self::draft::Draft;
use super::answer::{Piece, Reader};
use super::ask::{self, Stamp};
use super::chat::{effort, forbid_calls};
use super::choices::{Choices, check_room};
use super::convert::{fields, format, items, sampling, tools};
use super::wire::responses::{ResponsesRequest, TextFormat};
use super::wire::responses_out::{Response, TextEcho};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};
use crate::stream::{EventWriter, Gone, json_response, sse};

/// Answers a conversation of items.
#[utoipa::path(
    post,
    path = "/v1/responses",
    tag = "OpenAI",
    request_body = ResponsesRequest,
    responses(
        (status = 200, description = "The response; with `stream`, server-sent events (`openai.ResponseEvent`)", body = Response)
    )
)]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    json: JsonBytes,
) -> Result<HttpResponse, Refusal> {
    let request: ResponsesRequest = json.read()?;
    fields::check_responses(&request)?;
    let model = app.model(request.model.as_deref()).await?;
    let asked = Asked::new(request, &json, &model).await?;
    check_room(&model, &asked.request.prompt, asked.request.max_tokens, "input").await?;
    let choices = Choices::start(&app, &caller, &model, vec![asked.request.clone()], "input").await?;
    let reader = ask::readers(&model, asked.request.logprobs, 1).pop().unwrap_or_default();
    let draft = Draft::new(asked.begun, asked.encodes_thoughts);
    let reply = Reply { draft, choices, reader };
    if asked.stream { Ok(sse(|events| reply.stream(events))) } else { reply.whole().await }
}

/// A request, understood.
struct Asked {
    request: Request,
    stream: bool,
    /// Thoughts come a second time, to be sent back.
    encodes_thoughts: bool,
    /// The response as it is at the beginning.
    begun: Response,
}

impl Asked {
    async fn new(mut request: ResponsesRequest, body: &JsonBytes, model: &Arc<Loaded>) -> Result<Self, Refusal> {
        let version = model.engine.text().template.version();
        let (asked_tools, choice) = (request.tools.take(), request.tool_choice.take());
        let used = body.apart(|| tools::responses(asked_tools, choice, request.parallel_tool_calls))?;
        let mut text = request.text.take().and_then(|text| text.format);
        let text_echo = echoed_format(text.as_ref());
        let form = format::responses(text.as_mut())?;
        let asked_effort = request.reasoning.as_ref().and_then(|reasoning| reasoning.effort.as_deref());
        let settings = Settings {
            reasoning_effort: effort(asked_effort).map_err(|refusal| refusal.at("reasoning.effort"))?,
            json_schema: form.shown.clone(),
        };
        let (instructions, input) = (request.instructions.clone(), request.input.take());
        let conversation = Conversation {
            messages: body.apart(|| items::messages(instructions, input, version))?,
            tools: used.shown(),
            settings,
        };
        let includes = |what: &str| request.include.iter().flatten().any(|included| included == what);
        let logprobs = request.top_logprobs.is_some_and(|top| top > 0) || includes("message.output_text.logprobs");
        let numbers = sampling::Numbers {
            temperature: request.temperature,
            top_p: request.top_p,
            seed: request.seed,
            count: 1,
            top_logprobs: request.top_logprobs.unwrap_or(0),
            ..sampling::Numbers::default()
        };
        let mut params = numbers.params(&model.engine.card().sampling, model.engine.card().config.vocab_size)?;
        if used.choice == tools::Choice::None {
            forbid_calls(model, &mut params.logit_bias)?;
        }
        let mut asked = Request {
            sampling: params,
            max_tokens: sampling::max_tokens(("max_output_tokens", request.max_output_tokens), ("", None))?,
            logprobs,
            ..Request::new(Prompt::Conversation(Box::new(conversation)))
        };
        let field = if form.spec.is_some() { "text.format" } else { "tools" };
        ask::constrain(model, &mut asked, used.spec(&form, version)?, field).await?;
        let encodes_thoughts = includes("reasoning.encrypted_content");
        let begun = begun(request, &asked, &used, text_echo, Stamp::new("resp_", model, asked.sampling.seed));
        Ok(Self { stream: begun.1, request: asked, encodes_thoughts, begun: begun.0 })
    }
}

/// The response before its first item, which says how the request was understood; and whether it is to be streamed.
fn begun(
    request: ResponsesRequest,
    asked: &Request,
    used: &tools::ToolUse,
    format: Value,
    stamp: Stamp,
) -> (Response, bool) {
    let response = Response {
        id: stamp.id,
        object: "response",
        created_at: stamp.created,
        status: "in_progress",
        background: false,
        completed_at: None,
        error: None,
        incomplete_details: None,
        instructions: request.instructions,
        max_output_tokens: request.max_output_tokens,
        max_tool_calls: request.max_tool_calls,
        model: stamp.model,
        output: Vec::new(),
        parallel_tool_calls: used.parallel,
        previous_response_id: None,
        prompt_cache_key: request.prompt_cache_key,
        reasoning: request.reasoning.unwrap_or_default(),
        safety_identifier: request.safety_identifier,
        service_tier: "default",
        store: false,
        temperature: asked.sampling.temperature,
        text: TextEcho { format, verbosity: "medium" },
        tool_choice: echoed_choice(&used.choice),
        tools: used.functions.iter().map(echoed_tool).collect(),
        top_logprobs: request.top_logprobs.unwrap_or(0),
        top_p: asked.sampling.top_p,
        truncation: "disabled",
        usage: None,
        user: request.user,
        metadata: request.metadata.unwrap_or_default(),
        system_fingerprint: stamp.fingerprint,
        seed: stamp.seed,
    };
    (response, request.stream == Some(true))
}

fn echoed_choice(choice: &tools::Choice) -> Value {
    match choice {
        tools::Choice::None => json!("none"),
        tools::Choice::Auto => json!("auto"),
        tools::Choice::Required => json!("required"),
        tools::Choice::Named(name) => json!({"type": "function", "name": name}),
    }
}

fn echoed_tool(function: &tools::Function) -> Value {
    json!({
        "type": "function",
        "name": function.name,
        "description": function.description,
        "parameters": function.schema,
        "strict": function.strict,
    })
}

fn echoed_format(format: Option<&TextFormat>) -> Value {
    let Some(format) = format else { return json!({"type": "text"}) };
    if let Some(schema) = &format.schema {
        let schema: Value = serde_json::from_str(schema.get()).unwrap_or_default();
        let (name, description, strict) = (&format.name, &format.description, format.strict);
        return json!({
            "type": format.kind, "name": name, "description": description, "schema": schema, "strict": strict,
        });
    }
    if let Some(grammar) = &format.grammar {
        let grammar = json!({"syntax": grammar.syntax, "definition": grammar.definition});
        return json!({"type": format.kind, "grammar": grammar});
    }
    json!({"type": format.kind})
}

/// A response on its way.
struct Reply {
    draft: Draft,
    choices: Choices,
    reader: Reader,
}

impl Reply {
    async fn next(&mut self) -> Option<Result<Piece, Refusal>> {
        loop {
            let (_, event) = match self.choices.next().await? {
                Ok(event) => event,
                Err(refusal) => return Some(Err(refusal)),
            };
            if let Some(piece) = self.reader.read(event) {
                return Some(Ok(piece));
            }
        }
    }

    async fn whole(mut self) -> Result<HttpResponse, Refusal> {
        while let Some(piece) = self.next().await {
            self.draft.take(piece?);
        }
        if self.draft.response().usage.is_none() {
            return Err(Refusal::new(RefusalKind::Internal, "the answer broke off"));
        }
        Ok(json_response(StatusCode::OK, self.draft.response()))
    }

    async fn stream(mut self, mut events: EventWriter) {
        // A client that has gone hears nothing.
        let _ = self.write(&mut events).await;
    }

    async fn write(&mut self, events: &mut EventWriter) -> Result<(), Gone> {
        for event in self.draft.begin() {
            events.event(event.kind, &event).await?;
        }
        while let Some(piece) = self.next().await {
            let told = match piece {
                Ok(piece) => self.draft.take(piece),
                Err(refusal) => self.draft.fail(&refusal),
            };
            for event in told {
                events.event(event.kind, &event).await?;
            }
        }
        Ok(())
    }
}
