//! More than can be done: said before anything is done for it, and those under way are not disturbed.

use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use server::{Deadlines, KeyFile, KeyLimits, Options};

use crate::testing::{Answer, Running, chat_model, connect, eventually, key_file, serve, serve_with, tiny};

use super::lives;

/// A request for a long stream, sent but not read.
fn long_stream(server: &Running, headers: &str) -> TcpStream {
    let body = json!({
        "model": "tiny", "stream": true, "max_tokens": 1900, "messages": [{"role": "user", "content": "go on"}],
    });
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    );
    let mut stream = connect(server.address);
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

/// Status and headers of an answer whose body may still be coming.
fn head(stream: &mut TcpStream) -> Answer {
    let mut seen = Vec::new();
    while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
        let mut piece = [0; 1024];
        let count = testkit::read_some(stream, &mut piece);
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..count]);
    }
    Answer::parse(&seen)
}

fn idle(server: &Running, headers: &[(&str, &str)]) -> bool {
    let text = server.request("GET", "/metrics", headers, b"").text();
    text.contains("tramontane_requests_running{model=\"tiny\"} 0.0")
        && text.contains("tramontane_requests_waiting{model=\"tiny\"} 0.0")
}

#[test]
fn answers_above_the_bound_are_refused_and_the_others_are_not() {
    let server = serve(chat_model());
    let mut streams: Vec<_> = (0..400).map(|_| long_stream(&server, "")).collect();
    let answers: Vec<_> = streams.iter_mut().map(head).collect();
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status != 200).collect();
    assert!(!refused.is_empty() && refused.len() < 200, "{} were refused", refused.len());
    for answer in refused {
        assert!(answer.status == 503 && answer.header("retry-after").is_some(), "{answer:?}");
    }
    lives(&server).unwrap();
    drop(streams);
    eventually("nothing runs any more", || idle(&server, &[]));
}

/// Whoever comes when all places are taken hears so; whoever asks whether the server lives hears that too.
#[test]
fn a_crowded_server_says_so() {
    let server = serve_with(Options { max_connections: 4, ..tiny(chat_model()) });
    let mut held: Vec<_> = (0..4).map(|_| connect(server.address)).collect();
    eventually("the places are taken", || server.get("/metrics").status == 503);
    let refused = server.post("/v1/chat/completions", &json!({"messages": [{"role": "user", "content": "x"}]}));
    assert_eq!((refused.status, &refused.json()["error"]["code"]), (503, &json!("overloaded")));
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert_eq!((server.get("/health").status, server.get("/ready").status), (200, 200));
    held.clear();
    eventually("there is a place again", || server.get("/metrics").status == 200);
}

#[test]
fn answers_at_once_of_a_key_are_bounded() {
    let (path, first) = key_file("streams");
    let limits = KeyLimits { streams: Some(1), ..KeyLimits::default() };
    let secret = KeyFile::at(&path).add("one", limits).unwrap();
    let server = serve_with(Options { keys: Some(path), ..tiny(chat_model()) });
    let key = format!("x-api-key: {secret}\r\n");
    let mut under_way = long_stream(&server, &key);
    assert_eq!(head(&mut under_way).status, 200);
    let second = head(&mut long_stream(&server, &key));
    assert_eq!(second.status, 429);
    assert!(second.header("retry-after").is_some(), "{second:?}");
    let vectors = server.request(
        "POST",
        "/v1/embeddings",
        &[("content-type", "application/json"), ("x-api-key", &secret)],
        br#"{"model": "tiny", "input": "x"}"#,
    );
    assert_eq!(vectors.status, 429, "work of every kind counts: {vectors:?}");
    assert_eq!(
        head(&mut long_stream(&server, &format!("x-api-key: {first}\r\n"))).status,
        200,
        "others are not held up"
    );
    drop(under_way);
    eventually("the place is given back", || head(&mut long_stream(&server, &key)).status == 200);
}

#[test]
fn tokens_of_vectors_count_too() {
    let (path, _) = key_file("vectors");
    let limits = KeyLimits { tokens_per_minute: Some(5), ..KeyLimits::default() };
    let secret = KeyFile::at(&path).add("few", limits).unwrap();
    let server = serve_with(Options { keys: Some(path), ..tiny(chat_model()) });
    let headers = [("content-type", "application/json"), ("x-api-key", secret.as_str())];
    let rows = [
        ("/v1/embeddings", json!({"model": "tiny", "input": "one two three four five six seven"})),
        ("/api/embed", json!({"model": "tiny", "input": "x"})),
    ];
    let statuses = rows.map(|(path, body)| server.request("POST", path, &headers, body.to_string().as_bytes()).status);
    assert_eq!(statuses, [200, 429], "what was asked is charged when it is done");
}

/// Vectors that nobody waits for any more are not computed, and what was is charged; while they are, answers are given.
#[test]
fn vectors_end_with_their_clients() {
    let (path, first) = key_file("leaving");
    let limits = KeyLimits { tokens_per_minute: Some(100), ..KeyLimits::default() };
    let secret = KeyFile::at(&path).add("few", limits).unwrap();
    let server = serve_with(Options { keys: Some(path), ..tiny(chat_model()) });
    let body = json!({"model": "tiny", "input": vec!["the one ".repeat(200); 2000]}).to_string();
    let head = |path: &str, secret: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nx-api-key: {secret}\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        )
    };
    let send = |path: &str, secret: &str| {
        let mut stream = connect(server.address);
        stream.write_all(format!("{}{body}", head(path, secret)).as_bytes()).unwrap();
        stream
    };
    let key = [("content-type", "application/json"), ("x-api-key", first.as_str())];
    let mut clients = vec![send("/v1/embeddings", &secret)];
    clients.extend((0..20).map(|index| send(["/v1/embeddings", "/api/embed"][index % 2], &first)));
    eventually("vectors are computed", || !idle(&server, &key));
    let chat = json!({"model": "tiny", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}).to_string();
    assert_eq!(server.request("POST", "/v1/chat/completions", &key, chat.as_bytes()).status, 200);
    drop(clients);
    eventually("nothing runs any more", || idle(&server, &key));
    let limited = [("content-type", "application/json"), ("x-api-key", secret.as_str())];
    eventually("its key is charged", || {
        server.request("POST", "/v1/chat/completions", &limited, chat.as_bytes()).status == 429
    });
}

/// A client that takes nothing loses its answer; the server keeps no more of it than its bounds say.
#[test]
fn a_reader_that_sleeps_is_given_up() {
    let deadlines = Deadlines { write: Duration::from_millis(200), ..Deadlines::default() };
    let server = serve_with(Options { deadlines, ..tiny(chat_model()) });
    let asleep: Vec<_> = (0..16).map(|_| long_stream(&server, "")).collect();
    eventually("nothing runs any more", || {
        let text = server.get("/metrics").text();
        text.contains("tramontane_answers_total") && idle(&server, &[])
    });
    lives(&server).unwrap();
    drop(asleep);
}

/// A prompt of one key is not found computed by another: whether it was ever asked cannot be told.
#[test]
fn keys_share_no_cache() {
    let (path, first) = key_file("cache");
    let second = KeyFile::at(&path).add("second", KeyLimits::default()).unwrap();
    let server = serve_with(Options { keys: Some(path), ..tiny(chat_model()) });
    let content = "a secret that is long enough to fill several blocks of keys and values ".repeat(8);
    let body =
        json!({"model": "tiny", "max_tokens": 2, "messages": [{"role": "user", "content": content}]}).to_string();
    let cached = |secret: &str| {
        let headers = [("content-type", "application/json"), ("x-api-key", secret)];
        let answer = server.request("POST", "/v1/chat/completions", &headers, body.as_bytes()).json();
        answer["usage"]["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap()
    };
    assert_eq!(cached(&first), 0);
    assert!(cached(&first) > 0, "its own is found");
    assert_eq!(cached(&second), 0, "another's is not");
}
