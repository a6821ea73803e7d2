//! Messages of a chat: roles, parts, calls and their results.

use std::collections::HashMap;

use engine::TemplateVersion;
use engine::prompt::{Assistant, Chunk, Content, Message, ToolCall, ToolResult};
use sha2::{Digest, Sha256};

use crate::openai::wire::TextOr;
use crate::openai::wire::chat::{self, ChatMessage, ContentPart};
use crate::parts::check_fields;
use crate::refusal::Refusal;
use crate::{bounds, turns};

/// The messages of a conversation, as the template of `version` can take them.
///
/// # Errors
/// A message says something that no template can show, or what this server cannot read.
pub(crate) fn messages(messages: Vec<ChatMessage>, version: Option<TemplateVersion>) -> Result<Vec<Message>, Refusal> {
    if messages.is_empty() {
        return Err(Refusal::field("messages", "messages is empty: a conversation has at least one"));
    }
    bounds::check_messages("messages", messages.len())?;
    bounds::check_calls("messages", messages.iter().flat_map(|message| &message.tool_calls).map(Vec::len).sum())?;
    let mut called = Called::default();
    let mut read: Vec<Message> = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        let reader = Reader { path: format!("messages[{index}]"), version };
        let message = reader.message(message, &called)?;
        if let Message::Assistant(assistant) = &message {
            assistant.tool_calls.iter().for_each(|call| called.note(call));
        }
        read.push(message);
    }
    Ok(turns::settled(read, version))
}

/// Functions that were called so far, by the ids of their calls; the latest where an id comes again.
#[derive(Default)]
pub(super) struct Called(HashMap<String, String>);

impl Called {
    pub(super) fn note(&mut self, call: &ToolCall) {
        if let Some(id) = &call.id {
            self.0.insert(id.clone(), call.name.clone());
        }
    }

    pub(super) fn name(&self, id: &str) -> Option<&String> {
        self.0.get(id)
    }
}

/// An id of a tool call as the template takes it.
///
/// The templates v3 to v11 show ids to the model, which knows only those of nine letters or digits. Other ids, from
/// histories that other servers wrote, become nine characters of their hash: the same id always the same, so calls and
/// results still pair, and the prefix cache still finds them.
pub(crate) fn call_id(id: String, version: Option<TemplateVersion>) -> String {
    let shown = version.is_some_and(|version| (TemplateVersion::V3..TemplateVersion::V13).contains(&version));
    let fits = id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !shown || fits {
        return id;
    }
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let digest = Sha256::digest(id.as_bytes());
    // A byte is not even over 62 letters; it need not be.
    digest
        .iter()
        .take(9)
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % 62))
        .map(|&letter| letter as char)
        .collect()
}

struct Reader {
    path: String,
    version: Option<TemplateVersion>,
}

impl Reader {
    fn message(&self, message: ChatMessage, called: &Called) -> Result<Message, Refusal> {
        self.check(&message)?;
        match message.role.as_str() {
            "system" | "developer" => Ok(Message::System(self.required_content(message.content)?)),
            "user" => Ok(Message::User(self.required_content(message.content)?)),
            "assistant" => self.assistant(message).map(Message::Assistant),
            "tool" => self.result(message, called).map(Message::Tool),
            "function" => Err(self.refused("role", "the older role function is not served: use the role tool")),
            other => {
                let other: String = other.chars().take(40).collect();
                let roles = "system, developer, user, assistant or tool";
                Err(self.refused("role", format!("{other:?} is no role: it must be {roles}")))
            }
        }
    }

    /// Fields that do not belong to the role, or that no template can show.
    fn check(&self, message: &ChatMessage) -> Result<(), Refusal> {
        let (assistant, tool) = (message.role == "assistant", message.role == "tool");
        let thought = message.reasoning.is_some() || message.reasoning_content.is_some();
        let annotated = message.annotations.as_ref().is_some_and(|annotations| !annotations.is_empty());
        let rows = [
            (
                "name",
                message.name.is_some() && !tool,
                "templates have no place for names of speakers: put it in the text",
            ),
            ("tool_calls", message.tool_calls.is_some() && !assistant, "only assistant messages have calls"),
            ("tool_call_id", message.tool_call_id.is_some() && !tool, "only tool messages answer calls"),
            ("refusal", message.refusal.is_some() && !assistant, "only assistant messages have refusals"),
            ("reasoning_content", thought && !assistant, "only assistant messages have thoughts"),
            ("annotations", annotated, "the model cannot be shown annotations: leave them out"),
            ("audio", message.audio.is_some(), "the models here read text only"),
            ("function_call", message.function_call.is_some(), "this older form is not served: use tool_calls"),
        ];
        match rows.into_iter().find(|(_, given, _)| *given) {
            Some((field, _, why)) => Err(self.refused(field, why)),
            None => Ok(()),
        }
    }

    fn required_content(&self, content: Option<TextOr<Vec<ContentPart>>>) -> Result<Content, Refusal> {
        self.content(content.ok_or_else(|| self.refused("content", "it is missing"))?)
    }

    fn content(&self, content: TextOr<Vec<ContentPart>>) -> Result<Content, Refusal> {
        match content {
            TextOr::Text(text) => Ok(Content::Text(text)),
            TextOr::Other(parts) => {
                let path = format!("{}.content", self.path);
                let text = |(index, part)| part_text(part, &format!("{path}[{index}]")).map(Chunk::Text);
                Ok(Content::Chunks(parts.into_iter().enumerate().map(text).collect::<Result<_, _>>()?))
            }
        }
    }

    fn assistant(&self, message: ChatMessage) -> Result<Assistant, Refusal> {
        let thought = match (message.reasoning, message.reasoning_content) {
            (Some(one), Some(other)) if one != other => {
                return Err(self.refused("reasoning", "reasoning and reasoning_content differ: send one of them"));
            }
            (one, other) => one.or(other).filter(|thought| !thought.is_empty()),
        };
        let said = message.content.map_or(Ok(Content::default()), |content| self.content(content))?;
        let said = match (said, message.refusal) {
            (said, None) => said,
            (said, Some(refusal)) if said.is_empty() => Content::Text(refusal),
            (_, Some(_)) => return Err(self.refused("refusal", "a message has content or a refusal, not both")),
        };
        let calls = message.tool_calls.into_iter().flatten().enumerate();
        let tool_calls = calls.map(|(index, call)| self.call(call, index)).collect::<Result<_, _>>()?;
        Ok(Assistant { content: after_thought(thought, said), tool_calls, prefix: false })
    }

    fn call(&self, call: chat::ToolCall, index: usize) -> Result<ToolCall, Refusal> {
        let at = |field: &str| format!("{}.tool_calls[{index}].{field}", self.path);
        if call.kind.as_deref().is_some_and(|kind| kind != "function") {
            return Err(Refusal::field(at("type"), format!("{}: only calls of functions are read", at("type"))));
        }
        let missing = |field: &str| Refusal::field(at(field), format!("{}: it is missing", at(field)));
        let id = call.id.filter(|id| !id.is_empty()).ok_or_else(|| missing("id"))?;
        let function = call.function.ok_or_else(|| missing("function"))?;
        let arguments = function.arguments.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| "{}".to_owned());
        Ok(ToolCall { id: Some(call_id(id, self.version)), name: function.name, arguments })
    }

    fn result(&self, message: ChatMessage, called: &Called) -> Result<ToolResult, Refusal> {
        let id = message.tool_call_id.filter(|id| !id.is_empty());
        let id = call_id(id.ok_or_else(|| self.refused("tool_call_id", "it is missing"))?, self.version);
        // Only v2 shows the name; it finds it here where the client gives none.
        let name = match (message.name, called.name(&id).cloned()) {
            (Some(given), Some(called)) if given != called => {
                return Err(self.refused("name", format!("the call that this answers was of {called:?}")));
            }
            (given, called) => given.or(called),
        };
        Ok(ToolResult { content: self.required_content(message.content)?, tool_call_id: Some(id), name })
    }

    fn refused(&self, field: &str, why: impl std::fmt::Display) -> Refusal {
        let path = format!("{}.{field}", self.path);
        Refusal::field(path.clone(), format!("{path}: {why}"))
    }
}

/// A thought and what was said after it.
pub(crate) fn after_thought(thought: Option<String>, said: Content) -> Content {
    let Some(text) = thought else { return said };
    let mut chunks = vec![Chunk::Thinking { text, closed: true }];
    match said {
        Content::Text(text) if text.is_empty() => {}
        Content::Text(text) => chunks.push(Chunk::Text(text)),
        Content::Chunks(more) => chunks.extend(more),
    }
    Content::Chunks(chunks)
}

/// The text of a part.
///
/// # Errors
/// It holds no text.
pub(crate) fn part_text(part: ContentPart, path: &str) -> Result<String, Refusal> {
    let refused = |field: &str, why: &str| {
        let path = format!("{path}.{field}");
        Err(Refusal::field(path.clone(), format!("{path}: {why}")))
    };
    if let kind @ ("text" | "refusal") = part.kind.as_str() {
        let rows = [
            ("text", part.text.is_some(), kind == "text"),
            ("refusal", part.refusal.is_some(), kind == "refusal"),
            ("image_url", part.image_url.is_some(), false),
            ("input_audio", part.input_audio.is_some(), false),
            ("file", part.file.is_some(), false),
        ];
        check_fields(path, kind, &rows)?;
    }
    match (part.kind.as_str(), part.text, part.refusal, part.image_url) {
        ("text", Some(text), ..) => Ok(text),
        ("refusal", _, Some(text), _) => Ok(text),
        (field @ ("text" | "refusal"), ..) => refused(field, "it is missing"),
        ("image_url", _, _, Some(image)) => refused("image_url", image_refusal(&image.url)),
        ("input_audio", ..) => refused("type", "the models here read text only, not audio"),
        ("file", ..) => refused("type", "files are not read yet: send their text"),
        _ => refused("type", "a part is {\"type\": \"text\", \"text\": …}"),
    }
}

/// Why an image is not looked at.
pub(crate) fn image_refusal(url: &str) -> &'static str {
    if url.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
        "images are not supported by this model yet: send text"
    } else {
        "the server never fetches a URL, of whatever scheme; and images are not supported by this model yet"
    }
}
