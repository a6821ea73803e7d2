//! The end of the server, and those who would hold it up.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use server::{Deadlines, Options};

use crate::testing::{connect, serve_with, tiny, vector_model};

const QUICK: Deadlines =
    Deadlines { headers: Duration::from_millis(300), body: Duration::from_millis(300), write: Duration::from_secs(30) };

fn sent(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}

/// Deadlines hold while the server drains: nobody who is silent keeps it.
#[test]
fn slow_clients_do_not_hold_up_the_end() {
    let body =
        b"POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let rows: [(&str, &[u8]); 4] = [
        ("idle", b""),
        ("idle after an answer", b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n"),
        ("in its headers", b"GET /health HTTP/1.1\r\nhost: lo"),
        ("in its body", body),
    ];
    testkit::check_table(rows, |bytes| {
        let drain = Duration::from_secs(60);
        let server = serve_with(Options { drain, deadlines: QUICK, ..tiny(vector_model()) });
        let mut streams: Vec<_> = (0..20).map(|_| connect(server.address)).collect();
        streams.iter_mut().for_each(|stream| sent(stream, bytes));
        // The server has seen them when it answers somebody who came later.
        assert_eq!(server.get("/health").status, 200);
        let start = Instant::now();
        server.stop();
        let took = start.elapsed();
        streams.iter_mut().for_each(|stream| drop(stream.read_to_end(&mut Vec::new())));
        if took < drain { Ok(()) } else { Err(format!("it took {took:?}")) }
    });
}

/// Where the drain is shorter than the deadlines it is the drain that counts.
#[test]
fn the_end_comes_in_time() {
    let drain = Duration::from_millis(200);
    let deadlines = Deadlines { headers: Duration::from_secs(600), body: Duration::from_secs(600), ..QUICK };
    let server = serve_with(Options { drain, deadlines, ..tiny(vector_model()) });
    let mut stream = connect(server.address);
    sent(
        &mut stream,
        b"POST /tokenize HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{",
    );
    assert_eq!(server.get("/health").status, 200);
    let start = Instant::now();
    server.stop();
    assert!(start.elapsed() < Duration::from_secs(60));
}
