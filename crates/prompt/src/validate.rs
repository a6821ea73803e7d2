//! Which conversations a template version accepts, with mistral-common's rules and in its order.
//!
//! First the order of roles and the pairing of calls and results, then each message, then the tools, then the
//! settings. What is accepted here can be normalised (`normalize.rs`) and rendered (`instruct/`).

use std::collections::HashSet;

use tokenizer::TemplateVersion;

use crate::Error;
use crate::limits::{MAX_MESSAGES, MAX_TEXT_BYTES, MAX_TOOL_CALLS, MAX_TOOLS};
use crate::message::{Assistant, Chunk, Content, Conversation, Message, Role, Tool, ToolCall, ToolResult};
use crate::schema;

/// What the tokens are for: it decides how a conversation may end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// The model is to answer: every call must have its result.
    #[default]
    Serving,
    /// The model is to learn from the last message, which is an assistant's.
    Finetuning,
    /// As for serving, but results may be missing at the end.
    Test,
}

/// Checks everything.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn validate(conversation: &Conversation, version: TemplateVersion, purpose: Purpose) -> Result<(), Error> {
    check_size(conversation)?;
    let rules = Rules { version, purpose };
    let messages = &conversation.messages;
    rules.check_structure(messages)?;
    for (index, message) in messages.iter().enumerate() {
        rules.check_message(message, index + 1 == messages.len())?;
    }
    for tool in &conversation.tools {
        schema::check(&tool.parameters).map_err(Error::ToolSchema)?;
        check_name(&tool.name)?;
    }
    rules.check_settings(conversation)
}

/// Letters, digits, `_` and `-`: 1 to 64 of them.
pub(crate) fn is_function_name(name: &str) -> bool {
    // Python's `$` also matches before a line break at the end; such a name is refused here.
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

fn check_size(conversation: &Conversation) -> Result<(), Error> {
    let bound = |what, found, limit| if found > limit { Err(Error::TooLarge { what, found, limit }) } else { Ok(()) };
    bound("messages", conversation.messages.len(), MAX_MESSAGES)?;
    bound("tools", conversation.tools.len(), MAX_TOOLS)?;
    let tool_size = |tool: &Tool| tool.description.len() + tool.parameters.dump().len();
    let mut size_bytes = conversation.tools.iter().map(tool_size).sum::<usize>();
    for message in &conversation.messages {
        size_bytes += message.content().size_bytes();
        if let Message::Assistant(Assistant { tool_calls, .. }) = message {
            bound("tool calls in one message", tool_calls.len(), MAX_TOOL_CALLS)?;
            size_bytes += tool_calls.iter().map(|call| call.name.len() + call.arguments.len()).sum::<usize>();
        }
        bound("bytes of text", size_bytes, MAX_TEXT_BYTES)?;
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Error> {
    if is_function_name(name) { Ok(()) } else { Err(Error::FunctionName(name.to_owned())) }
}

#[derive(Clone, Copy)]
struct Rules {
    version: TemplateVersion,
    purpose: Purpose,
}

impl Rules {
    fn check_structure(self, messages: &[Message]) -> Result<(), Error> {
        let (Some(first), Some(last)) = (messages.first(), messages.last()) else { return Err(Error::NoMessages) };
        if messages.len() == 1 && !matches!(first.role(), Role::User | Role::System) {
            return Err(Error::BadStart);
        }
        if messages.len() > 1 || self.purpose == Purpose::Finetuning {
            self.check_end(last)?;
        }
        for pair in messages.windows(2) {
            if let [earlier, later] = pair {
                check_order(earlier.role(), later.role())?;
            }
        }
        if self.version >= TemplateVersion::V11 {
            self.check_pairing_by_id(messages)
        } else {
            self.check_pairing_by_count(messages)
        }
    }

    fn check_end(self, last: &Message) -> Result<(), Error> {
        if self.purpose == Purpose::Finetuning {
            let Message::Assistant(assistant) = last else { return Err(Error::BadFinetuningEnd(last.role())) };
            if assistant.prefix {
                return Err(Error::PrefixInFinetuning);
            }
            if self.version >= TemplateVersion::V3 {
                assistant.tool_calls.iter().try_for_each(|call| self.check_call(call, true))?;
            }
            return Ok(());
        }
        match last {
            Message::Assistant(assistant) if !assistant.prefix => Err(Error::BadEnd(Role::Assistant)),
            _ => Ok(()),
        }
    }

    /// The first message is passed over, as mistral-common passes it over.
    fn check_pairing_by_count(self, messages: &[Message]) -> Result<(), Error> {
        let mut calls = 0;
        let mut results = 0;
        for message in messages.iter().skip(1) {
            match message {
                Message::Tool(_) => results += 1,
                Message::Assistant(assistant) => {
                    if calls != results {
                        return Err(Error::UnpairedCalls);
                    }
                    calls = assistant.tool_calls.len();
                    results = 0;
                }
                Message::System(_) | Message::User(_) => {}
            }
        }
        self.check_last_pairing(calls, results)
    }

    fn check_pairing_by_id(self, messages: &[Message]) -> Result<(), Error> {
        let mut calls = HashSet::new();
        let mut results = HashSet::new();
        for message in messages.iter().skip(1) {
            match message {
                Message::Tool(ToolResult { tool_call_id, .. }) => {
                    let id = tool_call_id.as_deref().unwrap_or("None");
                    if results.contains(id) {
                        return Err(Error::DuplicateResult(id.to_owned()));
                    }
                    if !calls.contains(id) {
                        return Err(Error::UnexpectedResult(id.to_owned()));
                    }
                    results.insert(id);
                }
                Message::Assistant(Assistant { tool_calls, .. }) => {
                    if calls.len() != results.len() {
                        return Err(Error::UnpairedCalls);
                    }
                    calls.clear();
                    results.clear();
                    for call in tool_calls {
                        let id = call.id.as_deref().unwrap_or("null");
                        if !calls.insert(id) {
                            return Err(Error::DuplicateCall(id.to_owned()));
                        }
                    }
                }
                Message::System(_) | Message::User(_) => {}
            }
        }
        self.check_last_pairing(calls.len(), results.len())
    }

    const fn check_last_pairing(self, calls: usize, results: usize) -> Result<(), Error> {
        match self.purpose {
            Purpose::Serving if calls != results => Err(Error::UnpairedCalls),
            Purpose::Finetuning if calls < results => Err(Error::TooManyResults),
            _ => Ok(()),
        }
    }

    fn check_message(self, message: &Message, is_last: bool) -> Result<(), Error> {
        self.check_chunks(message.role(), message.content())?;
        match message {
            Message::System(_) | Message::User(_) => Ok(()),
            Message::Assistant(assistant) => self.check_assistant(assistant, is_last),
            Message::Tool(result) => {
                result.name.as_deref().map_or(Ok(()), check_name)?;
                self.check_result_id(result.tool_call_id.as_deref())
            }
        }
    }

    /// Thinking: in assistant messages from v11 on, in system prompts from v7 to v13.
    fn check_chunks(self, role: Role, content: &Content) -> Result<(), Error> {
        let allowed = match role {
            Role::Assistant => self.version >= TemplateVersion::V11,
            Role::System => (TemplateVersion::V7..TemplateVersion::V15).contains(&self.version),
            Role::User | Role::Tool => false,
        };
        let is_thinking = |chunk: &Chunk| matches!(chunk, Chunk::Thinking { .. });
        match content {
            Content::Chunks(chunks) if !allowed && chunks.iter().any(is_thinking) => {
                Err(Error::ChunkType { role, chunk: "ThinkChunk" })
            }
            _ => Ok(()),
        }
    }

    fn check_assistant(self, assistant: &Assistant, is_last: bool) -> Result<(), Error> {
        let has_both_or_neither = assistant.content.is_empty() == assistant.tool_calls.is_empty();
        if self.version < TemplateVersion::V7 && has_both_or_neither {
            return Err(Error::ContentAndCalls);
        }
        assistant.tool_calls.iter().try_for_each(|call| self.check_call(call, is_last))?;
        if assistant.prefix && !is_last {
            return Err(Error::PrefixNotLast);
        }
        Ok(())
    }

    fn check_call(self, call: &ToolCall, is_last: bool) -> Result<(), Error> {
        let id = call.id.as_deref().unwrap_or("null");
        if self.version >= TemplateVersion::V13 {
            if id.is_empty() || id == "null" {
                return Err(Error::EmptyCallId);
            }
        } else if self.version >= TemplateVersion::V3 {
            self.check_call_id(id, is_last)?;
        }
        check_name(&call.name)
    }

    fn check_call_id(self, id: &str, is_last: bool) -> Result<(), Error> {
        match self.purpose {
            _ if id != "null" => check_id(id),
            Purpose::Finetuning if is_last => Ok(()),
            Purpose::Finetuning => Err(Error::CallIdInFinetuning),
            Purpose::Serving => Err(Error::CallIdInServing),
            Purpose::Test => Err(Error::CallIdNull),
        }
    }

    fn check_result_id(self, id: Option<&str>) -> Result<(), Error> {
        if self.version >= TemplateVersion::V13 {
            return if id.is_none_or(|id| id.is_empty() || id == "null") { Err(Error::EmptyCallId) } else { Ok(()) };
        }
        if self.version >= TemplateVersion::V3 {
            return id.map_or(Err(Error::ResultId), check_id);
        }
        Ok(())
    }

    fn check_settings(self, conversation: &Conversation) -> Result<(), Error> {
        match conversation.settings.reasoning_effort {
            Some(effort) if self.version < TemplateVersion::V15 => Err(Error::NoReasoningEffort(effort.name())),
            _ => Ok(()),
        }
    }
}

fn check_order(previous: Role, role: Role) -> Result<(), Error> {
    let allowed = match previous {
        Role::System | Role::User => role != Role::Tool,
        Role::Assistant | Role::Tool => role != Role::System,
    };
    if allowed { Ok(()) } else { Err(Error::RoleOrder { role, previous }) }
}

fn check_id(id: &str) -> Result<(), Error> {
    let is_nine = id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if is_nine { Ok(()) } else { Err(Error::CallId(id.to_owned())) }
}
