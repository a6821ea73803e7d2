//! Answers and the end of the server; what all dialects have in common.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use serde_json::json;
use server::Options;

use crate::testing::{Answer, chat_model, connect, eventually, serve, serve_with, tiny};

/// A request for a long stream on a connection of its own, answered as far as its first event.
fn long_stream(server: &crate::testing::Running, path: &str) -> (std::net::TcpStream, Vec<u8>) {
    let messages = json!([{"role": "user", "content": "go on"}]);
    let body = match path {
        "/api/chat" => json!({"model": "tiny", "options": {"num_predict": 1900}, "messages": messages}),
        _ => json!({"model": "tiny", "stream": true, "max_tokens": 1900, "messages": messages}),
    };
    let body = body.to_string();
    let mut stream = connect(server.address);
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}"
    );
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("\r\n\r\n") {
        let mut piece = [0; 4096];
        let count = testkit::read_some(&mut stream, &mut piece);
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&piece[..count]);
    }
    (stream, seen)
}

fn whole((mut stream, mut seen): (std::net::TcpStream, Vec<u8>)) -> Answer {
    stream.read_to_end(&mut seen).unwrap();
    let text = String::from_utf8_lossy(&seen).into_owned();
    assert!(text.ends_with("0\r\n\r\n"), "the body is whole: {}", &text[text.len().saturating_sub(300)..]);
    Answer::parse(&seen)
}

#[test]
fn streams_finish_while_the_server_drains() {
    let server = serve_with(Options { drain: Duration::from_secs(60), ..tiny(chat_model()) });
    let under_way = long_stream(&server, "/v1/chat/completions");
    let reader = std::thread::spawn(move || whole(under_way));
    server.stop();
    let events = reader.join().unwrap().events();
    assert_eq!(events.last().map(|(_, data)| data.as_str()), Some("[DONE]"));
    assert!(!events.iter().any(|(_, data)| data.contains("error")), "{:?}", events.last());
}

#[test]
fn streams_that_are_cut_say_so_in_their_dialect() {
    let rows =
        [("/v1/chat/completions", "shutting_down"), ("/v1/messages", "\"type\":\"error\""), ("/api/chat", "\"error\"")];
    testkit::check_table(rows.map(|(path, mark)| (path, (path, mark))), |(path, mark)| {
        let server = serve_with(Options { drain: Duration::ZERO, ..tiny(chat_model()) });
        let under_way: Vec<_> = (0..8).map(|_| long_stream(&server, path)).collect();
        let readers: Vec<_> = under_way.into_iter().map(|one| std::thread::spawn(move || whole(one))).collect();
        server.stop();
        let texts: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap().text()).collect();
        // The first may have come to their end before the server was told to.
        match texts.iter().any(|text| text.contains(mark)) {
            true => Ok(()),
            false => {
                Err(texts.last().map_or_else(String::new, |text| text[text.len().saturating_sub(400)..].to_owned()))
            }
        }
    });
}

#[test]
fn a_server_that_drains_takes_no_more() {
    let server = serve_with(Options { drain: Duration::from_secs(60), ..tiny(chat_model()) });
    let address = server.address;
    let under_way = long_stream(&server, "/v1/chat/completions");
    let stopping = std::thread::spawn(move || server.stop());
    eventually("nobody listens any more", || std::net::TcpStream::connect(address).is_err() || stopping.is_finished());
    whole(under_way);
    stopping.join().unwrap();
}

#[test]
fn metrics_count_what_was_done() {
    let server = serve(chat_model());
    let body = json!({"model": "tiny", "max_tokens": 5, "messages": [{"role": "user", "content": "secret words"}]});
    assert_eq!(server.post("/v1/chat/completions", &body).status, 200);
    server.get("/nowhere/secret");
    eventually("the answer is counted", || {
        server.get("/metrics").text().contains("tramontane_answers_total{model=\"tiny\",end=\"length\"} 1")
    });
    let text = server.get("/metrics").text();
    let expected = [
        "tramontane_http_requests_total{route=\"/v1/chat/completions\",status=\"200\"} 1",
        "tramontane_http_requests_total{route=\"-\",status=\"404\"} 1",
        "tramontane_completion_tokens_total{model=\"tiny\"} 5",
        "tramontane_time_to_first_token_seconds_count{model=\"tiny\"} 1",
        "vllm:num_requests_waiting{model=\"tiny\"} 0.0",
        "vllm:kv_cache_usage_perc{model=\"tiny\"} 0.0",
        "vllm:cache_config_info{model=\"tiny\",block_size=\"32\",num_gpu_blocks=",
        "# TYPE tramontane_completion_tokens_total counter",
    ];
    for line in expected {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("secret"), "metrics carry no text");
    let accept = [("accept", "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")];
    let open = server.request("GET", "/metrics", &accept, b"");
    assert!(open.header("content-type").is_some_and(|form| form.starts_with("application/openmetrics-text")));
    assert!(open.text().ends_with("# EOF\n"));
}
