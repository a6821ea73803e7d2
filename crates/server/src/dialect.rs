//! In whose words a request is answered.

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use crate::refusal::{Refusal, RefusalKind};
use crate::{anthropic, mistral, ollama, openai, shared_paths};

/// In whose words a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// OpenAI's; what has no owner is said in its words too.
    OpenAi,
    /// Mistral's.
    Mistral,
    /// Anthropic's.
    Anthropic,
    /// Ollama's.
    Ollama,
}

impl Dialect {
    /// Before the body is known: by path, and by headers where dialects share a path.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        match path {
            _ if path.starts_with("/api/") => Self::Ollama,
            _ if path.starts_with("/v1/messages") => Self::Anthropic,
            _ if path.starts_with("/v1/fim/") => Self::Mistral,
            _ => shared_paths::dialect(headers),
        }
    }

    /// The refusal as a whole response. A response may carry a dialect in its extensions that beats this one.
    pub(crate) fn render(self, refusal: &Refusal, request_id: &str) -> Response {
        let mut response = match self {
            Self::OpenAi => openai::refused(refusal, request_id),
            Self::Mistral => mistral::refused(refusal, request_id),
            Self::Anthropic => anthropic::refused(refusal, request_id),
            Self::Ollama => ollama::refused(refusal, request_id),
        };
        if let Some(seconds) = refusal.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if refusal.kind == RefusalKind::Unauthorised {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
