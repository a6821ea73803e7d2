//! `chat` through a pipe: line by line, without a terminal.

use crate::program::{Run, argument, folder, stories, with};

fn chat(lines: &str) -> Option<Run> {
    let model = stories()?;
    let arguments = ["chat", &model, "--template", "v1", "--temperature", "0", "--max-tokens", "8"];
    Some(with(&arguments, lines, &[]))
}

#[test]
fn answers_come_line_by_line() {
    let Some(run) = chat("Hello\n\n/stats\n/exit\nnever read\n") else { return };
    assert_eq!(run.text().matches('\n').count(), run.stdout.lines().count(), "{run:?}");
    assert!(!run.stdout.is_empty() && !run.stdout.contains("› "), "{run:?}");
    assert!(run.stderr.contains("context ") && run.stderr.contains("answer 8 tokens"), "{run:?}");
}

#[test]
fn commands_are_obeyed_or_explained() {
    let lines = "/system\n/system Be brief.\n/system\n/undo\n/retry\n/nonsense\n/help\n/reset\n/load missing.json\n";
    let Some(run) = chat(lines) else { return };
    assert_eq!(run.text(), "");
    for said in [
        "there is no system prompt",
        "the system prompt is set",
        "Be brief.",
        "there is nothing to forget",
        "there is nothing to answer yet",
        "there is no command /nonsense",
        "write the conversation to a JSON file",
        "the conversation starts anew",
        "missing.json",
    ] {
        assert!(run.stderr.contains(said), "{said}: {run:?}");
    }
}

#[test]
fn a_conversation_is_saved_and_loaded() {
    let file = folder("chat").join("saved.json");
    let _ = std::fs::remove_file(&file);
    let path = argument(&file);
    let Some(run) = chat(&format!("/system Be brief.\nHello\\\nthere\n/save {path}\n/reset\n/load {path}\n")) else {
        return;
    };
    assert!(run.stderr.contains("3 messages saved") && run.stderr.contains("3 messages loaded"), "{run:?}");
    let saved = testkit::json(&file);
    assert_eq!(saved["messages"][0], serde_json::json!({ "role": "system", "content": "Be brief." }));
    assert_eq!(saved["messages"][1]["content"], "Hello\nthere");
    assert_eq!(saved["messages"][2]["role"], "assistant");
}

/// What is there is replaced only where it is a conversation, and then with the rights that it had; what was called
/// `FILE.partial` is somebody's.
#[test]
fn saving_over_what_is_there() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = folder("chat-over");
    let (ours, theirs, beside) = (folder.join("ours"), folder.join("theirs"), folder.join("ours.partial"));
    std::fs::write(&ours, r#"{"messages":[{"role":"user","content":"of long ago"}]}"#).unwrap();
    std::fs::set_permissions(&ours, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&theirs, "a letter").unwrap();
    std::fs::write(&beside, "notes").unwrap();
    let lines = [&ours, &theirs].map(|path| format!("/save {}\n", argument(path))).concat();
    let Some(run) = chat(&format!("Hello\n{lines}/save /dev/null\n")) else { return };
    assert!(run.stderr.contains("2 messages saved"), "{run:?}");
    for kept in ["theirs is there and is no saved conversation", "/dev/null is there and is no saved conversation"] {
        assert!(run.stderr.contains(kept), "{kept}: {run:?}");
    }
    assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "a letter");
    assert_eq!(std::fs::read_to_string(&beside).unwrap(), "notes");
    assert_eq!(testkit::json(&ours)["messages"][0]["content"], "Hello");
    assert_eq!(std::fs::metadata(&ours).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 3);
}

#[test]
fn retry_at_temperature_zero_is_the_same_answer() {
    let Some(run) = chat("Hello\n/retry\n") else { return };
    let half = run.text().len() / 2;
    assert_eq!(run.stdout[..half], run.stdout[half..]);
    assert!(run.stderr.contains("at temperature 0 the answer is always the same"), "{run:?}");
}

#[test]
fn a_message_that_does_not_fit_is_forgotten() {
    let long = "word ".repeat(600);
    let Some(run) = chat(&format!("{long}\n/undo\n")) else { return };
    assert!(run.stderr.contains("the context holds") && run.stderr.contains("nothing to forget"), "{run:?}");
}
