//! Which tools the model may call, and whether it must.

use std::collections::HashSet;

use engine::grammar::{self, Spec};
use engine::prompt::{Json, Tool};
use serde_json::Value;
use serde_json::value::RawValue;

use super::format::{Format, json, shortened};
use crate::bounds;
use crate::openai::wire::TextOr;
use crate::openai::wire::chat::{ToolChoice, ToolDefinition};
use crate::openai::wire::responses::{ResponsesTool, ResponsesToolChoice};
use crate::refusal::{Refusal, RefusalKind};

/// A function that the model may call.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    /// For the grammar.
    pub(crate) schema: Value,
    /// For the model: digits and order as the request has them.
    pub(crate) shown: Json,
    pub(crate) strict: bool,
}

/// Whether it is to be called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The model is not told of any.
    None,
    /// As the model likes.
    #[default]
    Auto,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// The tools of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct ToolUse {
    pub(crate) functions: Vec<Function>,
    pub(crate) choice: Choice,
    /// Several calls in one answer.
    pub(crate) parallel: bool,
}

impl ToolUse {
    /// What the model is told.
    pub(crate) fn shown(&self) -> Vec<Tool> {
        let tool = |function: &Function| Tool {
            name: function.name.clone(),
            description: function.description.clone().unwrap_or_default(),
            parameters: function.shown.clone(),
        };
        if self.choice == Choice::None { Vec::new() } else { self.functions.iter().map(tool).collect() }
    }

    /// What the answer is held to, calls and text together. A thought may come first.
    ///
    /// # Errors
    /// Calls are to be held to something, and the template has none.
    pub(crate) fn spec(
        &self,
        format: &Format,
        version: Option<engine::TemplateVersion>,
    ) -> Result<Option<Spec>, Refusal> {
        let answer = format.spec.clone();
        if self.functions.is_empty() || self.choice == Choice::None {
            return Ok(answer.map(|spec| Spec::AfterThought(Box::new(spec))));
        }
        let strict = self.functions.iter().any(|function| function.strict);
        let free = self.choice == Choice::Auto && self.parallel && !strict && answer.is_none();
        if free && version.is_none() {
            return Ok(None);
        }
        // Held even where nothing is asked: a call that cannot be read would be of use to nobody.
        let version = version.ok_or_else(|| {
            Refusal::field("tools", "tools: calls cannot be held to anything with this model's own chat template")
        })?;
        let tool = |function: &Function| grammar::Tool {
            name: function.name.clone(),
            parameters: function.schema.clone(),
            strict: function.strict,
        };
        let choice = match &self.choice {
            Choice::None | Choice::Auto => grammar::Choice::Auto,
            Choice::Required => grammar::Choice::Required,
            Choice::Named(name) => grammar::Choice::Named(name.clone()),
        };
        Ok(Some(Spec::Tools(grammar::Tools {
            version,
            tools: self.functions.iter().map(tool).collect(),
            // Where a call must come, there is no other answer whose form could matter.
            answer: answer.filter(|_| choice == grammar::Choice::Auto).map(Box::new),
            choice,
            parallel: self.parallel,
        })))
    }

    fn checked(self, choice_path: &str) -> Result<Self, Refusal> {
        let known = |name: &str| self.functions.iter().any(|function| function.name == name);
        match &self.choice {
            Choice::Named(name) if !known(name) => {
                let message = format!("{choice_path} names {:?}, which is not among the tools", shortened(name));
                Err(Refusal::field(choice_path, message))
            }
            Choice::Required if self.functions.is_empty() => {
                Err(Refusal::field(choice_path, format!("{choice_path} is required, but there are no tools")))
            }
            _ => Ok(self),
        }
    }
}

/// The tools of a chat request.
///
/// # Errors
/// A tool is none, or the choice names none of them.
pub(crate) fn chat(
    tools: Option<Vec<ToolDefinition>>,
    choice: Option<TextOr<ToolChoice>>,
    parallel: Option<bool>,
) -> Result<ToolUse, Refusal> {
    bounds::check_tools("tools", tools.as_ref().map_or(0, Vec::len))?;
    let mut functions = Vec::new();
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        let path = format!("tools[{index}]");
        check_type(&tool.kind, &path)?;
        let at = format!("{path}.function");
        let definition = tool.function.ok_or_else(|| Refusal::field(at.clone(), format!("{at}: it is missing")))?;
        let parameters = definition.parameters.as_deref();
        let named = (definition.name, definition.description, definition.strict);
        functions.push(function(named, parameters, &at)?);
    }
    let mut used = ToolUse { functions, choice: Choice::Auto, parallel: parallel.unwrap_or(true) };
    match choice {
        None => {}
        Some(TextOr::Text(word)) => used.choice = choice_word(&word)?,
        Some(TextOr::Other(choice)) => match (choice.kind.as_str(), choice.function, choice.allowed_tools) {
            ("function", Some(function), None) => used.choice = Choice::Named(function.name),
            ("allowed_tools", None, Some(allowed)) => {
                used.choice = choice_word(&allowed.mode)?;
                let names: Vec<_> =
                    allowed.tools.into_iter().map(|tool| (tool.kind, tool.function.map(|f| f.name))).collect();
                keep_allowed(&mut used, names, "tool_choice.allowed_tools.tools")?;
            }
            _ => return Err(bad_choice()),
        },
    }
    used.checked("tool_choice")
}

/// The tools of a request for a response.
///
/// # Errors
/// A tool is none, or the choice names none of them.
pub(crate) fn responses(
    tools: Option<Vec<ResponsesTool>>,
    choice: Option<TextOr<ResponsesToolChoice>>,
    parallel: Option<bool>,
) -> Result<ToolUse, Refusal> {
    bounds::check_tools("tools", tools.as_ref().map_or(0, Vec::len))?;
    let mut functions = Vec::new();
    for (index, tool) in tools.into_iter().flatten().enumerate() {
        let path = format!("tools[{index}]");
        check_type(&tool.kind, &path)?;
        if let Some(unknown) = tool.unknown {
            let field = format!("{path}.{}", shortened(&unknown));
            let message = format!("{field}: unknown field, expected type, name, description, parameters or strict");
            return Err(Refusal::new(RefusalKind::UnknownField, message).at(field));
        }
        let at = format!("{path}.name");
        let name = tool.name.ok_or_else(|| Refusal::field(at.clone(), format!("{at}: it is missing")))?;
        functions.push(function((name, tool.description, tool.strict), tool.parameters.as_deref(), &path)?);
    }
    let mut used = ToolUse { functions, choice: Choice::Auto, parallel: parallel.unwrap_or(true) };
    match choice {
        None => {}
        Some(TextOr::Text(word)) => used.choice = choice_word(&word)?,
        Some(TextOr::Other(choice)) => match (choice.kind.as_str(), choice.name, choice.mode, choice.tools) {
            ("function", Some(name), None, None) => used.choice = Choice::Named(name),
            ("allowed_tools", None, Some(mode), Some(tools)) => {
                used.choice = choice_word(&mode)?;
                let names = tools.into_iter().map(|tool| (tool.kind, tool.name)).collect();
                keep_allowed(&mut used, names, "tool_choice.tools")?;
            }
            _ => return Err(bad_choice()),
        },
    }
    used.checked("tool_choice")
}

fn check_type(kind: &str, path: &str) -> Result<(), Refusal> {
    if kind == "function" {
        return Ok(());
    }
    let path = format!("{path}.type");
    let message = format!("{path} is {:?}: only tools of the type function are served", shortened(kind));
    Err(Refusal::field(path, message))
}

fn function(
    (name, description, strict): (String, Option<String>, Option<bool>),
    parameters: Option<&RawValue>,
    path: &str,
) -> Result<Function, Refusal> {
    let nothing = || (Value::Object(serde_json::Map::new()), Json::Object(Vec::new()));
    let given = parameters.filter(|raw| raw.get() != "null");
    let (schema, shown) = given.map_or_else(|| Ok(nothing()), |raw| json(raw, &format!("{path}.parameters")))?;
    Ok(Function { name, description, schema, shown, strict: strict == Some(true) })
}

fn choice_word(word: &str) -> Result<Choice, Refusal> {
    match word {
        "auto" => Ok(Choice::Auto),
        "none" => Ok(Choice::None),
        "required" => Ok(Choice::Required),
        _ => Err(bad_choice()),
    }
}

fn bad_choice() -> Refusal {
    let message =
        "tool_choice must be auto, none, required, a function by its name, or allowed_tools with a mode and tools";
    Refusal::field("tool_choice", message)
}

/// The others are as if they were not there.
fn keep_allowed(used: &mut ToolUse, allowed: Vec<(String, Option<String>)>, path: &str) -> Result<(), Refusal> {
    bounds::check_tools(path, allowed.len())?;
    let known: HashSet<&str> = used.functions.iter().map(|function| function.name.as_str()).collect();
    for (kind, name) in &allowed {
        if kind != "function" || !name.as_deref().is_some_and(|name| known.contains(name)) {
            let name = shortened(name.as_deref().unwrap_or(kind));
            return Err(Refusal::field(path, format!("{path} names {name:?}, which is not among the tools")));
        }
    }
    let kept: HashSet<&str> = allowed.iter().filter_map(|(_, name)| name.as_deref()).collect();
    used.functions.retain(|function| kept.contains(function.name.as_str()));
    Ok(())
}
