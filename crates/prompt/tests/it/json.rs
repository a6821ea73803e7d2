//! JSON equals Python's, in both directions; conversations survive a round trip; wrong ones are refused by path.

use prompt::{Chunk, Content, Conversation, Json, Message};
use testkit::{check_table, json, vectors};

#[test]
fn as_python_prints_it() {
    let rows = json(&vectors("prompt/json.json"));
    let rows = rows.as_array().unwrap().iter().map(|row| (row[0].to_string(), row));
    check_table(rows, |row| {
        let ours = Json::parse(row[0].as_str().unwrap()).ok().map(|value| value.dump());
        if ours.as_deref() == row[1].as_str() { Ok(()) } else { Err(format!("ours {ours:?}, theirs {}", row[1])) }
    });
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Json::parse(&nested(prompt::limits::MAX_JSON_DEPTH)).is_ok());
    assert!(Json::parse(&nested(1_000_000)).unwrap_err().to_string().contains("nested too deeply"));
}

#[test]
fn round_trip() {
    let cases = json(&vectors("prompt/cases.json"));
    let cases = cases["conversations"].as_object().unwrap();
    check_table(cases, |case| {
        let conversation = Conversation::from_json(&case["request"].to_string()).map_err(|error| error.to_string())?;
        let again = Conversation::from_value(&conversation.to_value()).map_err(|error| error.to_string())?;
        if again == conversation { Ok(()) } else { Err(format!("{again:?}")) }
    });
}

#[test]
fn other_spellings() {
    let text = r#"{"messages": [
        {"role": "developer", "content": "S"},
        {"role": "user", "content": [{"type": "text", "text": "a"}]},
        {"role": "assistant", "content": "b", "reasoning_content": "hm", "tool_calls": null},
        {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}], "closed": false}]}
    ], "tools": [{"type": "function", "function": {"name": "f", "description": null, "parameters": null}}],
    "continue_final_message": true}"#;
    let conversation = Conversation::from_json(text).unwrap();
    assert_eq!(conversation.messages[0], Message::system("S"));
    let thinking = |text: &str, closed| Chunk::Thinking { text: text.to_owned(), closed };
    let Message::Assistant(first) = &conversation.messages[2] else { panic!() };
    assert_eq!(first.content, Content::Chunks(vec![thinking("hm", true), Chunk::Text("b".to_owned())]));
    let Message::Assistant(last) = &conversation.messages[3] else { panic!() };
    assert_eq!((&last.content, last.prefix), (&Content::Chunks(vec![thinking("x", false)]), true));
    assert_eq!(conversation.tools[0].parameters.dump(), "{}");
}

#[test]
fn refusals_name_the_place() {
    let rows = [
        ("", "the conversation is not JSON: expected a value at byte 0"),
        ("[]", "conversation: expected an object"),
        ("{}", "conversation: the field \"messages\" is missing"),
        (
            r#"{"messages": [], "top_k": 1}"#,
            "conversation: unknown field \"top_k\", expected messages, tools, reasoning_effort, response_format, continue_final_message",
        ),
        (
            r#"{"messages": [{"role": "robot", "content": ""}]}"#,
            "messages[0].role: unknown role \"robot\", expected \"system\", \"developer\", \"user\", \"assistant\" or \"tool\"",
        ),
        (r#"{"messages": [{"role": "user"}]}"#, "messages[0]: the field \"content\" is missing"),
        (
            r#"{"messages": [{"role": "user", "content": 1}]}"#,
            "messages[0].content: expected a text or a list of chunks",
        ),
        (
            r#"{"messages": [{"role": "user", "content": "", "name": "x"}]}"#,
            "messages[0]: unknown field \"name\", expected role, content",
        ),
        (
            r#"{"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]}"#,
            "messages[0].content[0].type: chunks of type \"image_url\" are not supported yet: send text",
        ),
        (
            r#"{"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}"#,
            "messages[0].content[0].type: chunks of type \"input_audio\" are not supported yet: send text",
        ),
        (
            r#"{"messages": [{"role": "user", "content": [{"type": "video"}]}]}"#,
            "messages[0].content[0].type: unknown chunk type \"video\", expected \"text\" or \"thinking\"",
        ),
        (
            r#"{"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 1}}]}]}"#,
            "messages[0].tool_calls[0].function.arguments: expected a text",
        ),
        (
            r#"{"messages": [{"role": "assistant", "reasoning": "a", "reasoning_content": "b"}]}"#,
            "messages[0]: `reasoning_content` and `reasoning` should be equal.",
        ),
        (
            r#"{"messages": [{"role": "user", "content": ""}], "continue_final_message": true}"#,
            "continue_final_message=True requires final message to be an assistant.",
        ),
        (r#"{"messages": [], "tools": [{"type": "web"}]}"#, "tools[0].type: unknown type, expected \"function\""),
        (
            r#"{"messages": [], "reasoning_effort": "huge"}"#,
            "reasoning_effort: unknown effort \"huge\", expected one of none, minimal, low, medium, high, xhigh, max",
        ),
    ];
    check_table(rows.map(|row| (row.0, row)), |(text, message)| {
        let error = Conversation::from_json(text).unwrap_err().to_string();
        if error == message { Ok(()) } else { Err(format!("{error:?}")) }
    });
}
