//! Requests whose bytes are wrong.

use crate::testing::{Answer, serve, vector_model};

use super::lives;

/// What becomes of a request.
enum End {
    /// An answer with one of these statuses.
    Status(&'static [u16]),
    /// The same, or a closed connection without an answer.
    Closed(&'static [u16]),
}

use End::{Closed, Status};

fn head(lines: &str) -> Vec<u8> {
    format!("POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n{lines}").into_bytes()
}

fn rows() -> Vec<(&'static str, Vec<u8>, End)> {
    let many = |count: usize| (0..count).map(|i| format!("x-{i}: 1\r\n")).collect::<String>();
    let get = |rest: &str| format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{rest}\r\n").into_bytes();
    vec![
        ("length and chunks", head("content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"), Closed(&[400])),
        ("two lengths", head("content-length: 2\r\ncontent-length: 3\r\n\r\n{}x"), Closed(&[400])),
        ("a list of lengths", head("content-length: 2, 3\r\n\r\n{}x"), Closed(&[400])),
        ("a negative length", head("content-length: -1\r\n\r\n"), Closed(&[400])),
        ("a length with a sign", head("content-length: +2\r\n\r\n{}"), Closed(&[400])),
        ("a length beyond all", head("content-length: 99999999999999999999\r\n\r\n"), Closed(&[400])),
        ("a length too large", head("content-length: 1099511627776\r\nconnection: close\r\n\r\n"), Status(&[413])),
        ("not chunked in the end", head("transfer-encoding: chunked, identity\r\n\r\n{}"), Closed(&[400])),
        ("a chunk size of no digits", head("transfer-encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"), Closed(&[400])),
        ("a chunk size beyond all", head("transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), Closed(&[400])),
        ("a folded header", get("x-a: 1\r\n 2\r\n"), Closed(&[400])),
        ("a space before the colon", get("x-a : 1\r\n"), Closed(&[400])),
        ("a header without a name", get(": 1\r\n"), Closed(&[400])),
        ("NUL in a header", get("x-a: \0\r\n"), Closed(&[400])),
        ("a bare CR in a header", get("x-a: 1\rx-b: 2\r\n"), Closed(&[400])),
        ("a header of a megabyte", get(&format!("x-a: {}\r\n", "a".repeat(1 << 20))), Closed(&[431])),
        ("10,000 headers", get(&many(10_000)), Closed(&[431])),
        ("101 headers", get(&many(101)), Closed(&[431])),
        (
            "a path of a megabyte",
            format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20)).into_bytes(),
            Closed(&[414, 431]),
        ),
        ("another protocol", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(), Closed(&[400])),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), Closed(&[400, 505])),
        ("HTTP/9", b"GET /health HTTP/9.0\r\nhost: localhost\r\n\r\n".to_vec(), Closed(&[400])),
        (
            "CONNECT",
            b"CONNECT example.org:443 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(),
            Closed(&[404, 405, 421]),
        ),
        ("no Host", b"GET /health HTTP/1.1\r\nconnection: close\r\n\r\n".to_vec(), Status(&[400])),
        ("two Hosts", get("host: localhost\r\nconnection: close\r\n"), Status(&[400])),
        (
            "an absolute address",
            b"GET http://evil.example/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_vec(),
            Status(&[421]),
        ),
    ]
}

#[test]
fn wrong_bytes_are_refused() {
    let server = serve(vector_model());
    testkit::check_table(rows().into_iter().map(|(name, bytes, end)| (name, (bytes, end))), |(bytes, end)| {
        let answer = server.raw_once(&bytes);
        let (statuses, may_close) = match end {
            Status(statuses) => (statuses, false),
            Closed(statuses) => (statuses, true),
        };
        if !(answer.is_empty() && may_close) {
            let status = Answer::parse(&answer).status;
            if !statuses.contains(&status) {
                return Err(format!("status {status}"));
            }
        }
        lives(&server)
    });
}

/// A second request behind the first must not be taken for a part of it, or the other way round.
#[test]
fn two_requests_on_one_connection_are_two() {
    let server = serve(vector_model());
    let one = "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let two = "GET /nowhere HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let answers = String::from_utf8(server.raw(format!("{one}{two}").as_bytes())).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 2, "{answers}");
    assert!(answers.starts_with("HTTP/1.1 200") && answers.contains("HTTP/1.1 404"), "{answers}");
}
