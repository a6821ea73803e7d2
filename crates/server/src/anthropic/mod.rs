//! The dialect of Anthropic.
//!
//! `wire.rs` is what clients send, `convert.rs` what it means, `turn.rs` an answer under way, `stream.rs` and `whole.rs`
//! what they receive of it. The list of models has a path that other dialects have too: `shared_paths.rs` calls it from
//! there. `docs/server-anthropic.md` has a table of all fields.

mod answer;
mod convert;
mod fields;
mod headers;
mod messages;
mod models;
mod refused;
mod stream;
mod thinking;
mod turn;
mod whole;
mod wire;

pub(crate) use models::{Model, ModelList, list as models, one as model};
pub(crate) use refused::refused;

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of this dialect.
#[derive(OpenApi)]
#[openapi(paths(messages::create, messages::count_tokens), components(schemas(answer::StreamEvent)))]
struct Document;

/// The paths of this dialect alone; those that it shares are in `shared_paths.rs`.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
        .post("/v1/messages", messages::create)
        .post("/v1/messages/count_tokens", messages::count_tokens)
}
