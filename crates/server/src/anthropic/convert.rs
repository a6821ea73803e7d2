//! From Anthropic's words to a conversation and a form. The dialect ends here.

use std::collections::HashMap;

use engine::TemplateVersion;
use engine::prompt::{Assistant, Chunk, Content, Conversation, Json, Message, Settings, Tool, ToolCall, ToolResult};

use super::{fields, thinking, wire};
use crate::form::{Form, Format, OfferedTool, ToolChoice};
use crate::refusal::Refusal;
use crate::text_or::TextOr;
use crate::{bounds, turns};

/// The conversation for a template of `version`, and what form its answer is to take.
pub(super) fn conversation(
    request: &mut wire::MessagesRequest,
    version: Option<TemplateVersion>,
) -> Result<(Conversation, Form), Refusal> {
    refuse_what_is_not_done(request)?;
    bounds::check_messages("messages", request.messages.len())?;
    bounds::check_tools("tools", request.tools.as_ref().map_or(0, Vec::len))?;
    let mut messages = Vec::new();
    if let Some(system) = request.system.take() {
        messages.push(Message::System(text_content(system, "system")?));
    }
    let mut ids = CallIds::default();
    let last = request.messages.len().checked_sub(1);
    for (index, one) in std::mem::take(&mut request.messages).into_iter().enumerate() {
        add_message(&mut messages, one, &format!("messages[{index}]"), (last == Some(index), &mut ids))?;
    }
    let (tools, offered) = tools(request.tools.take().unwrap_or_default())?;
    let (choice, parallel) = request.tool_choice.take().map_or(Ok((ToolChoice::Auto, true)), tool_choice)?;
    let config = request.output_config.take();
    let (effort, format) = config.map_or((None, None), |config| (config.effort, config.format));
    let form = Form { tools: offered, choice, parallel, format: format.map(output_format).transpose()? };
    form.check("tool_choice")?;
    let messages = turns::settled(messages, version);
    let settings = Settings {
        reasoning_effort: effort.as_deref().map(thinking::effort).transpose()?,
        json_schema: form.format.as_ref().map(Format::json),
    };
    Ok((Conversation { messages, tools, settings }, form))
}

fn refuse_what_is_not_done(request: &wire::MessagesRequest) -> Result<(), Refusal> {
    fields::check_cache_control(request.cache_control.as_ref(), "")?;
    let refused = [
        ("container", request.container.is_some(), "no code is run here"),
        ("diagnostics", request.diagnostics.is_some(), "no earlier request is kept to compare with"),
        ("inference_geo", request.inference_geo.is_some(), "the answer is computed on this machine"),
        ("mcp_servers", request.mcp_servers.as_ref().is_some_and(|list| !list.is_empty()), "nothing is fetched here"),
        ("speed", request.speed.as_deref().is_some_and(|speed| speed != "standard"), "there is one speed, standard"),
    ];
    for (field, is_asked, why) in refused {
        if is_asked {
            return Err(Refusal::field(field, format!("{field}: cannot be done, {why}: leave it out")));
        }
    }
    let edits = request.context_management.iter().flat_map(|management| management.edits.iter().flatten());
    for (index, edit) in edits.enumerate() {
        let keeps_all = edit.keep.as_ref().is_some_and(|keep| keep.get() == "\"all\"");
        if edit.kind != "clear_thinking_20251015" || !keeps_all {
            let param = format!("context_management.edits[{index}]");
            let why =
                "a conversation is answered as it is sent, only clear_thinking_20251015 that keeps all can be done";
            return Err(Refusal::field(&param, format!("{param}: {why}: leave it out")));
        }
    }
    match request.service_tier.as_deref() {
        None | Some("auto" | "standard_only") => Ok(()),
        Some(tier) => {
            let message = format!("service_tier: unknown tier {tier:?}, expected auto or standard_only");
            Err(Refusal::field("service_tier", message))
        }
    }
}

fn add_message(
    messages: &mut Vec<Message>,
    message: wire::Message,
    path: &str,
    (is_last, ids): (bool, &mut CallIds),
) -> Result<(), Refusal> {
    let blocks = match message.content {
        TextOr::Text(text) => vec![text_block(text)],
        TextOr::Other(blocks) => blocks,
    };
    let content_path = format!("{path}.content");
    match message.role.as_str() {
        "user" => add_user(messages, blocks, &content_path, ids),
        "assistant" => {
            messages.push(Message::Assistant(assistant(blocks, &content_path, (is_last, ids))?));
            Ok(())
        }
        "system" => {
            messages.push(Message::System(Content::Chunks(texts_only(blocks, &content_path)?)));
            Ok(())
        }
        other => {
            let param = format!("{path}.role");
            let message = format!("{param}: unknown role {other:?}, expected user, assistant or system");
            Err(Refusal::field(param, message))
        }
    }
}

/// Results of tools are messages of their own in Mistral's templates; text before and after them stays where it is.
fn add_user(
    messages: &mut Vec<Message>,
    blocks: Vec<wire::Block>,
    path: &str,
    ids: &mut CallIds,
) -> Result<(), Refusal> {
    let mut texts: Vec<Chunk> = Vec::new();
    let had_none = blocks.is_empty();
    for (index, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        fields::check_block(&block, &path)?;
        match block.kind.as_str() {
            "text" => texts.push(Chunk::Text(block_text(block, &path)?)),
            "tool_result" => {
                flush(messages, &mut texts);
                messages.push(Message::Tool(tool_result(block, &path, ids)?));
            }
            kind => return Err(unsupported(kind, &path, "user")),
        }
    }
    if had_none {
        return Err(Refusal::field(path, format!("{path}: a message needs content")));
    }
    flush(messages, &mut texts);
    Ok(())
}

fn flush(messages: &mut Vec<Message>, texts: &mut Vec<Chunk>) {
    if !texts.is_empty() {
        messages.push(Message::User(Content::Chunks(std::mem::take(texts))));
    }
}

fn texts_only(blocks: Vec<wire::Block>, path: &str) -> Result<Vec<Chunk>, Refusal> {
    let text = |(index, block): (usize, wire::Block)| {
        let path = format!("{path}[{index}]");
        fields::check_block(&block, &path)?;
        match block.kind.as_str() {
            "text" => block_text(block, &path).map(Chunk::Text),
            kind => Err(unsupported(kind, &path, "system")),
        }
    };
    blocks.into_iter().enumerate().map(text).collect()
}

fn assistant(blocks: Vec<wire::Block>, path: &str, (is_last, ids): (bool, &mut CallIds)) -> Result<Assistant, Refusal> {
    let mut chunks = Vec::new();
    let mut tool_calls = Vec::new();
    for (index, block) in blocks.into_iter().enumerate() {
        let path = format!("{path}[{index}]");
        fields::check_block(&block, &path)?;
        match block.kind.as_str() {
            "text" => chunks.push(Chunk::Text(block_text(block, &path)?)),
            "thinking" => {
                let missing = || Refusal::field(&path, format!("{path}: a thinking block needs the field `thinking`"));
                chunks.push(Chunk::Thinking { text: block.thinking.ok_or_else(missing)?, closed: true });
            }
            "tool_use" => tool_calls.push(tool_use(block, &path, ids)?),
            kind => return Err(unsupported(kind, &path, "assistant")),
        }
    }
    // An answer that begins with the client's words: Anthropic calls it prefill.
    let prefix = is_last && tool_calls.is_empty();
    Ok(Assistant { content: plain(chunks), tool_calls, prefix })
}

/// Text alone is text: what old template versions ask for.
fn plain(chunks: Vec<Chunk>) -> Content {
    if chunks.iter().all(|chunk| chunk.text().is_some()) {
        return Content::Text(chunks.iter().filter_map(Chunk::text).collect());
    }
    Content::Chunks(chunks)
}

fn tool_use(block: wire::Block, path: &str, ids: &mut CallIds) -> Result<ToolCall, Refusal> {
    if block.caller.is_some_and(|caller| caller.kind != "direct") {
        let param = format!("{path}.caller");
        return Err(Refusal::field(&param, format!("{param}: no code is run here, only direct calls can be read")));
    }
    let missing = |field: &str| Refusal::field(path, format!("{path}: a tool_use block needs the field `{field}`"));
    let id = block.id.ok_or_else(|| missing("id"))?;
    let input = block.input.ok_or_else(|| missing("input"))?;
    let arguments = match Json::parse(input.get()) {
        Ok(value @ Json::Object(_)) => value.dump(),
        _ => return Err(Refusal::field(format!("{path}.input"), format!("{path}.input: expected an object"))),
    };
    Ok(ToolCall { id: Some(ids.short(&id)), name: block.name.ok_or_else(|| missing("name"))?, arguments })
}

fn tool_result(block: wire::Block, path: &str, ids: &mut CallIds) -> Result<ToolResult, Refusal> {
    let missing = || Refusal::field(path, format!("{path}: a tool_result block needs the field `tool_use_id`"));
    let id = block.tool_use_id.ok_or_else(missing)?;
    let content = match block.content {
        None => String::new(),
        Some(content) => text_content(content, &format!("{path}.content"))?.plain_text(),
    };
    // The templates have no mark for a failure: the model is told in words.
    let text = if block.is_error == Some(true) { format!("Error: {content}") } else { content };
    Ok(ToolResult { content: Content::Text(text), tool_call_id: Some(ids.short(&id)), name: None })
}

fn text_content(content: TextOr<Vec<wire::TextBlock>>, path: &str) -> Result<Content, Refusal> {
    let blocks = match content {
        TextOr::Text(text) => return Ok(Content::Text(text)),
        TextOr::Other(blocks) => blocks,
    };
    let text = |(index, block): (usize, wire::TextBlock)| {
        let path = format!("{path}[{index}]");
        if block.kind != "text" {
            return Err(unsupported(&block.kind, &path, "this"));
        }
        fields::check_text_block(&block, &path)?;
        check_citations(block.citations.as_deref().map(|raw| raw.get()), &path)?;
        let missing = || Refusal::field(&path, format!("{path}: a text block needs the field `text`"));
        block.text.map(Chunk::Text).ok_or_else(missing)
    };
    Ok(Content::Chunks(blocks.into_iter().enumerate().map(text).collect::<Result<_, _>>()?))
}

fn block_text(block: wire::Block, path: &str) -> Result<String, Refusal> {
    check_citations(block.citations.as_deref().map(|raw| raw.get()), path)?;
    block.text.ok_or_else(|| Refusal::field(path, format!("{path}: a text block needs the field `text`")))
}

fn check_citations(citations: Option<&str>, path: &str) -> Result<(), Refusal> {
    match citations {
        None | Some("null") => Ok(()),
        Some(list) if list.chars().filter(|c| !c.is_whitespace()).eq("[]".chars()) => Ok(()),
        Some(_) => {
            let param = format!("{path}.citations");
            Err(Refusal::field(&param, format!("{param}: the model cannot read citations: leave them out")))
        }
    }
}

fn text_block(text: String) -> wire::Block {
    wire::Block { kind: "text".to_owned(), text: Some(text), ..wire::Block::default() }
}

fn unsupported(kind: &str, path: &str, role: &str) -> Refusal {
    let param = format!("{path}.type");
    let why = match kind {
        "image" | "document" | "search_result" | "redacted_thinking" | "container_upload" => {
            "this server reads text only, and fetches nothing: send the text itself"
        }
        "text" | "thinking" | "tool_use" | "tool_result" => "it does not belong into such a message",
        _ => "expected text, thinking, tool_use or tool_result",
    };
    Refusal::field(&param, format!("{param}: a block of type {kind:?} cannot be read in a {role} message, {why}"))
}

fn tools(tools: Vec<wire::Tool>) -> Result<(Vec<Tool>, Vec<OfferedTool>), Refusal> {
    let mut shown = Vec::new();
    let mut offered = Vec::new();
    for (index, tool) in tools.into_iter().enumerate() {
        let path = format!("tools[{index}]");
        refuse_of_tool(&tool, &path)?;
        fields::check_cache_control(tool.cache_control.as_ref(), &path)?;
        let (tool, offer) = OfferedTool::new(
            tool.name,
            tool.description.unwrap_or_default(),
            tool.input_schema.as_deref(),
            tool.strict.unwrap_or(false),
            &format!("{path}.input_schema"),
        )?;
        shown.push(tool);
        offered.push(offer);
    }
    Ok((shown, offered))
}

fn refuse_of_tool(tool: &wire::Tool, path: &str) -> Result<(), Refusal> {
    let kind = tool.kind.as_deref().unwrap_or("custom");
    let callers = tool.allowed_callers.as_ref();
    let refused = [
        ("type", kind != "custom", "only tools of type custom can be called here, those that the client runs itself"),
        ("input_schema", tool.input_schema.is_none(), "the field is missing"),
        ("eager_input_streaming", tool.eager_input_streaming == Some(true), "a call is sent when it is complete"),
        ("defer_loading", tool.defer_loading == Some(true), "all tools are shown to the model"),
        ("allowed_callers", callers.is_some_and(|list| list.iter().any(|c| c != "direct")), "no code is run here"),
        (
            "input_examples",
            tool.input_examples.as_ref().is_some_and(|list| !list.is_empty()),
            "the templates have no place for examples: put them into the description",
        ),
    ];
    match refused.into_iter().find(|(_, is_asked, _)| *is_asked) {
        None => Ok(()),
        Some((field, _, why)) => {
            let param = format!("{path}.{field}");
            Err(Refusal::field(&param, format!("{param}: {why}")))
        }
    }
}

fn tool_choice(choice: wire::ToolChoice) -> Result<(ToolChoice, bool), Refusal> {
    let parallel = !choice.disable_parallel_tool_use.unwrap_or(false);
    let chosen = match (choice.kind.as_str(), choice.name) {
        ("auto", None) => ToolChoice::Auto,
        ("any", None) => ToolChoice::Required,
        ("none", None) => ToolChoice::None,
        ("tool", Some(name)) => ToolChoice::Named(name),
        ("tool", None) => return Err(Refusal::field("tool_choice.name", "tool_choice.name: which tool?")),
        ("auto" | "any" | "none", Some(_)) => {
            return Err(Refusal::field("tool_choice.name", "tool_choice.name: goes with the type tool only"));
        }
        (other, _) => {
            let message = format!("tool_choice.type: unknown choice {other:?}, expected auto, any, tool or none");
            return Err(Refusal::field("tool_choice.type", message));
        }
    };
    Ok((chosen, parallel))
}

fn output_format(format: wire::OutputFormat) -> Result<Format, Refusal> {
    match format.kind.as_str() {
        "json_schema" => Format::schema(&format.schema, "output_config.format.schema"),
        other => {
            let message = format!("output_config.format.type: unknown format {other:?}, expected json_schema");
            Err(Refusal::field("output_config.format.type", message))
        }
    }
}

/// Ids of calls as Mistral's templates take them: nine letters or digits. Others, from conversations that began
/// elsewhere, are numbered in the order in which they come, so that the same conversation gives the same tokens.
#[derive(Default)]
struct CallIds {
    others: HashMap<String, String>,
}

impl CallIds {
    fn short(&mut self, id: &str) -> String {
        if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return id.to_owned();
        }
        let next = format!("call{:05}", self.others.len());
        self.others.entry(id.to_owned()).or_insert(next).clone()
    }
}
