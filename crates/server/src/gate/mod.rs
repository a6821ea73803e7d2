//! What every request goes through before and after the router.
//!
//! Deny by default: what is not on [`OPEN`], to the letter, needs a key where there are keys, whether the path exists or
//! not. Nothing is decided about a path that has been rewritten: it is compared as it came.

mod described;
mod origin;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::app::App;
use crate::body;
use crate::caller::Caller;
use crate::dialect::Dialect;
use crate::limits;
use crate::refusal::{Refusal, RefusalKind};
use crate::request_id::{self, RequestId};
use crate::routes::RoutePath;

pub(crate) use described::describe;
pub(crate) use origin::is_origin;

/// Paths that answer GET without a key: `/health` and `/ready` say whether the server lives and takes requests, which
/// whoever reaches its port can tell anyway; `/docs` is the same page everywhere, and asks for a key itself.
const OPEN: [&str; 3] = ["/health", "/ready", "/docs"];

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

impl Peer {
    /// What wrong keys are counted by.
    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(address),
            Self::Local => None,
        }
    }
}

/// Who sent a request, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client {
    /// From where.
    pub(crate) peer: Peer,
    /// All places are taken: only what tells whether the server lives is answered.
    pub(crate) crowded: bool,
}

/// Answers one request.
pub(crate) async fn answer(
    app: Arc<App>,
    router: Router,
    client: Client,
    mut request: Request<Body>,
) -> Response<Body> {
    let start = Instant::now();
    let id = RequestId::of(request.headers());
    let dialect = Dialect::of(request.uri().path(), request.headers());
    let method = request.method().clone();
    request.extensions_mut().insert(id.clone());
    let mut shown_to = None;
    let mut response = match admit(&app, (client, &id), &mut request, &mut shown_to) {
        Ok(Admitted::Request) => routed(router, request).await,
        Ok(Admitted::Preflight) => preflight(request.headers()),
        Err(refusal) => refusal.into_response(),
    };
    let route = response.extensions_mut().remove::<RoutePath>().map_or_else(|| "-".to_owned(), |path| path.0);
    if let Some(refusal) = response.extensions_mut().remove::<Refusal>() {
        let dialect = response.extensions_mut().remove::<Dialect>().unwrap_or(dialect);
        response = dialect.render(&refusal, id.as_str());
    }
    finish(response.headers_mut(), &id);
    if let Some(origin) = shown_to {
        origin::show_to(origin, response.headers_mut());
    }
    let (status, seconds) = (response.status().as_u16(), start.elapsed().as_secs_f64());
    app.metrics.request(&route, status);
    tracing::info!(id = id.as_str(), %method, route, status, seconds, "answered");
    response
}

enum Admitted {
    /// It goes to the router.
    Request,
    /// A browser's question about an allowed origin: answered here.
    Preflight,
}

/// Lets the request in, with its [`Caller`], or says why not. Cheap questions come first, and none of them looks at the
/// path but the one about keys.
fn admit(
    app: &App,
    (client, id): (Client, &RequestId),
    request: &mut Request<Body>,
    shown_to: &mut Option<HeaderValue>,
) -> Result<Admitted, Refusal> {
    origin::check_host(&app.options, client.peer, request)?;
    *shown_to = origin::check_origin(&app.options, request.headers())?;
    if shown_to.is_some() && origin::is_preflight(request) {
        return Ok(Admitted::Preflight);
    }
    let open = is_open(request.method(), request.uri().path());
    if client.crowded && !open {
        let message = "all connections are taken: try again later";
        return Err(Refusal::new(RefusalKind::Overloaded, message).code("overloaded").retry_after(1));
    }
    let caller = match open {
        true => Caller::anybody(id),
        false => app.keys.caller(request.headers(), client.peer, id)?,
    };
    if !open {
        app.drain.check()?;
        caller.usage.as_ref().map_or(Ok(()), |usage| usage.request())?;
    }
    if request.method() == Method::POST {
        check_content_type(request.headers())?;
        check_length(request.headers())?;
    }
    request.extensions_mut().insert(caller);
    Ok(Admitted::Request)
}

/// A panic in a handler is an answer too. A client that goes takes its handler along.
async fn routed(router: Router, request: Request<Body>) -> Response<Body> {
    let mut handling = JoinSet::new();
    handling.spawn(router.oneshot(request));
    match handling.join_next().await {
        // The router cannot fail.
        Some(Ok(response)) => response.unwrap_or_default(),
        _ => {
            tracing::error!("a handler panicked");
            Refusal::new(RefusalKind::Internal, "the server failed: its log says why").into_response()
        }
    }
}

fn preflight(asked: &HeaderMap) -> Response<Body> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    origin::allow_preflight(asked, response.headers_mut());
    response
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

/// A body that says that it is too long is not waited for.
fn check_length(headers: &HeaderMap) -> Result<(), Refusal> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    let fits = length.is_none_or(|length| length <= limits::BODY_BYTES as u64);
    if fits { Ok(()) } else { Err(body::too_large()) }
}

/// Headers of all answers.
fn finish(headers: &mut HeaderMap, id: &RequestId) {
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
