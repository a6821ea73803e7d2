//! Starting a server on a loopback port, sending it bytes, reading what comes back.
//!
//! ```text
//! let server = testing::serve(testing::chat_model());
//! let answer = server.post("/v1/chat/completions", &json!({…}));       // answer.status, .headers, .body, .json(), .events()
//! ```

mod client;
mod model;

pub(crate) use client::{Answer, connect};
pub(crate) use model::{chat_model, scripted_model, vector_model};

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use server::{KeyFile, KeyLimits, ModelSource, Options, Server};

/// A running server; it ends with the test.
pub(crate) struct Running {
    server: Option<Server>,
    pub(crate) address: std::net::SocketAddr,
}

/// A server with one model, which requests call `tiny`.
pub(crate) fn serve(model: PathBuf) -> Running {
    serve_with(tiny(model))
}

/// Options for one model, which requests call `tiny`.
pub(crate) fn tiny(model: PathBuf) -> Options {
    Options { models: vec![ModelSource::at("tiny", &model)], ..Options::loopback() }
}

/// A file with one key, called `first`, and its secret.
pub(crate) fn key_file(name: &str) -> (PathBuf, String) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("keys.toml");
    let secret = KeyFile::at(&path).add("first", KeyLimits::default()).unwrap();
    (path, secret)
}

/// Waits until it is so; far longer than it takes.
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(30), "it did not come to be: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A server with these options.
pub(crate) fn serve_with(options: Options) -> Running {
    let server = Server::start(options).expect("the server starts");
    Running { address: server.addresses()[0], server: Some(server) }
}

impl Running {
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], b"")
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// One request with these headers besides `host`, `connection: close` and `content-length`.
    pub(crate) fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        client::request(self.address, method, path, headers, body)
    }

    /// Sends these bytes and reads until the server closes the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        client::raw(self.address, bytes)
    }

    /// Sends these bytes and no more: the sending side is closed, then read until the server closes its own.
    pub(crate) fn raw_once(&self, bytes: &[u8]) -> Vec<u8> {
        client::raw_once(self.address, bytes)
    }

    /// Lets answers come to their end.
    pub(crate) fn stop(mut self) {
        if let Some(server) = self.server.take() {
            server.stop();
        }
    }
}
