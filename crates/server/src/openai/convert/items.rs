//! Input items of `/v1/responses`: messages, calls, results and thoughts become messages of a conversation.
//!
//! What one turn of the model gave as several items (a thought, a text, calls) is one assistant message again.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::TemplateVersion;
use engine::prompt::{Assistant, Chunk, Content, Message, ToolCall, ToolResult};

use super::format::shortened;
use super::messages::{Called, call_id, image_refusal};
use crate::openai::wire::TextOr;
use crate::openai::wire::responses::{InputItem, InputPart};
use crate::parts::check_fields;
use crate::refusal::Refusal;
use crate::{bounds, turns};

/// What `encrypted_content` of this server begins with: it is encoded, not encrypted, since the thought stands beside it.
const ENCODED: &str = "tramontane-1:";

/// A thought in the form in which clients that keep nothing send it back.
pub(crate) fn encode_thought(thought: &str) -> String {
    format!("{ENCODED}{}", BASE64_STANDARD.encode(thought))
}

/// The messages of a request: `instructions` first, as a system message.
///
/// # Errors
/// An item says what no template can show, or what this server cannot read.
pub(crate) fn messages(
    instructions: Option<String>,
    input: Option<TextOr<Vec<InputItem>>>,
    version: Option<TemplateVersion>,
) -> Result<Vec<Message>, Refusal> {
    let messages = instructions.map(Message::system).into_iter().collect();
    let mut turns = Turns { messages, model: None, called: Called::default() };
    match input {
        None => return Err(Refusal::field("input", "input: it is missing")),
        Some(TextOr::Text(text)) => turns.push(Message::user(text)),
        Some(TextOr::Other(items)) if items.is_empty() => {
            return Err(Refusal::field("input", "input is empty: a conversation has at least one item"));
        }
        Some(TextOr::Other(items)) => {
            bounds::check_items("input", items.len())?;
            for (index, item) in items.into_iter().enumerate() {
                Reader { path: format!("input[{index}]"), version }.read(item, &mut turns)?;
            }
        }
    }
    turns.end_turn();
    Ok(turns::settled(turns.messages, version))
}

/// The messages so far, and the turn of the model that is being put together.
struct Turns {
    messages: Vec<Message>,
    model: Option<Assistant>,
    called: Called,
}

impl Turns {
    fn push(&mut self, message: Message) {
        self.end_turn();
        self.messages.push(message);
    }

    /// The turn of the model that the conversation ends in, or a new one.
    fn model(&mut self) -> &mut Assistant {
        self.model.get_or_insert_default()
    }

    fn say(&mut self, content: Content) {
        let chunks = |content| match content {
            Content::Text(text) if text.is_empty() => Vec::new(),
            Content::Text(text) => vec![Chunk::Text(text)],
            Content::Chunks(chunks) => chunks,
        };
        let turn = self.model();
        if turn.content.is_empty() {
            turn.content = content;
            return;
        }
        let mut all = chunks(std::mem::take(&mut turn.content));
        all.extend(chunks(content));
        turn.content = Content::Chunks(all);
    }

    fn end_turn(&mut self) {
        self.messages.extend(self.model.take().map(Message::Assistant));
    }

    fn call(&mut self, call: ToolCall) {
        self.called.note(&call);
        self.model().tool_calls.push(call);
    }
}

struct Reader {
    path: String,
    version: Option<TemplateVersion>,
}

impl Reader {
    fn read(&self, item: InputItem, turns: &mut Turns) -> Result<(), Refusal> {
        self.check(&item)?;
        match item.kind.as_deref().unwrap_or("message") {
            "message" => self.message(item, turns),
            "function_call" => {
                let id = call_id(self.required(item.call_id, "call_id")?, self.version);
                let name = self.required(item.name, "name")?;
                let arguments =
                    item.arguments.filter(|text| !text.trim().is_empty()).unwrap_or_else(|| "{}".to_owned());
                turns.call(ToolCall { id: Some(id), name, arguments });
                Ok(())
            }
            "function_call_output" => {
                let id = call_id(self.required(item.call_id, "call_id")?, self.version);
                let output = item.output.ok_or_else(|| self.refused("output", "it is missing"))?;
                let content = self.content(output, "output")?;
                let name = turns.called.name(&id).cloned();
                turns.push(Message::Tool(ToolResult { content, tool_call_id: Some(id), name }));
                Ok(())
            }
            "reasoning" => {
                let text = self.thought(item)?;
                if !text.is_empty() {
                    turns.say(Content::Chunks(vec![Chunk::Thinking { text, closed: true }]));
                }
                Ok(())
            }
            "item_reference" => Err(self.refused("type", "nothing is stored here: send the item itself")),
            other => {
                let kinds = "message, function_call, function_call_output and reasoning";
                Err(self.refused("type", format!("{:?} is not served: the items are {kinds}", shortened(other))))
            }
        }
    }

    fn check(&self, item: &InputItem) -> Result<(), Refusal> {
        let kind = item.kind.as_deref().unwrap_or("message");
        let [is_message, is_call, is_result, is_thought] =
            ["message", "function_call", "function_call_output", "reasoning"].map(|name| name == kind);
        if is_message || is_call || is_result || is_thought {
            let rows = [
                ("role", item.role.is_some(), is_message),
                ("phase", item.phase.is_some(), is_message),
                ("content", item.content.is_some(), is_message || is_thought),
                ("call_id", item.call_id.is_some(), is_call || is_result),
                ("name", item.name.is_some(), is_call),
                ("arguments", item.arguments.is_some(), is_call),
                ("output", item.output.is_some(), is_result),
                ("summary", item.summary.is_some(), is_thought),
                ("encrypted_content", item.encrypted_content.is_some(), is_thought),
                ("caller", item.caller.is_some(), is_call || is_result),
            ];
            check_fields(&self.path, kind, &rows)?;
        }
        let direct = item.caller.as_ref().is_none_or(|caller| caller.get("type").is_some_and(|kind| kind == "direct"));
        if !direct {
            return Err(self.refused("caller", "calls come from the model only"));
        }
        if item.namespace.is_some() {
            return Err(self.refused("namespace", "tools have no namespaces here"));
        }
        Ok(())
    }

    fn message(&self, item: InputItem, turns: &mut Turns) -> Result<(), Refusal> {
        let content = item.content.ok_or_else(|| self.refused("content", "it is missing"))?;
        let content = self.content(content, "content")?;
        match item.role.as_deref() {
            Some("system" | "developer") => turns.push(Message::System(content)),
            Some("user") => turns.push(Message::User(content)),
            Some("assistant") => turns.say(content),
            None => return Err(self.refused("role", "it is missing")),
            Some(other) => {
                let roles = "system, developer, user or assistant";
                return Err(self.refused("role", format!("{:?} is no role: it must be {roles}", shortened(other))));
            }
        }
        Ok(())
    }

    fn thought(&self, item: InputItem) -> Result<String, Refusal> {
        let content = item.content.map_or(Ok(Content::default()), |content| self.content(content, "content"))?;
        let text = content.plain_text();
        if !text.is_empty() {
            return Ok(text);
        }
        if let Some(encoded) = item.encrypted_content {
            let bytes = encoded.strip_prefix(ENCODED).and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
            let foreign = || self.refused("encrypted_content", "this server did not write it: leave the item out");
            return String::from_utf8(bytes.ok_or_else(foreign)?).map_err(|_| foreign());
        }
        let summary = item.summary.unwrap_or_default();
        Ok(self.content(TextOr::Other(summary), "summary")?.plain_text())
    }

    fn content(&self, content: TextOr<Vec<InputPart>>, field: &str) -> Result<Content, Refusal> {
        match content {
            TextOr::Text(text) => Ok(Content::Text(text)),
            TextOr::Other(parts) => {
                let text = |(index, part)| self.part(part, &format!("{field}[{index}]")).map(Chunk::Text);
                Ok(Content::Chunks(parts.into_iter().enumerate().map(text).collect::<Result<_, _>>()?))
            }
        }
    }

    fn part(&self, part: InputPart, at: &str) -> Result<String, Refusal> {
        let refused = |field: &str, why: &str| Err(self.refused(&format!("{at}.{field}"), why));
        let is_text =
            matches!(part.kind.as_str(), "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text");
        if is_text || part.kind == "refusal" {
            let rows = [
                ("text", part.text.is_some(), is_text),
                ("refusal", part.refusal.is_some(), !is_text),
                ("image_url", part.image_url.is_some(), false),
                ("file_url", part.file_url.is_some(), false),
                ("detail", part.detail.is_some(), false),
                ("file_id", part.file_id.is_some(), false),
                ("file_data", part.file_data.is_some(), false),
                ("filename", part.filename.is_some(), false),
                ("input_audio", part.input_audio.is_some(), false),
            ];
            check_fields(&format!("{}.{at}", self.path), &part.kind, &rows)?;
        }
        match (part.kind.as_str(), part.text, part.refusal) {
            (_, Some(text), _) if is_text => Ok(text),
            ("refusal", _, Some(text)) => Ok(text),
            ("refusal", ..) => refused("refusal", "it is missing"),
            _ if is_text => refused("text", "it is missing"),
            ("input_image", ..) => refused("image_url", image_refusal(part.image_url.as_deref().unwrap_or_default())),
            ("input_file", ..) if part.file_url.is_some() => refused("file_url", "the server never fetches a URL"),
            ("input_file", ..) => refused("type", "files are not read yet: send their text"),
            ("input_audio", ..) => refused("type", "the models here read text only, not audio"),
            _ => refused("type", "a part is {\"type\": \"input_text\", \"text\": …}"),
        }
    }

    fn required(&self, text: Option<String>, field: &str) -> Result<String, Refusal> {
        text.filter(|text| !text.is_empty()).ok_or_else(|| self.refused(field, "it is missing"))
    }

    fn refused(&self, field: &str, why: impl std::fmt::Display) -> Refusal {
        let path = format!("{}.{field}", self.path);
        Refusal::field(path.clone(), format!("{path}: {why}"))
    }
}
