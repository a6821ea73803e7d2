//! Paths that several dialects know: what the request says decides whose words it is in.
//!
//! First a field that only Mistral's API has: Mistral's. Then a field that only OpenAI's has: OpenAI's. Then the headers:
//! `anthropic-version`, or the `User-Agent` of Mistral's SDK. Else OpenAI's. Fields of both lead to Mistral's, which refuses
//! the other's by name. `docs/server.md` has the lists.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::{IntoResponse, Response};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::refusal::Refusal;
use crate::routes::Routes;
use crate::text_or::TextOr;
use crate::{anthropic, mistral, openai};

/// The dialect that the headers speak for; OpenAI's where they say nothing.
pub(crate) fn dialect(headers: &HeaderMap) -> Dialect {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match agent {
        _ if headers.contains_key("anthropic-version") => Dialect::Anthropic,
        _ if agent.starts_with("mistral-client") => Dialect::Mistral,
        _ => Dialect::OpenAi,
    }
}

/// What `/openapi.json` says of the shared paths.
#[derive(OpenApi)]
#[openapi(paths(chat, embeddings, models, model))]
struct Document;

/// The paths that dialects share.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
        .post("/v1/chat/completions", chat)
        .post("/v1/embeddings", embeddings)
        .get("/v1/models", models)
        .get("/v1/models/{*model}", model)
}

/// Answers a conversation, in OpenAI's or Mistral's words.
#[utoipa::path(
    post, path = "/v1/chat/completions", tag = "OpenAI and Mistral",
    request_body = ChatBody,
    responses((status = 200, description = "The answer; with `stream`, events", body = ChatAnswer)),
)]
async fn chat(State(app): State<Arc<App>>, caller: Caller, headers: HeaderMap, body: JsonBytes) -> Response {
    match ChatFields::dialect(&headers, &body) {
        Dialect::Mistral => in_words_of(Dialect::Mistral, mistral::chat(app, caller, body).await),
        _ => in_words_of(Dialect::OpenAi, openai::chat::create(app, caller, body).await),
    }
}

/// Texts as vectors, in OpenAI's or Mistral's words.
#[utoipa::path(
    post, path = "/v1/embeddings", tag = "OpenAI and Mistral",
    request_body = EmbeddingBody,
    responses((status = 200, description = "A vector for each text", body = EmbeddingAnswer)),
)]
async fn embeddings(State(app): State<Arc<App>>, caller: Caller, headers: HeaderMap, body: JsonBytes) -> Response {
    match EmbeddingFields::dialect(&headers, &body) {
        Dialect::Mistral => in_words_of(Dialect::Mistral, mistral::embeddings(app, caller, body).await),
        _ => in_words_of(Dialect::OpenAi, openai::embeddings::create(app, caller, body).await),
    }
}

/// The models, in OpenAI's, Mistral's or Anthropic's words: the headers decide.
#[utoipa::path(
    get, path = "/v1/models", tag = "OpenAI and Mistral",
    responses((status = 200, description = "The models", body = ModelListAnswer)),
)]
async fn models(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refusal> {
    match dialect(&headers) {
        Dialect::Mistral => mistral::models(app).await,
        Dialect::Anthropic => anthropic::models(app).await,
        _ => openai::models::list(&app),
    }
}

/// One model.
#[utoipa::path(
    get, path = "/v1/models/{model}", tag = "OpenAI and Mistral",
    params(("model" = String, Path, description = "Its name, or an alias")),
    responses((status = 200, description = "The model", body = ModelAnswer)),
)]
async fn model(State(app): State<Arc<App>>, headers: HeaderMap, Path(name): Path<String>) -> Result<Response, Refusal> {
    match dialect(&headers) {
        Dialect::Mistral => mistral::model(app, &name).await,
        Dialect::Anthropic => anthropic::model(app, &name).await,
        _ => openai::models::one(&app, &name),
    }
}

/// For `/openapi.json`: bodies in the words of several dialects.
macro_rules! either {
    ($(#[$doc:meta])* $name:ident: $($dialect:ident($body:ty)),+) => {
        $(#[$doc])*
        #[serde(untagged)]
        #[allow(dead_code, clippy::large_enum_variant)] // described, never built
        enum $name {
            $($dialect($body)),+
        }
    };
}

either!(
    /// A chat request.
    #[derive(Deserialize, ToSchema)]
    ChatBody: OpenAi(openai::wire::chat::ChatRequest), Mistral(mistral::ChatRequest)
);
either!(
    /// A chat answer.
    #[derive(Serialize, ToSchema)]
    ChatAnswer: OpenAi(openai::wire::chat::ChatCompletion), Mistral(mistral::Completion)
);
either!(
    /// A request for vectors.
    #[derive(Deserialize, ToSchema)]
    EmbeddingBody: OpenAi(openai::wire::embeddings::EmbeddingRequest), Mistral(mistral::EmbeddingRequest)
);
either!(
    /// Vectors.
    #[derive(Serialize, ToSchema)]
    EmbeddingAnswer: OpenAi(openai::wire::embeddings::Embeddings), Mistral(mistral::Embeddings)
);
either!(
    /// A list of models.
    #[derive(Serialize, ToSchema)]
    ModelListAnswer: OpenAi(openai::wire::models::ModelList), Mistral(mistral::ModelList), Anthropic(anthropic::ModelList)
);
either!(
    /// A model.
    #[derive(Serialize, ToSchema)]
    ModelAnswer: OpenAi(openai::wire::models::Model), Mistral(mistral::ModelCard), Anthropic(anthropic::Model)
);

/// A refusal is written in the words of the dialect that was decided for, not in those of the headers.
fn in_words_of(dialect: Dialect, answer: Result<Response, Refusal>) -> Response {
    let mut response = answer.into_response();
    response.extensions_mut().insert(dialect);
    response
}

/// Of a chat request, what tells dialects apart.
#[derive(Debug, Default, Deserialize)]
struct ChatFields {
    #[serde(default, deserialize_with = "named")]
    random_seed: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "named")]
    safe_prompt: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "named")]
    prompt_mode: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "named")]
    guardrails: Option<IgnoredAny>,
    tool_choice: Option<TextOr<IgnoredAny>>,
    #[serde(default)]
    messages: Vec<MessageFields>,

    seed: Option<IgnoredAny>,
    max_completion_tokens: Option<IgnoredAny>,
    logit_bias: Option<IgnoredAny>,
    stream_options: Option<StreamFields>,
    user: Option<IgnoredAny>,
    store: Option<IgnoredAny>,
    functions: Option<IgnoredAny>,
    function_call: Option<IgnoredAny>,
    modalities: Option<IgnoredAny>,
    audio: Option<IgnoredAny>,
    verbosity: Option<IgnoredAny>,
    safety_identifier: Option<IgnoredAny>,
    web_search_options: Option<IgnoredAny>,
    min_p: Option<IgnoredAny>,
    typical_p: Option<IgnoredAny>,
}

/// Of what streams carry, what tells dialects apart.
#[derive(Debug, Default, Deserialize)]
struct StreamFields {
    #[serde(default, deserialize_with = "named")]
    stream_tool_calls: Option<IgnoredAny>,
}

/// A name that only one dialect has says which it is, even where its value is `null`.
fn named<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IgnoredAny>, D::Error> {
    IgnoredAny::deserialize(deserializer).map(Some)
}

/// Of a message, what tells dialects apart.
#[derive(Debug, Default, Deserialize)]
struct MessageFields {
    role: Option<String>,
    prefix: Option<IgnoredAny>,
    content: Option<TextOr<Vec<ChunkFields>>>,
}

/// Of a chunk, what tells dialects apart.
#[derive(Debug, Default, Deserialize)]
struct ChunkFields {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl ChatFields {
    fn dialect(headers: &HeaderMap, body: &JsonBytes) -> Dialect {
        // What cannot be read like this is wrong in either dialect.
        let fields: Self = body.read().unwrap_or_default();
        decide(fields.is_mistral(), fields.is_openai(), headers)
    }

    fn is_mistral(&self) -> bool {
        let fields = [&self.random_seed, &self.safe_prompt, &self.prompt_mode, &self.guardrails];
        fields.into_iter().any(Option::is_some)
            || matches!(&self.tool_choice, Some(TextOr::Text(word)) if word == "any")
            || self.stream_options.as_ref().is_some_and(|options| options.stream_tool_calls.is_some())
            || self.messages.iter().any(MessageFields::is_mistral)
    }

    fn is_openai(&self) -> bool {
        let fields = [
            &self.seed,
            &self.max_completion_tokens,
            &self.logit_bias,
            &self.user,
            &self.store,
            &self.functions,
            &self.function_call,
            &self.modalities,
            &self.audio,
            &self.verbosity,
            &self.safety_identifier,
            &self.web_search_options,
            &self.min_p,
            &self.typical_p,
        ];
        fields.into_iter().any(Option::is_some)
            || self.stream_options.is_some()
            || self.messages.iter().any(|message| matches!(message.role.as_deref(), Some("developer" | "function")))
    }
}

impl MessageFields {
    fn is_mistral(&self) -> bool {
        let of_mistral =
            |chunk: &ChunkFields| matches!(chunk.kind.as_deref(), Some("thinking" | "document_url" | "reference"));
        self.prefix.is_some() || matches!(&self.content, Some(TextOr::Other(chunks)) if chunks.iter().any(of_mistral))
    }
}

/// Of a request for embeddings, what tells dialects apart.
#[derive(Debug, Default, Deserialize)]
struct EmbeddingFields {
    output_dimension: Option<IgnoredAny>,
    output_dtype: Option<IgnoredAny>,
    metadata: Option<IgnoredAny>,

    dimensions: Option<IgnoredAny>,
    user: Option<IgnoredAny>,
}

impl EmbeddingFields {
    fn dialect(headers: &HeaderMap, body: &JsonBytes) -> Dialect {
        let fields: Self = body.read().unwrap_or_default();
        let is_mistral =
            [&fields.output_dimension, &fields.output_dtype, &fields.metadata].into_iter().any(Option::is_some);
        let is_openai = fields.dimensions.is_some() || fields.user.is_some();
        decide(is_mistral, is_openai, headers)
    }
}

fn decide(is_mistral: bool, is_openai: bool, headers: &HeaderMap) -> Dialect {
    match (is_mistral, is_openai) {
        (true, _) => Dialect::Mistral,
        (false, true) => Dialect::OpenAi,
        (false, false) => dialect(headers),
    }
}
