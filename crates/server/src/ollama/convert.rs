//! From Ollama's words to a conversation and a form. The dialect ends here.

use engine::prompt::{
    Assistant, Chunk, Content, Conversation, Json, Message, ReasoningEffort, Tool, ToolCall, ToolResult,
};
use engine::{Engine, TemplateVersion};
use serde_json::value::RawValue;

use super::wire::{self, Think};
use crate::form::{Form, Format, OfferedTool, ToolChoice};
use crate::mistral::reasoning;
use crate::refusal::Refusal;
use crate::{bounds, turns};

/// The messages of a chat, for a template of `version`.
pub(super) fn messages(
    messages: Vec<wire::Message>,
    version: Option<TemplateVersion>,
) -> Result<Vec<Message>, Refusal> {
    bounds::check_messages("messages", messages.len())?;
    bounds::check_calls("messages", messages.iter().flat_map(|message| &message.tool_calls).map(Vec::len).sum())?;
    let last = messages.len().checked_sub(1);
    let mut calls = Calls::default();
    let message = |(index, one): (usize, wire::Message)| {
        message(one, &format!("messages[{index}]"), last == Some(index), &mut calls)
    };
    let read: Result<Vec<_>, _> = messages.into_iter().enumerate().map(message).collect();
    Ok(turns::settled(read?, version))
}

fn message(message: wire::Message, path: &str, is_last: bool, calls: &mut Calls) -> Result<Message, Refusal> {
    let role = message.role.as_str();
    let fields = [
        ("thinking", message.thinking.as_ref().is_some_and(|text| !text.is_empty()), role == "assistant"),
        ("tool_calls", message.tool_calls.as_ref().is_some_and(|list| !list.is_empty()), role == "assistant"),
        ("tool_name", message.tool_name.as_ref().is_some_and(|name| !name.is_empty()), role == "tool"),
        ("name", message.name.as_ref().is_some_and(|name| !name.is_empty()), role == "tool"),
        ("tool_call_id", message.tool_call_id.as_ref().is_some_and(|id| !id.is_empty()), role == "tool"),
        ("images", message.images.as_ref().is_some_and(|list| !list.is_empty()), false),
    ];
    if let Some((field, ..)) = fields.into_iter().find(|(_, is_there, is_allowed)| *is_there && !*is_allowed) {
        let param = format!("{path}.{field}");
        let why = if field == "images" {
            "this server reads text only".to_owned()
        } else {
            format!("a message of role {role:?} has no such field")
        };
        return Err(Refusal::field(&param, format!("{param}: {why}")));
    }
    let text = Content::Text(message.content.unwrap_or_default());
    match role {
        "system" => Ok(Message::System(text)),
        "user" => Ok(Message::User(text)),
        "assistant" => {
            let tool_calls = calls.made(message.tool_calls.unwrap_or_default(), path)?;
            // An assistant's message at the end is a beginning, which the model continues.
            let prefix = is_last && tool_calls.is_empty();
            let content = with_thought(message.thinking.filter(|text| !text.is_empty()), text);
            Ok(Message::Assistant(Assistant { content, tool_calls, prefix }))
        }
        "tool" => {
            let name = message.tool_name.or(message.name).filter(|name| !name.is_empty());
            let id = calls.answered(message.tool_call_id.filter(|id| !id.is_empty()), name.as_deref());
            Ok(Message::Tool(ToolResult { content: text, tool_call_id: id, name }))
        }
        _ => {
            let param = format!("{path}.role");
            let message = format!("{param}: unknown role {role:?}, expected system, user, assistant or tool");
            Err(Refusal::field(param, message))
        }
    }
}

fn with_thought(thought: Option<String>, content: Content) -> Content {
    let Some(text) = thought else { return content };
    let mut chunks = vec![Chunk::Thinking { text, closed: true }];
    if let Content::Text(text) = content
        && !text.is_empty()
    {
        chunks.push(Chunk::Text(text));
    }
    Content::Chunks(chunks)
}

/// Ollama's messages need not name calls: results are then paired with calls by the function's name, else by order.
#[derive(Default)]
struct Calls {
    count: u32,
    /// Calls without a result: the client's id, ours, the function.
    open: Vec<Open>,
}

struct Open {
    theirs: Option<String>,
    ours: String,
    name: String,
}

impl Calls {
    fn made(&mut self, calls: Vec<wire::ToolCall>, path: &str) -> Result<Vec<ToolCall>, Refusal> {
        // Results belong to the turn before them.
        self.open.clear();
        let mut made = Vec::new();
        for (index, call) in calls.into_iter().enumerate() {
            let arguments = match Json::parse(call.function.arguments.get()) {
                Ok(value @ Json::Object(_)) => value.dump(),
                _ => {
                    let param = format!("{path}.tool_calls[{index}].function.arguments");
                    return Err(Refusal::field(&param, format!("{param}: expected an object")));
                }
            };
            let theirs = call.id.filter(|id| !id.is_empty());
            let ours = self.ours(theirs.as_deref());
            let name = call.function.name;
            self.open.push(Open { theirs, ours: ours.clone(), name: name.clone() });
            made.push(ToolCall { id: Some(ours), name, arguments });
        }
        Ok(made)
    }

    /// Nine letters or digits, which all templates take; the same conversation gives the same.
    fn ours(&mut self, theirs: Option<&str>) -> String {
        let fits = |id: &&str| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let ours = theirs.filter(fits).map_or_else(|| format!("call{:05}", self.count), str::to_owned);
        self.count = self.count.saturating_add(1);
        ours
    }

    fn answered(&mut self, id: Option<String>, name: Option<&str>) -> Option<String> {
        let by_id = || self.open.iter().position(|call| id.is_some() && call.theirs == id);
        let by_name = || self.open.iter().position(|call| Some(call.name.as_str()) == name);
        let by_order = || (!self.open.is_empty()).then_some(0);
        let place = if id.is_some() { by_id() } else { by_name().or_else(by_order) };
        // A result of no call keeps what it says: the template's rules refuse it.
        place.map(|place| self.open.remove(place).ours).or(id)
    }
}

/// The tools, and what form the answer is to take.
pub(super) fn form(tools: Vec<wire::Tool>, format: Option<Box<RawValue>>) -> Result<(Vec<Tool>, Form), Refusal> {
    bounds::check_tools("tools", tools.len())?;
    let mut shown = Vec::new();
    let mut offered = Vec::new();
    for (index, tool) in tools.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        if tool.kind.as_deref().is_some_and(|kind| kind != "function") {
            let param = format!("{path}.type");
            return Err(Refusal::field(&param, format!("{param}: only functions can be called")));
        }
        let (tool, offer) = OfferedTool::new(
            tool.function.name,
            tool.function.description.unwrap_or_default(),
            tool.function.parameters.as_deref(),
            false,
            &format!("{path}.function.parameters"),
        )?;
        shown.push(tool);
        offered.push(offer);
    }
    let format = format.as_deref().map_or(Ok(None), read_format)?;
    Ok((shown, Form { tools: offered, choice: ToolChoice::Auto, parallel: true, format }))
}

fn read_format(raw: &RawValue) -> Result<Option<Format>, Refusal> {
    match raw.get() {
        "\"\"" => Ok(None),
        "\"json\"" => Ok(Some(Format::JsonObject)),
        text if text.starts_with('{') => Format::schema(raw, "format").map(Some),
        _ => Err(Refusal::field("format", "format: expected \"json\" or a JSON schema")),
    }
}

/// How long to think; `None` where nothing is said.
///
/// # Errors
/// There is no such effort.
pub(super) fn effort(think: Option<&Think>) -> Result<Option<ReasoningEffort>, Refusal> {
    match think {
        None => Ok(None),
        Some(Think::Switch(false)) => Ok(Some(ReasoningEffort::None)),
        Some(Think::Switch(true)) => Ok(Some(ReasoningEffort::High)),
        Some(Think::Effort(name)) => ReasoningEffort::from_name(name).map(Some).ok_or_else(|| {
            Refusal::field("think", format!("think: unknown effort {name:?}, expected low, medium or high"))
        }),
    }
}

/// Tells the model whether and how long to think: by setting (v15), before that by system prompt.
///
/// # Errors
/// The model does not think.
pub(super) fn think(think: Option<&Think>, conversation: &mut Conversation, engine: &Engine) -> Result<(), Refusal> {
    let by_setting = engine.text().template.version() >= Some(TemplateVersion::V15);
    let effort = match (think, effort(think)?) {
        (Some(Think::Switch(false)), _) if !by_setting => return Ok(()),
        (_, Some(effort)) => effort,
        (_, None) => return Ok(()),
    };
    if by_setting && reasoning::has_thoughts(engine) {
        conversation.settings.reasoning_effort = Some(effort);
        return Ok(());
    }
    if matches!(think, Some(Think::Effort(_))) {
        let message = "think: this model knows no efforts, only true and false";
        return Err(Refusal::field("think", message));
    }
    conversation.messages.insert(0, reasoning::system_prompt(engine, "think")?);
    Ok(())
}
