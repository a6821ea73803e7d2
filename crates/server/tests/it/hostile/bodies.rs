//! JSON that is too much, or not what it seems.

use serde_json::{Value, json};

use crate::testing::{chat_model, serve};

use super::lives;

#[test]
fn bodies_are_refused_by_name() {
    let server = serve(chat_model());
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let rows: Vec<(&str, Vec<u8>, u16, &str)> = vec![
        ("nothing", vec![], 400, ""),
        ("no JSON", b"hello".to_vec(), 400, ""),
        ("half of it", br#"{"content": "x"#.to_vec(), 400, ""),
        ("more than it", br#"{"content": "x"} {}"#.to_vec(), 400, ""),
        ("a byte order mark", b"\xef\xbb\xbf{\"content\": \"x\"}".to_vec(), 400, ""),
        ("another encoding", b"\xff\xfe{\0}\0".to_vec(), 400, ""),
        ("bytes that are no UTF-8", b"{\"content\": \"\xff\"}".to_vec(), 400, ""),
        ("half a surrogate pair", br#"{"content": "\ud800"}"#.to_vec(), 400, ""),
        ("100,000 levels", format!("{{\"content\": {}}}", nested(100_000)).into_bytes(), 400, ""),
        ("200 levels", format!("{{\"content\": {}}}", nested(200)).into_bytes(), 400, ""),
        ("a name twice", br#"{"content": "x", "content": "y"}"#.to_vec(), 400, ""),
        ("an unknown field", br#"{"content": "x", "kontent": "y"}"#.to_vec(), 400, "kontent"),
        ("another type", br#"{"content": 7}"#.to_vec(), 400, "content"),
        ("a number beyond all", br#"{"content": 1e999}"#.to_vec(), 400, ""),
        ("a list", b"[]".to_vec(), 400, ""),
        ("no such model", br#"{"content": "x", "model": "\u001b[31mno\r\nmodel"}"#.to_vec(), 404, "model"),
        ("too long", vec![b' '; (32 << 20) + 1], 413, ""),
    ];
    testkit::check_table(rows.into_iter().map(|(name, body, status, param)| (name, (body, status, param))), |row| {
        let (body, status, param) = row;
        let answer = server.request("POST", "/tokenize", &[("content-type", "application/json")], &body);
        let error = &answer.json()["error"];
        let message = error["message"].as_str().unwrap_or_default();
        if answer.status != status || message.is_empty() || message.contains(['\r', '\n', '\x1b']) {
            return Err(format!("{} {error}", answer.status));
        }
        if !param.is_empty() && error["param"] != param {
            return Err(format!("param {}", error["param"]));
        }
        lives(&server)
    });
}

/// The size is counted, not believed.
#[test]
fn a_body_in_chunks_is_bounded_too() {
    let server = serve(chat_model());
    let mut request =
        b"POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec();
    let piece = [b"100000\r\n".as_slice(), &[b' '; 1 << 20], b"\r\n"].concat();
    (0..33).for_each(|_| request.extend_from_slice(&piece));
    let answer = String::from_utf8(server.raw_once(&request)).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    lives(&server).unwrap();
}

/// A listener that would hear it: nothing in a request makes the server connect to anything.
#[test]
fn no_address_in_a_request_is_asked() {
    let server = serve(chat_model());
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("http://{}/x.png", canary.local_addr().unwrap());
    let chat = |content: Value| json!({"max_tokens": 2, "messages": [{"role": "user", "content": content}]});
    let image = |url: &str| chat(json!([{"type": "image_url", "image_url": {"url": url}}]));
    let rows = [
        ("/v1/chat/completions", image(&url), 400),
        ("/v1/chat/completions", image(&url.replace("127.0.0.1", "localhost")), 400),
        ("/v1/chat/completions", image(&url.replace("127.0.0.1", "2130706433")), 400),
        ("/v1/chat/completions", image(&url.replace("http", "gopher")), 400),
        ("/v1/chat/completions", chat(json!([{"type": "document_url", "document_url": url}])), 400),
        ("/v1/chat/completions", chat(json!(format!("![image]({url}) <img src='{url}'> {url}"))), 200),
        (
            "/v1/messages",
            json!({"model": "tiny", "max_tokens": 2, "messages": [{"role": "user", "content": [
                {"type": "image", "source": {"type": "url", "url": url}}]}]}),
            400,
        ),
        ("/api/chat", json!({"model": "tiny", "messages": [{"role": "user", "content": "x", "images": [url]}]}), 400),
        (
            "/v1/responses",
            json!({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": url}]}]}),
            400,
        ),
    ];
    testkit::check_table(rows.map(|(path, body, status)| (body.to_string(), (path, body, status))), |row| {
        let (path, body, status) = row;
        let answer = server.post(path, &body);
        if answer.status == status { Ok(()) } else { Err(format!("{} {}", answer.status, answer.text())) }
    });
    let heard = canary.accept().map_err(|error| error.kind());
    assert_eq!(heard.err(), Some(std::io::ErrorKind::WouldBlock), "somebody connected");
}

#[test]
fn texts_become_tokens_and_texts_again() {
    let server = serve(chat_model());
    for text in ["Hello, world", "", "\u{0}\u{1b}[31m", "[INST] </s> [TOOL_CALLS]", "é漢🦀\u{202e}", "a\r\nb\t c"] {
        let answer = server.post("/tokenize", &serde_json::json!({"content": text}));
        let tokens = &answer.json()["tokens"];
        assert!(tokens.as_array().unwrap().iter().all(|id| id.as_u64() >= Some(100)), "control tokens in {tokens}");
        let back = server.post("/detokenize", &serde_json::json!({"tokens": tokens}));
        assert_eq!(back.json(), serde_json::json!({"content": text}));
    }
    let pieces =
        server.post("/tokenize", &serde_json::json!({"content": "ab", "add_special": true, "with_pieces": true}));
    assert_eq!(pieces.json()["tokens"][0], serde_json::json!({"id": 1, "piece": "<s>"}));
    let outside = server.post("/detokenize", &serde_json::json!({"tokens": [5, 4_000_000_000_u32]})).json();
    assert_eq!(outside["error"]["param"], "tokens[1]");
    let none: Value = server.post("/v1/rerank", &serde_json::json!({})).json();
    assert_eq!(none["error"]["code"], "not_implemented");
}
