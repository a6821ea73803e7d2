//! Too many clients, too slow ones, and those that go away.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use server::{Deadlines, Options};

use crate::testing::{chat_model, connect, eventually, serve, serve_with, tiny, vector_model};

use super::lives;

const QUICK: Deadlines =
    Deadlines { headers: Duration::from_millis(300), body: Duration::from_millis(300), write: Duration::from_secs(30) };

/// Reads to the end of the connection.
fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    // A reset is an end too.
    let _ = stream.read_to_string(&mut text);
    text
}

#[test]
fn slow_clients_are_not_waited_for() {
    let server = serve_with(Options { deadlines: QUICK, ..tiny(vector_model()) });
    let head =
        "POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n";
    let rows = [
        ("silent", "", ""),
        ("stops in its headers", "GET /health HTTP/1.1\r\nhost: lo", ""),
        ("stops in its body", &format!("{head}{{\"con"), "HTTP/1.1 408"),
    ];
    testkit::check_table(rows.map(|(name, bytes, answer)| (name, (bytes, answer))), |(bytes, answer)| {
        let mut stream = connect(server.address);
        stream.write_all(bytes.as_bytes()).unwrap();
        let text = rest(stream);
        if text.starts_with(answer) && (!answer.is_empty() || !text.contains("200 OK")) {
            lives(&server)
        } else {
            Err(text)
        }
    });
}

#[test]
fn a_header_a_byte_at_a_time_does_not_hold_its_place() {
    let server = serve_with(Options { deadlines: QUICK, ..tiny(vector_model()) });
    let mut stream = connect(server.address);
    let mut alive = true;
    for byte in "GET /health HTTP/1.1\r\nhost: localhost\r\nx-long: ".bytes().chain(std::iter::repeat(b'a')).take(200) {
        alive = alive && stream.write_all(&[byte]).is_ok();
        if !alive {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!alive || !rest(stream).contains("200 OK"));
    lives(&server).unwrap();
}

#[test]
fn connections_are_bounded() {
    let server = serve_with(Options { max_connections: 8, deadlines: QUICK, ..tiny(vector_model()) });
    let idle: Vec<_> = (0..64).map(|_| connect(server.address)).collect();
    // Those that say nothing lose their places to those that wait behind them.
    lives(&server).unwrap();
    drop(idle);
    lives(&server).unwrap();
}

#[test]
fn a_client_that_goes_takes_its_work_along() {
    let server = serve(chat_model());
    let body = json!({"model": "tiny", "stream": true, "messages": [{"role": "user", "content": "go on"}]}).to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for round in 0..40 {
        let mut stream = connect(server.address);
        stream.write_all(request.as_bytes()).unwrap();
        if round % 2 == 0 {
            // Some go before the first byte, some after it.
            testkit::read_some(&mut stream, &mut [0; 64]);
        }
    }
    let idle = |text: &str| text.contains("tramontane_requests_running{model=\"tiny\"} 0.0");
    eventually("nothing runs any more", || idle(&server.get("/metrics").text()));
    lives(&server).unwrap();
}
