//! What every request goes through before and after the router.
//!
//! Deny by default: what is not on [`OPEN`], to the letter, needs a key where there are keys, whether the path exists or
//! not. Nothing is decided about a path that has been rewritten: it is compared as it came.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use tower::ServiceExt as _;

use crate::app::App;
use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::refusal::{Refusal, RefusalKind};
use crate::request_id::{self, RequestId};
use crate::routes::RoutePath;

/// Paths that answer GET without a key: they say whether the server lives, and nothing of what it does.
const OPEN: [&str; 2] = ["/health", "/ready"];

/// Whether this path answers without a key.
pub(crate) fn is_open(method: &Method, path: &str) -> bool {
    (method == Method::GET || method == Method::HEAD) && OPEN.contains(&path)
}

/// Where a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Over TCP.
    Address(IpAddr),
    /// Over a Unix socket: whoever may open the file.
    Local,
}

/// Answers one request.
pub(crate) async fn answer(app: Arc<App>, router: Router, peer: Peer, mut request: Request<Body>) -> Response<Body> {
    let start = Instant::now();
    let id = RequestId::of(request.headers());
    let dialect = Dialect::of(request.uri().path(), request.headers());
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    let mut response = match admit(&app, peer, &mut request) {
        // The router cannot fail.
        Ok(()) => router.oneshot(request).await.unwrap_or_default(),
        Err(refusal) => axum::response::IntoResponse::into_response(refusal),
    };
    let route = response.extensions_mut().remove::<RoutePath>().map_or_else(|| "-".to_owned(), |path| path.0);
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let dialect = response.extensions_mut().remove::<Dialect>().unwrap_or(dialect);
        response = dialect.render(&refusal, id.as_str());
    }
    finish(&mut response, &id);
    let status = response.status().as_u16();
    let seconds = start.elapsed().as_secs_f64();
    tracing::info!(id = id.as_str(), %method, route, status, seconds, "answered");
    response
}

/// Lets the request in, with its [`Caller`], or says why not.
fn admit(_app: &App, _peer: Peer, request: &mut Request<Body>) -> Result<(), Refusal> {
    if request.method() == Method::POST {
        check_content_type(request.headers())?;
    }
    request.extensions_mut().insert(Caller { key: None, tenant: 0 });
    Ok(())
}

/// A form or plain text is what a foreign page can send without asking; JSON it cannot.
fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut given = headers.get_all(header::CONTENT_TYPE).iter();
    let text = given.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    let (kind, parameters) = text.split_once(';').unwrap_or((text, ""));
    let parameters = parameters.trim().replace('"', "").to_ascii_lowercase();
    let plain = matches!(parameters.as_str(), "" | "charset=utf-8" | "charset=utf8");
    if kind.trim().eq_ignore_ascii_case("application/json") && plain && given.next().is_none() {
        return Ok(());
    }
    Err(Refusal::new(RefusalKind::MediaType, "the Content-Type of a request must be application/json"))
}

/// Headers of all answers.
fn finish(response: &mut Response<Body>, id: &RequestId) {
    let headers = response.headers_mut();
    if let Some(value) = id.header() {
        headers.insert(request_id::HEADER, value);
    }
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
}
