//! Several models in one server: loaded on first use, unloaded, refused.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, SystemTime};

use serde_json::json;
use server::{ModelSource, Options};

use crate::testing::{Running, chat_model, eventually, serve_with};

fn ask(server: &Running, model: &str) -> u16 {
    server.post("/tokenize", &json!({"content": "x", "model": model})).status
}

fn in_memory(server: &Running, model: &str) -> bool {
    server.get("/metrics").text().contains(&format!("tramontane_model_loaded{{model=\"{model}\"}} 1.0"))
}

/// A model that counts how often it is opened.
fn counted(name: &str, size: u64, opened: &Arc<AtomicUsize>) -> ModelSource {
    let (path, opened) = (chat_model(), Arc::clone(opened));
    ModelSource::new(name, (size, SystemTime::UNIX_EPOCH), move || {
        opened.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(100));
        Ok(engine::Checkpoint::open(&path)?)
    })
}

#[test]
fn many_who_ask_share_one_load() {
    let opened = Arc::new(AtomicUsize::new(0));
    let aliases = BTreeMap::from([("gpt-4o".to_owned(), "b".to_owned())]);
    let models = vec![ModelSource::at("a", &chat_model()), counted("b", 1, &opened)];
    let server = serve_with(Options { models, aliases, ..Options::loopback() });
    assert!(!in_memory(&server, "b"));
    let (barrier, statuses) = (Barrier::new(6), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for name in ["b", "b", "gpt-4o", "b:latest", "gpt-4o", "b"] {
            let (barrier, statuses, server) = (&barrier, &statuses, &server);
            scope.spawn(move || {
                barrier.wait();
                let status = ask(server, name);
                statuses.lock().unwrap().push(status);
            });
        }
    });
    assert_eq!((statuses.into_inner().unwrap(), opened.load(Ordering::SeqCst)), (vec![200; 6], 1));
    assert!(in_memory(&server, "b"));
    assert_eq!(ask(&server, "c"), 404);
}

#[test]
fn an_idle_model_leaves_and_comes_back() {
    let opened = Arc::new(AtomicUsize::new(0));
    let models = vec![counted("a", 1, &opened)];
    let server = serve_with(Options { models, keep_alive: Some(Duration::ZERO), ..Options::loopback() });
    assert_eq!(ask(&server, "a"), 200);
    eventually("it leaves", || !in_memory(&server, "a"));
    assert_eq!((ask(&server, "a"), opened.load(Ordering::SeqCst)), (200, 2));
}

#[test]
fn the_one_that_was_used_the_longest_ago_makes_room() {
    static FREE: AtomicU64 = AtomicU64::new(u64::MAX);
    let opened = Arc::new(AtomicUsize::new(0));
    let models = ["a", "b", "c"].map(|name| counted(name, 1, &opened)).to_vec();
    let available_bytes = || Some(FREE.load(Ordering::SeqCst));
    let server = serve_with(Options { models, available_bytes, ..Options::loopback() });
    assert_eq!((ask(&server, "a"), ask(&server, "b"), ask(&server, "a")), (200, 200, 200));
    FREE.store(0, Ordering::SeqCst);
    // Nothing ever becomes free here: all that are idle go, and then the load is tried.
    let answer = server.post("/tokenize", &json!({"content": "x", "model": "c"}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(!in_memory(&server, "a") && !in_memory(&server, "b") && in_memory(&server, "c"));
}

#[test]
fn a_load_that_fails_is_said_and_tried_again_later() {
    let (opened, path) = (Arc::new(AtomicUsize::new(0)), chat_model());
    let count = Arc::clone(&opened);
    let broken =
        ModelSource::new("a", (1, SystemTime::UNIX_EPOCH), move || match count.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(engine::Checkpoint::open("/nowhere/secret-place.gguf")?),
            _ => Ok(engine::Checkpoint::open(&path)?),
        });
    let server = serve_with(Options { models: vec![broken], ..Options::loopback() });
    let first = server.post("/tokenize", &json!({"content": "x"}));
    assert_eq!((first.status, first.text().contains("secret-place")), (503, false), "{}", first.text());
    let second = server.post("/tokenize", &json!({"content": "x"}));
    assert!(second.status == 503 && second.header("retry-after").is_some(), "{second:?}");
    assert_eq!((server.get("/ready").status, opened.load(Ordering::SeqCst)), (503, 1), "not tried before the pause");
    eventually("it is tried again", || server.post("/tokenize", &json!({"content": "x"})).status == 200);
    assert_eq!(server.get("/ready").status, 200);
}

#[test]
fn names_must_be_clear() {
    let path = chat_model();
    let refused = |options| server::Server::start(options).err().map(|error| error.to_string()).unwrap_or_default();
    let twice = vec![ModelSource::at("a", &path), ModelSource::at("a", &path)];
    assert!(refused(Options { models: twice, ..Options::loopback() }).contains("two models are called a"));
    let aliases = BTreeMap::from([("x".to_owned(), "y".to_owned())]);
    let models = vec![ModelSource::at("a", &path)];
    assert!(refused(Options { models, aliases, ..Options::loopback() }).contains("the alias x stands for y"));
    assert!(refused(Options::loopback()).contains("no model was named"));
}
