//! Which models there are, which are in memory, and how they come and go.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::testing::{chat_model, serve};

#[test]
fn models_are_listed_and_shown() {
    let server = serve(chat_model());
    let tags = server.get("/api/tags").json();
    let model = &tags["models"][0];
    assert_eq!(
        (model["name"].as_str(), model["details"]["format"].as_str()),
        (Some("tiny"), Some("safetensors")),
        "{tags}"
    );
    assert_eq!(model["digest"].as_str().map(str::len), Some(64));
    assert!(model["size"].as_u64().is_some_and(|bytes| bytes > 0));
    let show = server.post("/api/show", &json!({"model": "tiny"})).json();
    assert_eq!(show["model_info"]["mistral.context_length"], 2048, "{show}");
    assert_eq!(show["capabilities"], json!(["completion", "tools", "insert", "thinking", "embedding"]));
    assert!(server.get("/api/version").json()["version"].as_str().unwrap().contains("tramontane"));
    assert_eq!(server.post("/api/show", &json!({"model": "other"})).status, 404);
}

#[test]
fn a_model_comes_without_a_prompt_and_goes_with_keep_alive_0() {
    let server = serve(chat_model());
    let loaded = || server.get("/api/ps").json()["models"].as_array().unwrap().len();
    assert_eq!(loaded(), 0);
    let came = server.post("/api/generate", &json!({"model": "tiny", "keep_alive": "10m"})).json();
    assert_eq!((came["done_reason"].as_str(), came["response"].as_str()), (Some("load"), Some("")), "{came}");
    let ps = server.get("/api/ps").json();
    assert_eq!(ps["models"][0]["context_length"], 2048, "{ps}");
    assert!(ps["models"][0]["expires_at"].as_str().unwrap() > "2024");
    let went = server.post("/api/chat", &json!({"model": "tiny", "messages": [], "keep_alive": 0})).json();
    assert_eq!(went["done_reason"], "unload", "{went}");
    let begun = Instant::now();
    while loaded() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "the model stays");
        std::thread::sleep(Duration::from_millis(50));
    }
}
