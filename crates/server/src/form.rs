//! What form an answer is to take, before any dialect: tools that may or must be called, JSON, JSON by a schema.
//!
//! A dialect reads its own words into a [`Form`]; [`Form::constraint`] makes of it what the engine holds the answer to.
//! `None` where there is nothing to hold: neither tools nor a format.

use std::sync::Arc;

use engine::prompt::{Json, Tool};
use engine::{Engine, SamplingParams, TemplateVersion, grammar};
use grammar::{Choice, Constraint, Spec, Tools};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::models::Loaded;
use crate::on_thread;
use crate::refusal::{Refusal, RefusalKind};

/// What form an answer is to take.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Form {
    /// Tools that may be called.
    pub(crate) tools: Vec<OfferedTool>,
    /// Whether they are.
    pub(crate) choice: ToolChoice,
    /// Several calls in one answer.
    pub(crate) parallel: bool,
    /// What an answer in words looks like; `None`: free text.
    pub(crate) format: Option<Format>,
}

/// A tool, as far as the answer is concerned.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OfferedTool {
    /// Its name.
    pub(crate) name: String,
    /// JSON schema of its arguments.
    pub(crate) parameters: Value,
    /// Hold the arguments to the schema.
    pub(crate) strict: bool,
}

/// Whether tools are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ToolChoice {
    /// As the model likes.
    Auto,
    /// Not at all.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
}

/// What an answer in words looks like.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    /// Any JSON object.
    JsonObject,
    /// JSON by this schema.
    Schema(Value),
}

impl Format {
    /// Reads a schema that stands at `path`.
    ///
    /// # Errors
    /// It is no object.
    pub(crate) fn schema(raw: &RawValue, path: &str) -> Result<Self, Refusal> {
        object(raw, path).map(Self::Schema)
    }

    /// As the model's settings show it (template version v15).
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::JsonObject => Json::object([("type", Json::string("object"))]),
            Self::Schema(schema) => json(schema),
        }
    }

    fn spec(&self) -> Spec {
        match self {
            Self::JsonObject => Spec::JsonObject,
            Self::Schema(schema) => Spec::JsonSchema(schema.clone()),
        }
    }
}

impl OfferedTool {
    /// A tool as the model sees it, and as the answer is held to it. `parameters` stand at `path`; without them the tool
    /// takes no arguments.
    ///
    /// # Errors
    /// The parameters are no object.
    pub(crate) fn new(
        name: String,
        description: String,
        parameters: Option<&RawValue>,
        strict: bool,
        path: &str,
    ) -> Result<(Tool, Self), Refusal> {
        let schema = parameters.map_or_else(|| Ok(Value::Object(serde_json::Map::new())), |raw| object(raw, path))?;
        // The model reads the schema as it was written, down to the digits of its numbers.
        let shown = parameters.and_then(|raw| Json::parse(raw.get()).ok()).unwrap_or_else(|| json(&schema));
        let tool = Tool { name: name.clone(), description, parameters: shown };
        Ok((tool, Self { name, parameters: schema, strict }))
    }
}

impl Form {
    /// A choice that there is no tool for. `param` is the dialect's name of the choice.
    ///
    /// # Errors
    /// Names `param`.
    pub(crate) fn check(&self, param: &str) -> Result<(), Refusal> {
        match &self.choice {
            ToolChoice::Required if self.tools.is_empty() => {
                Err(Refusal::field(param, format!("{param}: a call is asked for, and there are no tools to call")))
            }
            ToolChoice::Named(name) if !self.tools.iter().any(|tool| tool.name == *name) => {
                Err(Refusal::field(param, format!("{param}: there is no tool of the name {name:?}")))
            }
            ToolChoice::Required | ToolChoice::Named(_) if self.format.is_some() => {
                Err(Refusal::field(param, format!("{param}: an answer cannot be a call and follow a format as well")))
            }
            _ => Ok(()),
        }
    }

    /// What the engine holds the answer to; compiled on a thread that may block. `param` is the dialect's name of the
    /// format.
    ///
    /// # Errors
    /// A schema cannot be used, or takes too long to compile.
    pub(crate) async fn constraint(
        &self,
        loaded: &Arc<Loaded>,
        param: &'static str,
    ) -> Result<Option<Constraint>, Refusal> {
        let Some(spec) = self.spec(loaded.engine.text().template.version())? else { return Ok(None) };
        let param = if self.format.is_some() { param } else { "tools" };
        let compile = move |engine: &Engine| engine.grammar()?.compile(&spec).map_err(|error| refused(&error, param));
        on_thread::run(loaded, compile).await.map(Some)
    }

    /// `tool_choice: none`: the model is shown its tools as before, which keeps the cached prompt, and the token that
    /// begins a call is out of its reach.
    pub(crate) fn forbid_calls(&self, engine: &Engine, sampling: &mut SamplingParams) {
        let begin = engine.text().tokenizer.as_ref().ok().and_then(|tokenizer| tokenizer.special("[TOOL_CALLS]"));
        if let (ToolChoice::None, Some(begin)) = (&self.choice, begin) {
            sampling.logit_bias.push((begin, -100.0));
        }
    }

    fn spec(&self, version: Option<TemplateVersion>) -> Result<Option<Spec>, Refusal> {
        let words = self.format.as_ref().map(Format::spec);
        let choice = match &self.choice {
            _ if self.tools.is_empty() => None,
            ToolChoice::None => None,
            // Calls are held even where nothing is asked: one that cannot be read would be of use to nobody.
            ToolChoice::Auto if version.is_none() && self.is_free() => None,
            ToolChoice::Auto => Some(Choice::Auto),
            ToolChoice::Required => Some(Choice::Required),
            ToolChoice::Named(name) => Some(Choice::Named(name.clone())),
        };
        let spec = match (choice, version) {
            (None, _) => words,
            (Some(_), None) => {
                let message = "tools: this model's template has no tool calls: leave the tools out";
                return Err(Refusal::field("tools", message));
            }
            (Some(choice), Some(version)) => {
                let answer = words.map(Box::new);
                let tools = self.tools.iter().map(OfferedTool::spec).collect();
                Some(Spec::Tools(Tools { version, tools, choice, parallel: self.parallel, answer }))
            }
        };
        let thinks = version.is_some_and(|version| version >= TemplateVersion::V13);
        Ok(spec.map(|spec| if thinks { Spec::AfterThought(Box::new(spec)) } else { spec }))
    }

    /// Nothing of the calls or the words has to be held.
    fn is_free(&self) -> bool {
        self.parallel && self.format.is_none() && !self.tools.iter().any(|tool| tool.strict)
    }
}

impl OfferedTool {
    fn spec(&self) -> grammar::Tool {
        grammar::Tool { name: self.name.clone(), parameters: self.parameters.clone(), strict: self.strict }
    }
}

fn refused(error: &grammar::Error, param: &'static str) -> Refusal {
    match error {
        grammar::Error::Busy | grammar::Error::Thread { .. } => {
            Refusal::new(RefusalKind::Overloaded, error.to_string()).retry_after(1)
        }
        grammar::Error::Tool { .. } | grammar::Error::NoToolCalls { .. } => Refusal::field("tools", error.to_string()),
        _ => Refusal::field(param, format!("{param}: {error}")),
    }
}

fn object(raw: &RawValue, path: &str) -> Result<Value, Refusal> {
    let value: Option<Value> = serde_json::from_str(raw.get()).ok();
    let refusal = || Refusal::field(path, format!("{path}: expected a JSON schema, which is an object"));
    value.filter(Value::is_object).ok_or_else(refusal)
}

fn json(value: &Value) -> Json {
    Json::parse(&value.to_string()).unwrap_or(Json::Null)
}
