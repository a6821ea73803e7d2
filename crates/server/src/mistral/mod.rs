//! The dialect of Mistral.
//!
//! `wire.rs` is what clients send, `convert.rs` what it means, `completion.rs` runs it, `answer.rs` is what they receive.
//! Chat, embeddings and models have paths that OpenAI's dialect has too: `shared_paths.rs` calls them from there.
//! `docs/server-mistral.md` has a table of all fields.

mod answer;
mod chat;
mod completion;
mod convert;
mod embeddings;
mod fim;
mod models;
pub(crate) mod reasoning;
mod refused;
mod sampling;
mod wire;

pub(crate) use answer::{Completion, StreamChunk};
pub(crate) use chat::answer as chat;
pub(crate) use embeddings::{Embeddings, answer as embeddings};
pub(crate) use fim::tokens as fill_in;
pub(crate) use models::{ModelCard, ModelList, list as models, one as model};
pub(crate) use refused::refused;
pub(crate) use wire::{ChatRequest, EmbeddingRequest};

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of this dialect.
#[derive(OpenApi)]
#[openapi(paths(fim::create), components(schemas(StreamChunk)))]
struct Document;

/// The paths of this dialect alone; those that it shares are in `shared_paths.rs`.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi()).post("/v1/fim/completions", fim::create)
}
