//! `GET /openapi.json`, and `GET /docs`: a page that shows it.
//!
//! The page is one file of ours. It builds its elements one by one (no `innerHTML`), and asks for nothing but
//! `/openapi.json`; its policy allows its own script and style by their hash, and nothing else.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use crate::routes;

static PAGE: &str = include_str!("docs.html");

static DOCUMENT: LazyLock<Bytes> =
    LazyLock::new(|| serde_json::to_vec(&routes::description()).unwrap_or_default().into());

static POLICY: LazyLock<Option<HeaderValue>> = LazyLock::new(|| {
    let (script, style) = (hash_of("script")?, hash_of("style")?);
    let policy = format!(
        "default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; base-uri 'none'; form-action \
         'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    );
    HeaderValue::from_str(&policy).ok()
});

/// All paths, and what they take and give, as OpenAPI.
#[utoipa::path(get, path = "/openapi.json", tag = "Server", responses((status = 200, description = "OpenAPI 3.1")))]
pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.clone()).into_response()
}

/// A page that shows all paths.
#[utoipa::path(get, path = "/docs", tag = "Server", responses(
    (status = 200, description = "The page", body = String, content_type = "text/html"),
))]
pub(super) async fn docs() -> Response {
    let mut response = (StatusCode::OK, Html(PAGE)).into_response();
    if let Some(policy) = POLICY.clone() {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// `'sha256-…'` of what stands between `<name>` and `</name>`.
fn hash_of(name: &str) -> Option<String> {
    let (_, rest) = PAGE.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_asks_for_nothing_from_outside() {
        assert!(!PAGE.contains("http://") && !PAGE.contains("https://") && !PAGE.contains("innerHTML"));
        assert!(POLICY.is_some());
    }
}
