//! Rates of `pull` on loopback: a hub that serves one large file from memory, and the client.
//!
//! ```sh
//! cargo run --release -p hub --example loopback -- serve 127.0.0.1:8999 1024 0    # MiB; bytes a second for each connection, 0 = all
//! cargo run --release -p hub --example loopback -- pull http://127.0.0.1:8999 FOLDER 4        # connections
//! HF_ENDPOINT=http://127.0.0.1:8999 HF_HOME=FOLDER hf download someone/Large-GGUF     # the same by huggingface_hub
//! ```

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use hub::{Endpoint, Folders, ModelName, Plan, PullOptions, Sha256Digest};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const REPO: &str = "someone/Large-GGUF";
const FILE: &str = "Large-Q4_K_M.gguf";

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", address, mebibytes, rate] => serve(address, mebibytes.parse()?, rate.parse()?),
        ["pull", endpoint, folder, connections] => pull(endpoint, folder, connections.parse()?),
        _ => Err("serve ADDRESS MIB RATE, or pull ENDPOINT FOLDER CONNECTIONS".into()),
    }
}

fn pull(endpoint: &str, folder: &str, connections: usize) -> Outcome {
    let begin = Instant::now();
    let options = PullOptions { connections, ..PullOptions::default() };
    let plan = Plan::of(&ModelName::parse(REPO)?, Endpoint::at(endpoint)?, options)?;
    let pulled = plan.fetch(&Folders::at(folder), &mut |_| ControlFlow::Continue(()))?;
    let seconds = begin.elapsed().as_secs_f64();
    println!("{:.2} s, {:.0} MB/s", seconds, pulled.fetched_bytes as f64 / 1e6 / seconds);
    Ok(())
}

struct Served {
    bytes: Vec<u8>,
    digest: Sha256Digest,
    rate: u64,
}

fn serve(address: &str, mebibytes: usize, rate: u64) -> Outcome {
    // Bytes that no compression or zero page makes easier.
    let mut state = 1_u64;
    let words = (0..mebibytes << 17).flat_map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_le_bytes()
    });
    let bytes: Vec<u8> = words.collect();
    let served = Arc::new(Served { digest: Sha256Digest::of(&bytes), bytes, rate });
    let listener = TcpListener::bind(address)?;
    println!("{} MiB at {address}", mebibytes);
    for stream in listener.incoming() {
        let (served, stream) = (Arc::clone(&served), stream?);
        thread::spawn(move || while answer(&served, &stream).is_some() {});
    }
    Ok(())
}

/// One request; `None` when the connection is over.
fn answer(served: &Served, mut stream: &TcpStream) -> Option<()> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let request = lines.next()?;
    let headers: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let (size, digest) = (served.bytes.len(), served.digest);
    if request.contains("/api/") {
        let list = format!(
            r#"{{"id": "{REPO}", "modelId": "{REPO}", "sha": "{COMMIT}", "private": false, "siblings": [{{"rfilename": "{FILE}", "size": {size},
            "blobId": "{COMMIT}", "lfs": {{"sha256": "{digest}", "size": {size}, "pointerSize": 134}}}}]}}"#
        );
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", list.len());
        return stream.write_all(format!("{head}{list}").as_bytes()).ok();
    }
    let range =
        headers.iter().find_map(|line| line.to_ascii_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let (first, last) = range.as_deref().and_then(|range| range.split_once('-')).unwrap_or(("0", ""));
    let (first, last) = (first.parse().ok()?, last.parse().unwrap_or(size - 1).min(size - 1));
    let status = if range.is_some() { "206 Partial Content" } else { "200 OK" };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\ncontent-range: bytes {first}-{last}/{size}\r\netag: \"{digest}\"\r\n\
         x-linked-size: {size}\r\nx-linked-etag: \"{digest}\"\r\nx-repo-commit: {COMMIT}\r\naccept-ranges: bytes\r\n\r\n",
        last + 1 - first,
    );
    stream.write_all(head.as_bytes()).ok()?;
    if request.starts_with("HEAD") {
        return Some(());
    }
    let begin = Instant::now();
    for (index, chunk) in served.bytes.get(first..=last)?.chunks(1 << 18).enumerate() {
        stream.write_all(chunk).ok()?;
        if let Some(nanos) = ((index as u64 + 1) << 18).saturating_mul(1_000_000_000).checked_div(served.rate) {
            thread::sleep(Duration::from_nanos(nanos).saturating_sub(begin.elapsed()));
        }
    }
    Some(())
}
