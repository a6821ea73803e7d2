//! The turns of a conversation, brought into the form that templates take.
//!
//! Clients send what other servers accept, and what this one gave them: instructions in the middle of a conversation, and
//! answers that were cut before their first word. A conversation that is refused for one of them is refused for good,
//! because its history keeps them.

use engine::TemplateVersion;
use engine::prompt::{Assistant, Chunk, Content, Message};

/// The same conversation for a template of `version`, or for the model's own:
///
/// - an assistant's message that says and calls nothing is left out;
/// - instructions behind an answer or a tool's result, where no template has a place for them, are said by the user.
pub(crate) fn settled(messages: Vec<Message>, version: Option<TemplateVersion>) -> Vec<Message> {
    let mut settled = Settled { messages: Vec::with_capacity(messages.len()), version, last: Last::AsSent };
    messages.into_iter().for_each(|message| settled.push(message));
    settled.messages
}

struct Settled {
    messages: Vec<Message>,
    version: Option<TemplateVersion>,
    last: Last,
}

/// How the last message came to stand where it does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    AsSent,
    /// An empty answer stood behind it.
    BeforeEmpty,
    /// It was instructions.
    Reworded,
}

impl Settled {
    fn push(&mut self, message: Message) {
        match message {
            Message::Assistant(assistant) if says_nothing(&assistant) => {
                self.last = if self.last == Last::Reworded { Last::Reworded } else { Last::BeforeEmpty };
            }
            Message::System(content) if self.has_no_place_for_instructions() => {
                self.add_user(content);
                self.last = Last::Reworded;
            }
            Message::User(content) => {
                self.add_user(content);
                self.last = Last::AsSent;
            }
            message => {
                self.messages.push(message);
                self.last = Last::AsSent;
            }
        }
    }

    fn has_no_place_for_instructions(&self) -> bool {
        self.last == Last::Reworded || matches!(self.messages.last(), Some(Message::Assistant(_) | Message::Tool(_)))
    }

    /// Built-in templates join neighbours by their own rules; a model's own template may not know neighbours at all.
    fn add_user(&mut self, content: Content) {
        let made_here = self.last != Last::AsSent && self.version.is_none();
        match self.messages.last_mut() {
            Some(Message::User(before)) if made_here => {
                *before = Content::Text(format!("{}\n\n{}", before.plain_text(), content.plain_text()));
            }
            _ => self.messages.push(Message::User(content)),
        }
    }
}

/// A thought is something: the model goes on behind it.
fn says_nothing(assistant: &Assistant) -> bool {
    let is_silent = |chunk: &Chunk| matches!(chunk, Chunk::Text(text) if text.is_empty());
    let no_content = match &assistant.content {
        Content::Text(text) => text.is_empty(),
        Content::Chunks(chunks) => chunks.iter().all(is_silent),
    };
    no_content && assistant.tool_calls.is_empty()
}

#[cfg(test)]
mod tests {
    use engine::prompt::{ToolCall, ToolResult};

    use super::*;

    /// `s` system, `u` user, `a` assistant, `e` an empty answer, `c` a call, `t` its result; each says where it stands.
    fn conversation(letters: &str) -> Vec<Message> {
        let message = |(index, letter): (usize, char)| {
            let text = format!("{letter}{index}");
            match letter {
                's' => Message::system(text),
                'u' => Message::user(text),
                'a' => Message::assistant(text),
                'e' => Message::assistant(""),
                'c' => {
                    let call = ToolCall { id: None, name: "f".to_owned(), arguments: "{}".to_owned() };
                    Message::Assistant(Assistant { tool_calls: vec![call], ..Assistant::default() })
                }
                _ => Message::Tool(ToolResult { content: Content::Text(text), ..ToolResult::default() }),
            }
        };
        letters.chars().enumerate().map(message).collect()
    }

    fn shown(messages: &[Message]) -> String {
        let one = |message: &Message| format!("{} {}", message.role().name(), message.content().plain_text());
        messages.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn turns_come_into_order() {
        const BUILT_IN: Option<TemplateVersion> = Some(TemplateVersion::V13);
        let rows = [
            ("sua", BUILT_IN, "system s0, user u1, assistant a2"),
            ("usu", BUILT_IN, "user u0, system s1, user u2"),
            ("uct", BUILT_IN, "user u0, assistant , tool t2"),
            ("ucts", BUILT_IN, "user u0, assistant , tool t2, user s3"),
            ("uctss", BUILT_IN, "user u0, assistant , tool t2, user s3, user s4"),
            ("uasu", BUILT_IN, "user u0, assistant a1, user s2, user u3"),
            ("uasus", BUILT_IN, "user u0, assistant a1, user s2, user u3, system s4"),
            ("uasu", None, "user u0, assistant a1, user s2\n\nu3"),
            ("uctss", None, "user u0, assistant , tool t2, user s3\n\ns4"),
            ("ueu", BUILT_IN, "user u0, user u2"),
            ("ueu", None, "user u0\n\nu2"),
            ("uesu", None, "user u0, system s2, user u3"),
            ("uu", None, "user u0, user u1"),
            ("uctesu", None, "user u0, assistant , tool t2, user s4\n\nu5"),
            ("e", BUILT_IN, ""),
        ];
        testkit::check_table(rows.map(|row| (row.0, row)), |(letters, version, expected)| {
            let found = shown(&settled(conversation(letters), version));
            if found == expected { Ok(()) } else { Err(found) }
        });
    }
}
