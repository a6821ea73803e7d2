//! Paths that two dialects know: what the request says decides.

use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;

use utoipa::OpenApi;

use crate::dialect::Dialect;
use crate::routes::Routes;

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
#[openapi(paths())]
struct Document;

/// The paths that dialects share.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
}
