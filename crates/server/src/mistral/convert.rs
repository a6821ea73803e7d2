//! From Mistral's words to a conversation and a request of the engine. The dialect ends here.

use engine::TemplateVersion;
use engine::prompt::{
    Assistant, Chunk, Content, Conversation, Json, Message, ReasoningEffort, Settings, Tool, ToolCall, ToolResult,
};
use serde_json::value::RawValue;

use super::wire;
use crate::form::{Form, Format, OfferedTool, ToolChoice};
use crate::parts::check_fields;
use crate::refusal::Refusal;
use crate::text_or::TextOr;
use crate::{bounds, turns};

/// What goes first where `safe_prompt` is set: the sentence of Mistral's documentation.
const SAFE_PROMPT: &str = "Always assist with care, respect, and truth. Respond with utmost utility yet securely. Avoid \
     harmful, unethical, prejudiced, or negative content. Ensure replies promote fairness and positivity.";

/// The conversation for a template of `version`, and what form its answer is to take.
pub(super) fn conversation(
    request: &mut wire::ChatRequest,
    version: Option<TemplateVersion>,
) -> Result<(Conversation, Form), Refusal> {
    bounds::check_messages("messages", request.messages.len())?;
    let calls = request.messages.iter().flat_map(|message| &message.tool_calls).map(Vec::len).sum();
    bounds::check_calls("messages", calls)?;
    bounds::check_tools("tools", request.tools.as_ref().map_or(0, Vec::len))?;
    let mut messages = Vec::new();
    if request.safe_prompt == Some(true) {
        messages.push(Message::system(SAFE_PROMPT));
    }
    for (index, one) in std::mem::take(&mut request.messages).into_iter().enumerate() {
        messages.push(message(one, &format!("messages[{index}]"))?);
    }
    let (tools, offered) = tools(request.tools.take().unwrap_or_default())?;
    let format = request.response_format.take().map_or(Ok(None), response_format)?;
    let form = Form {
        choice: tool_choice(request.tool_choice.take())?,
        parallel: request.parallel_tool_calls.unwrap_or(true),
        tools: offered,
        format,
    };
    form.check("tool_choice")?;
    let settings = Settings {
        reasoning_effort: request
            .reasoning_effort
            .as_deref()
            .map(|name| effort(name, "reasoning_effort"))
            .transpose()?,
        json_schema: form.format.as_ref().map(Format::json),
    };
    Ok((Conversation { messages: turns::settled(messages, version), tools, settings }, form))
}

/// The effort of this name.
pub(super) fn effort(name: &str, param: &str) -> Result<ReasoningEffort, Refusal> {
    ReasoningEffort::from_name(name).ok_or_else(|| {
        let names: Vec<_> = ReasoningEffort::ALL.iter().map(|effort| effort.name()).collect();
        Refusal::field(param, format!("{param}: unknown effort {name:?}, expected one of {}", names.join(", ")))
    })
}

fn message(message: wire::Message, path: &str) -> Result<Message, Refusal> {
    let role = message.role.as_str();
    let is_assistant = role == "assistant";
    let is_tool = role == "tool";
    for (field, is_there, is_allowed) in [
        ("tool_calls", message.tool_calls.is_some(), is_assistant),
        ("prefix", message.prefix.is_some(), is_assistant),
        ("tool_call_id", message.tool_call_id.is_some(), is_tool),
        ("name", message.name.is_some(), is_tool),
    ] {
        if is_there && !is_allowed {
            let param = format!("{path}.{field}");
            return Err(Refusal::field(&param, format!("{param}: a message of role {role:?} has no such field")));
        }
    }
    let content = content(message.content, &format!("{path}.content"));
    match role {
        "system" => Ok(Message::System(content?)),
        "user" => Ok(Message::User(content?)),
        "tool" => {
            Ok(Message::Tool(ToolResult { content: content?, tool_call_id: message.tool_call_id, name: message.name }))
        }
        "assistant" => Ok(Message::Assistant(Assistant {
            content: content?,
            tool_calls: tool_calls(message.tool_calls.unwrap_or_default(), path)?,
            prefix: message.prefix.unwrap_or(false),
        })),
        _ => {
            let param = format!("{path}.role");
            let message = format!("{param}: unknown role {role:?}, expected system, user, assistant or tool");
            Err(Refusal::field(param, message))
        }
    }
}

fn content(content: Option<TextOr<Vec<wire::Chunk>>>, path: &str) -> Result<Content, Refusal> {
    match content {
        None => Ok(Content::default()),
        Some(TextOr::Text(text)) => Ok(Content::Text(text)),
        Some(TextOr::Other(chunks)) => {
            let chunk = |(index, one)| chunk(one, &format!("{path}[{index}]"));
            Ok(Content::Chunks(chunks.into_iter().enumerate().map(chunk).collect::<Result<_, _>>()?))
        }
    }
}

fn chunk(chunk: wire::Chunk, path: &str) -> Result<Chunk, Refusal> {
    check_chunk(&chunk, path)?;
    match chunk.kind.as_deref() {
        Some("text") | None => match chunk.text {
            Some(text) => Ok(Chunk::Text(text)),
            None => Err(Refusal::field(path, format!("{path}: a text chunk needs the field `text`"))),
        },
        Some("thinking") => match chunk.thinking {
            Some(TextOr::Text(text)) => Ok(thought(text, chunk.closed)),
            Some(TextOr::Other(parts)) => {
                match parts.iter().find_map(|part| part.kind.as_deref().filter(|k| *k != "text")) {
                    None => Ok(thought(parts.into_iter().map(|part| part.text).collect(), chunk.closed)),
                    Some(kind) => Err(unsupported_chunk(kind, path)),
                }
            }
            None => Err(Refusal::field(path, format!("{path}: a thinking chunk needs the field `thinking`"))),
        },
        Some(kind) => Err(unsupported_chunk(kind, path)),
    }
}

/// Fields of another type. Chunks of a type that is not read are refused by it.
fn check_chunk(chunk: &wire::Chunk, path: &str) -> Result<(), Refusal> {
    let kind = chunk.kind.as_deref().unwrap_or("text");
    let (is_text, is_thought) = (kind == "text", kind == "thinking");
    if !is_text && !is_thought {
        return Ok(());
    }
    let rows = [
        ("text", chunk.text.is_some(), is_text),
        ("thinking", chunk.thinking.is_some(), is_thought),
        ("closed", chunk.closed.is_some(), is_thought),
        ("signature", chunk.signature.is_some(), is_thought),
        ("image_url", chunk.image_url.is_some(), false),
        ("document_url", chunk.document_url.is_some(), false),
        ("document_name", chunk.document_name.is_some(), false),
        ("reference_ids", chunk.reference_ids.is_some(), false),
        ("file_id", chunk.file_id.is_some(), false),
        ("input_audio", chunk.input_audio.is_some(), false),
    ];
    check_fields(path, kind, &rows)
}

fn thought(text: String, closed: Option<bool>) -> Chunk {
    Chunk::Thinking { text, closed: closed.unwrap_or(true) }
}

fn unsupported_chunk(kind: &str, path: &str) -> Refusal {
    let param = format!("{path}.type");
    let why = match kind {
        "image_url" | "document_url" | "file" | "input_audio" | "reference" => {
            "this server reads text only, and fetches nothing: send the text itself"
        }
        _ => "expected text or thinking",
    };
    Refusal::field(&param, format!("{param}: chunks of type {kind:?} cannot be read, {why}"))
}

fn tool_calls(calls: Vec<wire::ToolCall>, path: &str) -> Result<Vec<ToolCall>, Refusal> {
    let call = |(index, call): (usize, wire::ToolCall)| {
        function_type(call.kind.as_deref(), &format!("{path}.tool_calls[{index}].type"))?;
        let arguments = arguments(&call.function.arguments);
        // "null" is how Mistral's SDK writes that there is none.
        let id = call.id.filter(|id| id != "null");
        Ok(ToolCall { id, name: call.function.name, arguments })
    };
    calls.into_iter().enumerate().map(call).collect()
}

/// An object, or one as text.
fn arguments(raw: &RawValue) -> String {
    match Json::parse(raw.get()) {
        Ok(Json::String(text)) => text,
        Ok(value) => value.dump(),
        Err(_) => raw.get().to_owned(),
    }
}

fn tools(tools: Vec<wire::Tool>) -> Result<(Vec<Tool>, Vec<OfferedTool>), Refusal> {
    let mut shown = Vec::new();
    let mut offered = Vec::new();
    for (index, tool) in tools.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        function_type(tool.kind.as_deref(), &format!("{path}.type"))?;
        let function =
            tool.function.ok_or_else(|| Refusal::field(&path, format!("{path}: the field `function` is missing")))?;
        let (tool, offer) = OfferedTool::new(
            function.name,
            function.description.unwrap_or_default(),
            function.parameters.as_deref(),
            function.strict.unwrap_or(false),
            &format!("{path}.function.parameters"),
        )?;
        shown.push(tool);
        offered.push(offer);
    }
    Ok((shown, offered))
}

fn function_type(kind: Option<&str>, path: &str) -> Result<(), Refusal> {
    match kind {
        None | Some("function") => Ok(()),
        Some(other) => {
            let message = format!("{path}: {other:?} cannot be done here, only functions can be called");
            Err(Refusal::field(path, message))
        }
    }
}

fn tool_choice(choice: Option<TextOr<wire::NamedTool>>) -> Result<ToolChoice, Refusal> {
    match choice {
        None => Ok(ToolChoice::Auto),
        Some(TextOr::Other(named)) => {
            function_type(named.kind.as_deref(), "tool_choice.type")?;
            Ok(ToolChoice::Named(named.function.name))
        }
        Some(TextOr::Text(word)) => match word.as_str() {
            "auto" => Ok(ToolChoice::Auto),
            "none" => Ok(ToolChoice::None),
            "any" | "required" => Ok(ToolChoice::Required),
            other => Err(Refusal::field(
                "tool_choice",
                format!("tool_choice: unknown choice {other:?}, expected auto, none, any, required or a function"),
            )),
        },
    }
}

fn response_format(format: wire::ResponseFormat) -> Result<Option<Format>, Refusal> {
    match (format.kind.as_deref(), format.json_schema) {
        (None | Some("text"), None) => Ok(None),
        (Some("json_object"), None) => Ok(Some(Format::JsonObject)),
        (Some("json_schema"), Some(named)) => {
            Format::schema(&named.schema, "response_format.json_schema.schema").map(Some)
        }
        (Some("json_schema"), None) => {
            Err(Refusal::field("response_format", "response_format: the field `json_schema` is missing"))
        }
        (Some("text" | "json_object") | None, Some(_)) => Err(Refusal::field(
            "response_format.json_schema",
            "response_format.json_schema: a schema goes with the type json_schema only",
        )),
        (Some(other), _) => Err(Refusal::field(
            "response_format.type",
            format!("response_format.type: unknown format {other:?}, expected text, json_object or json_schema"),
        )),
    }
}
