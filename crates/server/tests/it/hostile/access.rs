//! Who may ask: keys on every path, hosts, origins, what foreign pages can send.

use server::Options;

use crate::testing::{Answer, key_file, serve, serve_with, tiny, vector_model};

const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"];

/// The table of the router itself: a new route cannot be missed.
#[test]
fn every_path_and_method_needs_a_key() {
    let (keys, secret) = key_file("walk");
    let server = serve_with(Options { keys: Some(keys), ..tiny(vector_model()) });
    let routes = server::route_table();
    assert!(routes.len() > 8);
    let open: Vec<_> = routes.iter().filter(|route| route.open).map(|route| route.path).collect();
    assert_eq!(open, ["/health", "/ready", "/docs"], "the written list");
    let paths: std::collections::BTreeSet<_> = routes.iter().map(|route| route.path).collect();
    let rows = paths.iter().flat_map(|path| METHODS.map(|method| (format!("{method} {path}"), (*path, method))));
    testkit::check_table(rows, |(path, method)| {
        let open = ["/health", "/ready", "/docs"].contains(&path) && ["GET", "HEAD"].contains(&method);
        let path = path.replace(['{', '}', '*'], "x");
        let status = server.request(method, &path, &[("content-type", "application/json")], b"").status;
        match (status, open) {
            (401, false) | (200 | 503, true) => Ok(()),
            _ => Err(format!("status {status}")),
        }
    });
    let bearer = format!("Bearer {secret}");
    assert_eq!(server.request("GET", "/metrics", &[("authorization", &bearer)], b"").status, 200);
    assert_eq!(server.request("GET", "/metrics", &[("x-api-key", &secret)], b"").status, 200);
}

/// However the path is written, and wherever else a key is put: the same decision.
#[test]
fn there_is_no_way_around() {
    let (keys, secret) = key_file("around");
    let server = serve_with(Options { keys: Some(keys), ..tiny(vector_model()) });
    let paths = [
        "/metrics/",
        "//metrics",
        "/./metrics",
        "/x/../metrics",
        "/%6detrics",
        "/metrics%00",
        "/METRICS",
        "/metrics;a=b",
        "/health/../metrics",
        "/health/",
        "//health",
        "/%68ealth",
        "/HEALTH",
        "/health%2f..%2fmetrics",
        "/metrics?x=/health",
        "/nowhere",
        "/",
        "*",
    ];
    testkit::check_table(paths.map(|path| (path, path)), |path| {
        let status = server.request("GET", path, &[], b"").status;
        if status == 401 { Ok(()) } else { Err(format!("status {status}")) }
    });
    let bearer = format!("Bearer {secret}");
    let twice = format!("Bearer {secret}\r\nauthorization: Bearer {secret}");
    let basic = format!("Basic {secret}");
    let cookie = format!("key={secret}; authorization={secret}");
    let longer = format!("Bearer {secret}0");
    let shorter = format!("Bearer {}", &secret[..secret.len() - 1]);
    let upper = format!("Bearer {}", secret.to_uppercase());
    let headers: [(&str, &[(&str, &str)]); 10] = [
        ("as basic", &[("authorization", &basic)]),
        ("without a scheme", &[("authorization", &secret)]),
        ("twice", &[("authorization", &twice)]),
        ("in a cookie", &[("cookie", &cookie)]),
        ("longer", &[("authorization", &longer)]),
        ("shorter", &[("authorization", &shorter)]),
        ("in capitals", &[("authorization", &upper)]),
        ("empty", &[("authorization", "Bearer ")]),
        ("behind a proxy's name", &[("x-forwarded-user", "admin"), ("x-original-url", "/health")]),
        ("with another method", &[("x-http-method-override", "GET"), ("x-forwarded-for", "127.0.0.1")]),
    ];
    testkit::check_table(headers, |headers| {
        let status = server.request("GET", "/metrics", headers, b"").status;
        if status == 401 { Ok(()) } else { Err(format!("status {status}")) }
    });
    assert_eq!(server.request("GET", &format!("/metrics?key={secret}&api_key={secret}"), &[], b"").status, 401);
    assert_eq!(server.request("GET", "/metrics", &[("authorization", &bearer)], b"").status, 200);
}

#[test]
fn wrong_keys_are_slowed_down_and_right_ones_are_not() {
    let (keys, secret) = key_file("guess");
    let server = serve_with(Options { keys: Some(keys), ..tiny(vector_model()) });
    let statuses: Vec<_> =
        (0..30).map(|i| server.request("GET", "/metrics", &[("x-api-key", &format!("tm-{i}"))], b"").status).collect();
    assert!(statuses.starts_with(&[401; 20]) && statuses.ends_with(&[429]), "{statuses:?}");
    let slow = server.request("GET", "/metrics", &[("x-api-key", "tm-x")], b"");
    assert!(slow.header("retry-after").is_some(), "{slow:?}");
    assert_eq!(server.request("GET", "/metrics", &[("x-api-key", &secret)], b"").status, 200);
}

#[test]
fn foreign_pages_and_names_are_refused() {
    let origin = "https://chat.example".to_owned();
    let server = serve_with(Options { allow_origins: vec![origin.clone()], ..tiny(vector_model()) });
    /// A name, headers, the status.
    type Row = (&'static str, &'static [(&'static str, &'static str)], u16);
    let rows: [Row; 9] = [
        ("a rebound name", &[("host", "evil.example")], 421),
        ("a rebound name with our port", &[("host", "evil.example:8080")], 421),
        ("our name", &[("host", "localhost:8080")], 200),
        ("a foreign page", &[("origin", "https://evil.example")], 403),
        ("a page without an origin", &[("origin", "null")], 403),
        ("a foreign request without Origin", &[("sec-fetch-site", "cross-site")], 403),
        ("a neighbour", &[("sec-fetch-site", "same-site")], 403),
        ("an address that was typed", &[("sec-fetch-site", "none")], 200),
        ("a page that is allowed", &[("origin", "https://chat.example")], 200),
    ];
    testkit::check_table(rows.map(|(name, headers, status)| (name, (headers, status))), |(headers, status)| {
        let answer = server.request("GET", "/health", headers, b"");
        let shown = answer.header("access-control-allow-origin");
        let expected = headers.contains(&("origin", "https://chat.example")).then_some("https://chat.example");
        match answer.status == status
            && shown == expected
            && answer.header("access-control-allow-credentials").is_none()
        {
            true => Ok(()),
            false => Err(format!("{} {shown:?}", answer.status)),
        }
    });
    let preflight = |origin: &str| {
        let asks = [("origin", origin), ("access-control-request-method", "POST")];
        server.request("OPTIONS", "/v1/chat/completions", &asks, b"")
    };
    let allowed = preflight(&origin);
    assert_eq!((allowed.status, allowed.header("access-control-allow-methods")), (204, Some("GET, POST")));
    let refused = preflight("https://evil.example");
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (403, None));
}

/// What a page can send anywhere without asking first.
#[test]
fn simple_requests_are_refused() {
    let server = serve(vector_model());
    let body = br#"{"content": "x"}"#;
    let kinds = [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json5",
        "application/json, text/plain",
        "text/json",
        "application/json; charset=utf-16",
    ];
    testkit::check_table(kinds.map(|kind| (format!("{kind:?}"), kind)), |kind| {
        let headers = [("content-type", kind)];
        let status = server.request("POST", "/tokenize", if kind.is_empty() { &[] } else { &headers }, body).status;
        if status == 415 { Ok(()) } else { Err(format!("status {status}")) }
    });
}

#[test]
fn answers_say_what_may_be_done_with_them() {
    let server = serve(vector_model());
    let headers = [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("x-frame-options", "DENY"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("referrer-policy", "no-referrer"),
    ];
    let all = |answer: &Answer| headers.iter().all(|(name, value)| answer.header(name) == Some(value));
    for path in ["/health", "/nowhere", "/metrics", "/openapi.json"] {
        let answer = server.get(path);
        assert!(all(&answer), "{answer:?}");
    }
    let page = server.get("/docs");
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("script-src 'sha256-") && policy.contains("frame-ancestors 'none'"), "{policy}");
    for given in ["plain-1", "a b", &"x".repeat(200)] {
        let id = server
            .request("GET", "/health", &[("x-request-id", given)], b"")
            .header("x-request-id")
            .unwrap()
            .to_owned();
        assert_eq!(id == given, given == "plain-1", "{id}");
    }
}
