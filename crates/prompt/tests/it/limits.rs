//! What could grow without end stops with an error that names the limit.

use prompt::limits::{MAX_CALL_BYTES, MAX_MESSAGES, MAX_TEXT_BYTES, MAX_TOOLS};
use prompt::{Content, Conversation, Json, Message, Tool, parse_answer, render};
use testkit::check_table;
use tokenizer::TemplateVersion;

use crate::tokenizers;

#[test]
fn conversations() {
    let tokenizer = tokenizers::small("tekken v13");
    let tool = Tool { name: "f".to_owned(), description: String::new(), parameters: Json::object::<&str>([]) };
    let mut tools = Conversation::new([Message::user("a")]);
    tools.tools = vec![tool; MAX_TOOLS + 1];
    let rows = [
        ("messages", Conversation::new((0..=MAX_MESSAGES).map(|_| Message::user("a")))),
        ("bytes of text", Conversation::new([Message::User(Content::Text("a".repeat(MAX_TEXT_BYTES + 1)))])),
        ("tools", tools),
    ];
    check_table(rows.map(|row| (row.0, row)), |(what, conversation)| {
        let error = render(&tokenizer, TemplateVersion::V13, &conversation).unwrap_err().to_string();
        let is_named = error.contains(what) && error.ends_with("are allowed: shorten it");
        if is_named { Ok(()) } else { Err(error) }
    });
}

#[test]
fn calls() {
    let tokenizer = tokenizers::small("tekken v13");
    let mut tokens = vec![tokenizer.special("[TOOL_CALLS]").unwrap()];
    tokens.extend(std::iter::repeat_n(tokenizer.encode("a")[0], MAX_CALL_BYTES + 1));
    let error = parse_answer(&tokenizer, TemplateVersion::V13, &tokens, String::new).unwrap_err();
    assert_eq!(error.to_string(), "the model's tool call cannot be read, it is longer than a call may be: \"\"");
}
