//! Starting, being asked, ending.

use crate::testing::{chat_model, serve};

#[test]
fn it_lives_and_ends() {
    let server = serve(chat_model());
    let answer = server.get("/health");
    assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"status":"ok"}"#));
    assert_eq!(server.get("/nowhere").json()["error"]["type"], "invalid_request_error");
    assert!(answer.header("x-request-id").is_some_and(|id| id.starts_with("req-")), "{answer:?}");
    server.stop();
}
