//! The dialect of OpenAI: chat, completions, responses, embeddings, models.
//!
//! `wire/` is the JSON, `convert/` where the dialect ends, `chat.rs` and its neighbours a handler each: parse → convert →
//! submit → encode. What is supported and what is refused: `docs/server-openai.md`.

mod answer;
mod ask;
pub(crate) mod chat;
mod choices;
mod completions;
mod convert;
pub(crate) mod embeddings;
pub(crate) mod models;
mod refused;
mod responses;
pub(crate) mod wire;

pub(crate) use refused::refused;

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of this dialect.
#[derive(OpenApi)]
#[openapi(paths(completions::create, responses::create))]
struct Document;

/// The paths of this dialect alone; those that it shares are in `shared_paths.rs`.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
        .post("/v1/completions", completions::create)
        .post("/v1/responses", responses::create)
}
