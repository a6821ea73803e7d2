//! Keys while a server runs.

use serde_json::json;
use server::{KeyFile, KeyLimits, Options};

use crate::testing::{chat_model, eventually, key_file, serve_with, tiny, vector_model};

#[test]
fn changes_are_taken_over_without_a_restart() {
    let (path, first) = key_file("changes");
    let server = serve_with(Options { keys: Some(path.clone()), ..tiny(vector_model()) });
    let status = |secret: &str| server.request("GET", "/metrics", &[("x-api-key", secret)], b"").status;
    assert_eq!(status(&first), 200);
    let second = KeyFile::at(&path).add("second", KeyLimits::default()).unwrap();
    eventually("the new key works", || status(&second) == 200);
    KeyFile::at(&path).revoke("first").unwrap();
    eventually("the old one does not", || status(&first) == 401);
    std::fs::write(&path, "broken").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert_eq!(status(&second), 200, "a broken file changes nothing");
    std::fs::remove_file(&path).unwrap();
    eventually("a file that is gone opens nothing", || status(&second) == 401);
    assert_eq!(server.get("/metrics").status, 401);
}

#[test]
fn a_server_without_keys_is_closed_by_the_first() {
    let (path, _) = key_file("later");
    std::fs::remove_file(&path).unwrap();
    let server = serve_with(Options { keys: Some(path.clone()), ..tiny(vector_model()) });
    assert_eq!(server.get("/metrics").status, 200);
    KeyFile::at(&path).add("first", KeyLimits::default()).unwrap();
    eventually("a key is needed", || server.get("/metrics").status == 401);
}

#[test]
fn limits_of_a_key_hold() {
    let (path, _) = key_file("limits");
    let limits =
        |requests, tokens| KeyLimits { requests_per_minute: requests, tokens_per_minute: tokens, streams: None };
    let few = KeyFile::at(&path).add("few", limits(Some(3), None)).unwrap();
    let short = KeyFile::at(&path).add("short", limits(None, Some(5))).unwrap();
    let server = serve_with(Options { keys: Some(path), ..tiny(chat_model()) });
    let ask = |secret: &str| {
        let body = json!({"model": "tiny", "max_tokens": 8, "messages": [{"role": "user", "content": "hello"}]});
        let headers = [("content-type", "application/json"), ("x-api-key", secret)];
        server.request("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes())
    };
    let statuses: Vec<_> = (0..4).map(|_| ask(&few).status).collect();
    assert_eq!(statuses, [200, 200, 200, 429]);
    assert_eq!(ask(&short).status, 200, "what an answer costs is known at its end");
    eventually("the tokens are used up", || ask(&short).status == 429);
    let refused = ask(&short);
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!(refused.json()["error"]["type"], "rate_limit_error");
}

#[test]
fn off_loopback_a_key_and_tls_are_needed() {
    let (path, _) = key_file("exposed");
    let everywhere = vec![server::Listen::Tcp("0.0.0.0:0".parse().unwrap())];
    let open = Options { listen: everywhere, ..tiny(vector_model()) };
    let refused = |options| server::Server::start(options).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused(open.clone()).contains("there is no key"));
    assert!(refused(Options { keys: Some(path), ..open }).contains("there is no TLS"));
    let star = Options { allow_origins: vec!["*".to_owned()], ..tiny(vector_model()) };
    assert!(refused(star).contains("is no origin"));
}
