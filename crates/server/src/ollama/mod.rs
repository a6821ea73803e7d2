//! The dialect of Ollama.
//!
//! `wire.rs` is what clients send, `convert.rs` and `options.rs` what it means, `run.rs` runs it, `answer.rs` is what they
//! receive. `docs/server-ollama.md` has a table of all fields.

mod answer;
mod chat;
mod convert;
mod embed;
mod generate;
mod keep_alive;
mod memory;
mod models;
mod options;
mod refused;
mod run;
mod store;
mod wire;

pub(crate) use refused::refused;

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of this dialect.
#[derive(OpenApi)]
#[openapi(paths(
    chat::create,
    generate::create,
    embed::embed,
    embed::embeddings,
    models::tags,
    models::ps,
    models::show,
    models::version,
    models::root,
    store::pull,
    store::push,
    store::create,
    store::copy,
    store::delete,
))]
struct Document;

/// The paths of this dialect.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
        .post("/api/chat", chat::create)
        .post("/api/generate", generate::create)
        .post("/api/embed", embed::embed)
        .post("/api/embeddings", embed::embeddings)
        .get("/api/tags", models::tags)
        .get("/api/ps", models::ps)
        .post("/api/show", models::show)
        .get("/api/version", models::version)
        .get("/", models::root)
        .post("/api/pull", store::pull)
        .post("/api/push", store::push)
        .post("/api/create", store::create)
        .post("/api/copy", store::copy)
        .delete("/api/delete", store::delete)
}
