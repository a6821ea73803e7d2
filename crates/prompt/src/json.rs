//! A conversation as JSON: the form of chat requests, in one place for files, the command line and the server.
//!
//! `{"messages": […], "tools": […], "reasoning_effort", "response_format", "continue_final_message"}`, with the field
//! names of OpenAI's and Mistral's APIs. What is not understood is refused by its path, never passed over; `null` is
//! the same as a field left out.

use crate::Error;
use crate::limits::MAX_JSON_BYTES;
use crate::message::{
    Assistant, Chunk, Content, Conversation, Message, ReasoningEffort, Settings, Tool, ToolCall, ToolResult,
};
use crate::value::Json;

impl Conversation {
    /// Reads a conversation.
    ///
    /// # Errors
    /// The text is not JSON, or a field is missing, unknown, or of the wrong type.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        if text.len() > MAX_JSON_BYTES {
            return Err(Error::TooLarge { what: "bytes of JSON", found: text.len(), limit: MAX_JSON_BYTES });
        }
        Self::from_value(&Json::parse(text)?)
    }

    /// Reads a conversation from JSON that is parsed already.
    ///
    /// # Errors
    /// A field is missing, unknown, or of the wrong type.
    pub fn from_value(value: &Json) -> Result<Self, Error> {
        let root = Field { value, path: String::new() };
        root.allow(&["messages", "tools", "reasoning_effort", "response_format", "continue_final_message"])?;
        let mut messages = root.required("messages")?.items()?.iter().map(message).collect::<Result<Vec<_>, _>>()?;
        if root.optional("continue_final_message").map_or(Ok(false), |field| field.bool())? {
            let Some(Message::Assistant(last)) = messages.last_mut() else { return Err(Error::NothingToContinue) };
            last.prefix = true;
        }
        let tools = root.optional("tools").map_or(Ok(Vec::new()), |list| list.items()?.iter().map(tool).collect())?;
        let settings = Settings {
            reasoning_effort: root.optional("reasoning_effort").map(|field| effort(&field)).transpose()?,
            json_schema: root.optional("response_format").map_or(Ok(None), |field| response_format(&field))?,
        };
        Ok(Self { messages, tools, settings })
    }

    /// The form that [`Self::from_value`] reads.
    pub fn to_value(&self) -> Json {
        let mut entries = vec![("messages", Json::Array(self.messages.iter().map(message_to_json).collect()))];
        if !self.tools.is_empty() {
            entries.push(("tools", Json::Array(self.tools.iter().map(Tool::to_json).collect())));
        }
        if let Some(effort) = self.settings.reasoning_effort {
            entries.push(("reasoning_effort", Json::string(effort.name())));
        }
        if let Some(schema) = &self.settings.json_schema {
            let named = Json::object([("name", Json::string("answer")), ("schema", schema.clone())]);
            let format = [("type", Json::string("json_schema")), ("json_schema", named)];
            entries.push(("response_format", Json::object(format)));
        }
        Json::object(entries)
    }
}

fn message(field: &Field<'_>) -> Result<Message, Error> {
    let role = field.required("role")?;
    match role.text()? {
        // OpenAI's newer name of the system role.
        "system" | "developer" => {
            field.allow(&["role", "content"])?;
            Ok(Message::System(content(&field.required("content")?)?))
        }
        "user" => {
            field.allow(&["role", "content"])?;
            Ok(Message::User(content(&field.required("content")?)?))
        }
        "assistant" => assistant(field).map(Message::Assistant),
        "tool" => {
            field.allow(&["role", "content", "tool_call_id", "name"])?;
            Ok(Message::Tool(ToolResult {
                content: content(&field.required("content")?)?,
                tool_call_id: field.optional_text("tool_call_id")?,
                name: field.optional_text("name")?,
            }))
        }
        other => Err(role.error(format!(
            "unknown role {other:?}, expected \"system\", \"developer\", \"user\", \"assistant\" or \"tool\""
        ))),
    }
}

fn assistant(field: &Field<'_>) -> Result<Assistant, Error> {
    field.allow(&["role", "content", "tool_calls", "prefix", "reasoning", "reasoning_content"])?;
    let written = field.optional("content").map_or(Ok(Content::default()), |field| content(&field))?;
    let tool_calls =
        field.optional("tool_calls").map_or(Ok(Vec::new()), |list| list.items()?.iter().map(tool_call).collect())?;
    Ok(Assistant {
        content: with_reasoning(field, written)?,
        tool_calls,
        prefix: field.optional("prefix").map_or(Ok(false), |field| field.bool())?,
    })
}

/// The thought that other servers give beside the content becomes its first chunk.
fn with_reasoning(field: &Field<'_>, content: Content) -> Result<Content, Error> {
    let thought = match (field.optional_text("reasoning")?, field.optional_text("reasoning_content")?) {
        (Some(one), Some(other)) if one != other => {
            return Err(field.error("`reasoning_content` and `reasoning` should be equal."));
        }
        (one, other) => one.or(other),
    };
    let Some(text) = thought else { return Ok(content) };
    let mut chunks = vec![Chunk::Thinking { text, closed: true }];
    match content {
        Content::Text(text) if text.is_empty() => {}
        Content::Text(text) => chunks.push(Chunk::Text(text)),
        Content::Chunks(more) if more.iter().any(|chunk| matches!(chunk, Chunk::Thinking { .. })) => {
            return Err(field.error(
                "Message cannot have both thinking chunks in `content` and a top-level `reasoning` or \
                 `reasoning_content` field.",
            ));
        }
        Content::Chunks(more) => chunks.extend(more),
    }
    Ok(Content::Chunks(chunks))
}

fn content(field: &Field<'_>) -> Result<Content, Error> {
    match field.value {
        Json::String(text) => Ok(Content::Text(text.clone())),
        Json::Array(_) => Ok(Content::Chunks(field.items()?.iter().map(chunk).collect::<Result<_, _>>()?)),
        _ => Err(field.error("expected a text or a list of chunks")),
    }
}

fn chunk(field: &Field<'_>) -> Result<Chunk, Error> {
    let kind = field.required("type")?;
    match kind.text()? {
        "text" => {
            field.allow(&["type", "text"])?;
            Ok(Chunk::Text(field.required("text")?.text()?.to_owned()))
        }
        "thinking" => {
            field.allow(&["type", "thinking", "closed"])?;
            Ok(Chunk::Thinking {
                text: thinking(&field.required("thinking")?)?,
                closed: field.optional("closed").map_or(Ok(true), |field| field.bool())?,
            })
        }
        kind_name @ ("image" | "image_url" | "input_audio" | "audio_url") => {
            Err(kind.error(format!("chunks of type {kind_name:?} are not supported yet: send text")))
        }
        other => Err(kind.error(format!("unknown chunk type {other:?}, expected \"text\" or \"thinking\""))),
    }
}

/// A text, or Mistral's list of text chunks.
fn thinking(field: &Field<'_>) -> Result<String, Error> {
    if let Json::String(text) = field.value {
        return Ok(text.clone());
    }
    let mut thought = String::new();
    for part in field.items()? {
        match chunk(&part)? {
            Chunk::Text(text) => thought.push_str(&text),
            Chunk::Thinking { .. } => return Err(part.error("a thought inside a thought")),
        }
    }
    Ok(thought)
}

fn tool_call(field: &Field<'_>) -> Result<ToolCall, Error> {
    // Streaming APIs number the calls; their order says the same.
    field.allow(&["id", "type", "function", "index"])?;
    check_type(field)?;
    let function = field.required("function")?;
    function.allow(&["name", "arguments"])?;
    let arguments = match function.optional("arguments") {
        None => "{}".to_owned(),
        Some(Field { value: value @ Json::Object(_), .. }) => value.dump(),
        Some(arguments) => arguments.text()?.to_owned(),
    };
    let name = function.required("name")?.text()?.to_owned();
    Ok(ToolCall { id: field.optional_text("id")?, name, arguments })
}

fn tool(field: &Field<'_>) -> Result<Tool, Error> {
    field.allow(&["type", "function"])?;
    check_type(field)?;
    let function = field.required("function")?;
    // `strict` says how the answer is held to the schema, not what the model reads.
    function.allow(&["name", "description", "parameters", "strict"])?;
    let parameters = match function.optional("parameters") {
        None => Json::Object(Vec::new()),
        Some(Field { value: value @ Json::Object(_), .. }) => value.clone(),
        Some(parameters) => return Err(parameters.error("expected a JSON schema, which is an object")),
    };
    Ok(Tool {
        name: function.required("name")?.text()?.to_owned(),
        description: function.optional_text("description")?.unwrap_or_default(),
        parameters,
    })
}

fn check_type(field: &Field<'_>) -> Result<(), Error> {
    match field.optional("type") {
        Some(kind) if kind.text()? != "function" => Err(kind.error("unknown type, expected \"function\"")),
        _ => Ok(()),
    }
}

fn effort(field: &Field<'_>) -> Result<ReasoningEffort, Error> {
    let name = field.text()?;
    ReasoningEffort::from_name(name).ok_or_else(|| {
        let names: Vec<_> = ReasoningEffort::ALL.iter().map(|effort| effort.name()).collect();
        field.error(format!("unknown effort {name:?}, expected one of {}", names.join(", ")))
    })
}

fn response_format(field: &Field<'_>) -> Result<Option<Json>, Error> {
    field.allow(&["type", "json_schema"])?;
    let kind = field.required("type")?;
    match kind.text()? {
        "text" => Ok(None),
        "json_object" => {
            let of_type = |name| Json::object([("type", Json::string(name))]);
            Ok(Some(Json::object([("anyOf", Json::Array(vec![of_type("object"), of_type("array")]))])))
        }
        "json_schema" => {
            let named = field.required("json_schema")?;
            named.allow(&["name", "description", "schema", "strict"])?;
            Ok(Some(named.required("schema")?.value.clone()))
        }
        other => Err(kind.error(format!("unknown format {other:?}, expected text, json_object or json_schema"))),
    }
}

fn message_to_json(message: &Message) -> Json {
    let mut entries = vec![("role", Json::string(message.role().name()))];
    let has_content = !matches!(message, Message::Assistant(assistant) if assistant.content.is_empty());
    if has_content {
        entries.push(("content", content_to_json(message.content())));
    }
    match message {
        Message::System(_) | Message::User(_) => {}
        Message::Assistant(assistant) => {
            if !assistant.tool_calls.is_empty() {
                let calls = assistant.tool_calls.iter().map(ToolCall::to_json).collect();
                entries.push(("tool_calls", Json::Array(calls)));
            }
            if assistant.prefix {
                entries.push(("prefix", Json::Bool(true)));
            }
        }
        Message::Tool(result) => {
            let texts = [("tool_call_id", &result.tool_call_id), ("name", &result.name)];
            entries.extend(texts.into_iter().filter_map(|(name, text)| Some((name, Json::string(text.as_ref()?)))));
        }
    }
    Json::object(entries)
}

fn content_to_json(content: &Content) -> Json {
    match content {
        Content::Text(text) => Json::string(text),
        Content::Chunks(chunks) => Json::Array(chunks.iter().map(chunk_to_json).collect()),
    }
}

fn chunk_to_json(chunk: &Chunk) -> Json {
    let text_chunk = |text: &String| Json::object([("type", Json::string("text")), ("text", Json::string(text))]);
    match chunk {
        Chunk::Text(text) => text_chunk(text),
        Chunk::Thinking { text, closed } => Json::object([
            ("type", Json::string("thinking")),
            ("thinking", Json::Array(vec![text_chunk(text)])),
            ("closed", Json::Bool(*closed)),
        ]),
    }
}

impl ToolCall {
    /// The form in which requests and answers carry it: the arguments are a text.
    pub fn to_json(&self) -> Json {
        let mut entries = Vec::new();
        if let Some(id) = &self.id {
            entries.push(("id", Json::string(id)));
        }
        entries.push(("type", Json::string("function")));
        let function = [("name", Json::string(&self.name)), ("arguments", Json::string(&self.arguments))];
        entries.push(("function", Json::object(function)));
        Json::object(entries)
    }
}

/// A value, and how one came to it.
struct Field<'j> {
    value: &'j Json,
    path: String,
}

impl<'j> Field<'j> {
    fn allow(&self, names: &[&str]) -> Result<(), Error> {
        let Json::Object(entries) = self.value else { return Err(self.error("expected an object")) };
        match entries.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            Some((name, _)) => Err(self.error(format!("unknown field {name:?}, expected {}", names.join(", ")))),
            None => Ok(()),
        }
    }

    fn optional(&self, name: &str) -> Option<Self> {
        let value = self.value.key(name).filter(|value| **value != Json::Null)?;
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Some(Self { value, path })
    }

    fn required(&self, name: &str) -> Result<Self, Error> {
        self.optional(name).ok_or_else(|| self.error(format!("the field {name:?} is missing")))
    }

    fn optional_text(&self, name: &str) -> Result<Option<String>, Error> {
        self.optional(name).map(|field| field.text().map(str::to_owned)).transpose()
    }

    fn text(&self) -> Result<&'j str, Error> {
        self.value.as_str().ok_or_else(|| self.error("expected a text"))
    }

    fn bool(&self) -> Result<bool, Error> {
        match self.value {
            Json::Bool(value) => Ok(*value),
            _ => Err(self.error("expected true or false")),
        }
    }

    fn items(&self) -> Result<Vec<Self>, Error> {
        let Json::Array(items) = self.value else { return Err(self.error("expected a list")) };
        let field = |(index, value)| Self { value, path: format!("{}[{index}]", self.path) };
        Ok(items.iter().enumerate().map(field).collect())
    }

    fn error(&self, what: impl Into<String>) -> Error {
        let path = if self.path.is_empty() { "conversation" } else { &self.path };
        Error::Field { path: path.to_owned(), what: what.into() }
    }
}
