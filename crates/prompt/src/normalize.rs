//! From what people write to what templates render: neighbours of one role become one message, chunks of text one
//! text, JSON takes its one printed form, results take the order of their calls.
//!
//! The rules are mistral-common's and depend on the template version. Works on conversations that
//! [`crate::validate`] accepted.

use std::collections::HashMap;

use tokenizer::TemplateVersion;

use crate::message::{Assistant, Chunk, Content, Conversation, Message, Role, ToolCall, ToolResult};
use crate::value::Json;

/// What a layout renders.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Normalized {
    pub(crate) messages: Vec<Message>,
    /// All system prompts, up to v3; later they are messages.
    pub(crate) system_prompt: Option<String>,
}

/// Normalises a conversation for one template version.
pub(crate) fn normalize(conversation: &Conversation, version: TemplateVersion) -> Normalized {
    let rules = Rules { version };
    let mut messages = rules.merge(&conversation.messages);
    let has_start = match messages.first() {
        None => false,
        Some(first) => version >= TemplateVersion::V7 || first.role() == Role::User,
    };
    if !has_start {
        messages.insert(0, Message::user(""));
    }
    Normalized { messages, system_prompt: rules.system_prompt(&conversation.messages) }
}

/// `arguments` and results that are JSON, as Python prints them; other text as it is; nothing is an empty object.
pub(crate) fn normalize_json(text: &str) -> String {
    if text.is_empty() {
        return "{}".to_owned();
    }
    Json::parse(text).map_or_else(|_| text.to_owned(), |value| value.dump())
}

const BETWEEN_MESSAGES: &str = "\n\n";

#[derive(Clone, Copy)]
struct Rules {
    version: TemplateVersion,
}

impl Rules {
    fn merge(self, messages: &[Message]) -> Vec<Message> {
        let mut merged = Vec::new();
        let mut call_ids: Vec<String> = Vec::new();
        for group in messages.chunk_by(|a, b| a.role() == b.role()) {
            let Some(role) = group.first().map(Message::role) else { continue };
            match role {
                Role::System if self.version >= TemplateVersion::V7 => {
                    merged.extend(group.iter().map(|message| Message::System(self.join([message.content()]))));
                }
                Role::System => {}
                Role::User => merged.push(Message::User(self.join(group.iter().map(Message::content)))),
                Role::Assistant => {
                    let assistant = self.merge_assistant(group);
                    call_ids.extend(assistant.tool_calls.iter().map(|call| id_of(call.id.as_deref()).to_owned()));
                    merged.push(Message::Assistant(assistant));
                }
                Role::Tool => {
                    merged.extend(self.merge_results(group, &call_ids).into_iter().map(Message::Tool));
                    call_ids.clear();
                }
            }
        }
        merged
    }

    fn merge_assistant(self, group: &[Message]) -> Assistant {
        let assistants = || {
            group.iter().filter_map(|message| match message {
                Message::Assistant(assistant) => Some(assistant),
                _ => None,
            })
        };
        let normalized = |call: &ToolCall| ToolCall { arguments: normalize_json(&call.arguments), ..call.clone() };
        Assistant {
            content: self.join(assistants().map(|assistant| &assistant.content)),
            tool_calls: assistants().flat_map(|assistant| &assistant.tool_calls).map(normalized).collect(),
            prefix: assistants().any(|assistant| assistant.prefix),
        }
    }

    fn merge_results(self, group: &[Message], call_ids: &[String]) -> Vec<ToolResult> {
        let mut results: Vec<ToolResult> = group
            .iter()
            .filter_map(|message| match message {
                Message::Tool(result) => {
                    Some(ToolResult { content: self.result_content(&result.content), ..result.clone() })
                }
                _ => None,
            })
            .collect();
        if self.version >= TemplateVersion::V11 {
            let places: HashMap<&str, usize> =
                call_ids.iter().enumerate().map(|(place, id)| (id.as_str(), place)).collect();
            let place = |result: &ToolResult| places.get(id_of(result.tool_call_id.as_deref())).copied();
            results.sort_by_key(|result| place(result).unwrap_or(usize::MAX));
        }
        results
    }

    fn result_content(self, content: &Content) -> Content {
        let content = self.join([content]);
        match content {
            Content::Text(text) if self.version < TemplateVersion::V7 => Content::Text(normalize_json(&text)),
            content => content,
        }
    }

    fn system_prompt(self, messages: &[Message]) -> Option<String> {
        if self.version >= TemplateVersion::V7 {
            return None;
        }
        let prompts: Vec<String> = messages
            .iter()
            .filter(|message| message.role() == Role::System && !message.content().is_empty())
            .map(|message| self.join([message.content()]).plain_text())
            .collect();
        if prompts.is_empty() { None } else { Some(prompts.join(BETWEEN_MESSAGES)) }
    }

    /// One content of several: neighbouring texts become one. Text alone is text, not a chunk.
    fn join<'c>(self, contents: impl IntoIterator<Item = &'c Content>) -> Content {
        let between_chunks = if self.version >= TemplateVersion::V15 { "" } else { BETWEEN_MESSAGES };
        let mut chunks = Vec::new();
        let mut text: Option<String> = None;
        let add = |text: &mut Option<String>, between, more: &str| match text {
            Some(text) => text.extend([between, more]),
            None => *text = Some(more.to_owned()),
        };
        for content in contents {
            let mut is_first = true;
            match content {
                Content::Text(more) if more.is_empty() => {}
                Content::Text(more) => add(&mut text, BETWEEN_MESSAGES, more),
                Content::Chunks(parts) => {
                    for part in parts {
                        match part {
                            Chunk::Text(more) if more.is_empty() => {}
                            Chunk::Text(more) => {
                                add(&mut text, if is_first { BETWEEN_MESSAGES } else { between_chunks }, more);
                                is_first = false;
                            }
                            thinking @ Chunk::Thinking { .. } => {
                                chunks.extend(text.take().map(Chunk::Text));
                                chunks.push(thinking.clone());
                            }
                        }
                    }
                }
            }
        }
        if chunks.is_empty() {
            return Content::Text(text.unwrap_or_default());
        }
        chunks.extend(text.map(Chunk::Text));
        Content::Chunks(chunks)
    }
}

fn id_of(id: Option<&str>) -> &str {
    id.unwrap_or("null")
}
