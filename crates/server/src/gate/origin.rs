//! Whether a request means this server, and whether a page of somebody else sent it.
//!
//! A browser on this machine reaches the loopback address for every page that it shows. Against DNS rebinding the `Host`
//! must be a name that nobody else can hold; against foreign pages an `Origin` must be named (`--allow-origin`) or be our
//! own, and `Sec-Fetch-Site` must not say otherwise.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};

use super::Peer;
use crate::Options;
use crate::refusal::{Refusal, RefusalKind};

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const ASKS_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-request-private-network");
const ALLOWS_PRIVATE_NETWORK: HeaderName = HeaderName::from_static("access-control-allow-private-network");

/// # Errors
/// `Host` is missing, doubled, or a name that is not ours.
pub(super) fn check_host<B>(options: &Options, peer: Peer, request: &Request<B>) -> Result<(), Refusal> {
    let mut given = request.headers().get_all(header::HOST).iter();
    let header = given.next().map(|value| value.to_str().unwrap_or_default());
    if given.next().is_some() {
        return Err(Refusal::new(RefusalKind::Invalid, "the request has two Host headers"));
    }
    if peer == Peer::Local {
        // No page of a browser reaches a Unix socket.
        return Ok(());
    }
    let Some(header) = header else {
        return Err(Refusal::new(RefusalKind::Invalid, "the request has no Host header"));
    };
    let absolute = request.uri().authority().map(|authority| authority.as_str());
    for host in [Some(header), absolute].into_iter().flatten() {
        if !host_name(host).is_some_and(|name| is_ours(options, name)) {
            let message = "the Host is not a name of this server: --allow-host adds one";
            return Err(Refusal::new(RefusalKind::Misdirected, message));
        }
    }
    Ok(())
}

/// `localhost:8080` → `localhost`, `[::1]:8080` → `::1`; `None` where it is neither.
fn host_name(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (name, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (port_fits && !name.is_empty()).then_some(name)
}

/// An address is nobody's to rebind: only names are.
fn is_ours(options: &Options, name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || options.allow_hosts.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
}

/// The origin that the answer may be shown to, where the request names one that is allowed.
///
/// # Errors
/// A page of somebody else sent it.
pub(super) fn check_origin(options: &Options, headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
    let foreign = || {
        let message = "pages of this origin may not ask this server: --allow-origin names those that may";
        Err(Refusal::new(RefusalKind::Forbidden, message))
    };
    let mut given = headers.get_all(header::ORIGIN).iter();
    let origin = given.next();
    if given.next().is_some() {
        return foreign();
    }
    if let Some(origin) = origin {
        let text = origin.to_str().unwrap_or_default();
        if options.allow_origins.iter().any(|allowed| allowed == text) {
            return Ok(Some(origin.clone()));
        }
        if !is_same_origin(text, headers) {
            return foreign();
        }
    }
    let site = headers.get(FETCH_SITE).map(|value| value.to_str().unwrap_or_default());
    if site.is_none_or(|site| matches!(site, "same-origin" | "none")) { Ok(None) } else { foreign() }
}

fn is_same_origin(origin: &str, headers: &HeaderMap) -> bool {
    let uri: Option<Uri> = origin.parse().ok();
    let plain = uri.filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.path() == "/");
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    plain.as_ref().and_then(Uri::authority).is_some_and(|authority| Some(authority.as_str()) == host)
}

/// Whether a browser asks what a page of an allowed origin may do.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a page of an allowed origin may do: everything that a client may.
pub(super) fn allow_preflight(asked: &HeaderMap, answer: &mut HeaderMap) {
    let rows = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
        // SDKs send many of their own; the star does not stand for the first.
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, *"),
    ];
    for (name, value) in rows {
        answer.insert(name, HeaderValue::from_static(value));
    }
    if asked.contains_key(ASKS_PRIVATE_NETWORK) {
        answer.insert(ALLOWS_PRIVATE_NETWORK, HeaderValue::from_static("true"));
    }
}

/// Shows the answer to pages of this origin; never to all, never with credentials of the browser.
pub(super) fn show_to(origin: HeaderValue, answer: &mut HeaderMap) {
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    answer.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-request-id, retry-after"));
    answer.append(header::VARY, HeaderValue::from_static("origin"));
}

/// Whether this is an origin as browsers write it: scheme, host, port where it is not the scheme's own, and no more.
pub(crate) fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    is_scheme(scheme)
        && host_name(host).is_some()
        && !host.contains(['/', '*', '?', '#', '@'])
        && host == host.to_ascii_lowercase()
}

/// Programs that are web pages in a window of their own have schemes of their own: `tauri`, `vscode-webview`.
fn is_scheme(scheme: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.');
    scheme.starts_with(|c: char| c.is_ascii_lowercase()) && scheme.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        let options = Options { allow_hosts: vec!["tramontane.example".to_owned()], ..Options::loopback() };
        let rows = [
            ("localhost", true),
            ("LOCALHOST:8080", true),
            ("127.0.0.1:8080", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("192.168.1.5:80", true),
            ("tramontane.example:443", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example", false),
            ("localhost@evil.example", false),
            ("localhost:x", false),
            ("[::1]x", false),
            ("::1", false),
            ("", false),
        ];
        for (host, expected) in rows {
            let request = Request::builder().uri("/").header("host", host).body(()).unwrap();
            let peer = Peer::Address(IpAddr::from([127, 0, 0, 1]));
            assert_eq!(check_host(&options, peer, &request).is_ok(), expected, "{host}");
        }
    }

    #[test]
    fn origins() {
        let options = Options { allow_origins: vec!["https://chat.example".to_owned()], ..Options::loopback() };
        let rows: [(&[(&str, &str)], bool); 12] = [
            (&[], true),
            (&[("origin", "https://chat.example")], true),
            (&[("origin", "https://chat.example"), ("sec-fetch-site", "cross-site")], true),
            (&[("origin", "http://localhost:8080"), ("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("origin", "https://evil.example")], false),
            (&[("origin", "https://chat.example.evil")], false),
            (&[("origin", "http://chat.example")], false),
            (&[("origin", "null")], false),
            (&[("origin", "http://localhost:8081")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "same-site")], false),
        ];
        for (headers, expected) in rows {
            let mut map = HeaderMap::new();
            map.insert("host", HeaderValue::from_static("localhost:8080"));
            for (name, value) in headers {
                map.insert(HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
            }
            assert_eq!(check_origin(&options, &map).is_ok(), expected, "{headers:?}");
        }
    }

    #[test]
    fn origins_are_exact() {
        let rows = [
            ("https://a.example", true),
            ("http://localhost:3000", true),
            ("vscode-extension://abc", true),
            ("tauri://localhost", true),
            ("capacitor://localhost", true),
            ("vscode-webview://abc", true),
            ("Tauri://localhost", false),
            ("1a://localhost", false),
            ("file://", false),
            ("://localhost", false),
            ("*", false),
            ("https://*.example", false),
            ("https://a.example/", false),
            ("https://A.example", false),
            ("a.example", false),
            ("null", false),
        ];
        for (text, expected) in rows {
            assert_eq!(is_origin(text), expected, "{text}");
        }
    }
}
