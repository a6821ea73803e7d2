//! Paths that belong to no dialect.

mod docs;
mod life;
mod metrics;
mod rerank;
mod tokens;

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of these paths.
#[derive(OpenApi)]
#[openapi(paths(
    life::health,
    life::ready,
    metrics::metrics,
    tokens::tokenize,
    tokens::detokenize,
    rerank::rerank,
    docs::openapi,
    docs::docs
))]
struct Document;

pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
        .get("/health", life::health)
        .get("/ready", life::ready)
        .get("/metrics", metrics::metrics)
        .post("/tokenize", tokens::tokenize)
        .post("/detokenize", tokens::detokenize)
        .post("/v1/rerank", rerank::rerank)
        .get("/openapi.json", docs::openapi)
        .get("/docs", docs::docs)
}
