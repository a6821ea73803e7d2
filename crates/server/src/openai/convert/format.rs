//! What form an answer takes.

use engine::grammar::Spec;
use engine::prompt::Json;
use serde_json::value::RawValue;

use crate::openai::wire::chat::{GrammarFormat, ResponseFormat};
use crate::openai::wire::responses::TextFormat;
use crate::refusal::Refusal;

/// What form an answer takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Format {
    /// What the tokens are held to; `None`: free text.
    pub(crate) spec: Option<Spec>,
    /// The schema as the request writes it, for templates that show it to the model.
    pub(crate) shown: Option<Json>,
}

/// The form of a chat answer.
///
/// # Errors
/// It is unknown, or incomplete.
pub(crate) fn chat(format: Option<ResponseFormat>) -> Result<Format, Refusal> {
    let Some(format) = format else { return Ok(Format::default()) };
    let path = "response_format";
    let extra = [
        ("json_schema", format.json_schema.is_some(), "json_schema"),
        ("grammar", format.grammar.is_some(), "grammar"),
    ];
    check_extra(path, &format.kind, &extra)?;
    let schema = match format.json_schema {
        Some(named) => {
            check_name(&named.name, "response_format.json_schema.name")?;
            named.schema
        }
        None => None,
    };
    read(&format.kind, schema.as_deref(), format.grammar, path, "response_format.json_schema.schema")
}

/// The form of a response's text.
///
/// # Errors
/// It is unknown, or incomplete.
pub(crate) fn responses(format: Option<&mut TextFormat>) -> Result<Format, Refusal> {
    let Some(format) = format else { return Ok(Format::default()) };
    let path = "text.format";
    let named = format.name.is_some() || format.description.is_some() || format.strict.is_some();
    let extra = [
        ("schema", format.schema.is_some(), "json_schema"),
        ("name", named, "json_schema"),
        ("grammar", format.grammar.is_some(), "grammar"),
    ];
    check_extra(path, &format.kind, &extra)?;
    if format.kind == "json_schema" {
        check_name(format.name.as_deref().unwrap_or_default(), "text.format.name")?;
    }
    read(&format.kind, format.schema.as_deref(), format.grammar.take(), path, "text.format.schema")
}

fn read(
    kind: &str,
    schema: Option<&RawValue>,
    grammar: Option<GrammarFormat>,
    path: &str,
    schema_path: &str,
) -> Result<Format, Refusal> {
    match (kind, schema, grammar) {
        ("text", ..) => Ok(Format::default()),
        ("json_object", ..) => Ok(Format { spec: Some(Spec::JsonObject), shown: None }),
        ("json_schema", Some(schema), _) => {
            let (value, shown) = json(schema, schema_path)?;
            Ok(Format { spec: Some(Spec::JsonSchema(value)), shown: Some(shown) })
        }
        ("json_schema", None, _) => Err(Refusal::field(schema_path, format!("{schema_path}: it is missing"))),
        ("grammar", _, Some(grammar)) => {
            grammar_spec(grammar, path).map(|spec| Format { spec: Some(spec), shown: None })
        }
        ("grammar", _, None) => {
            let path = format!("{path}.grammar");
            Err(Refusal::field(path.clone(), format!("{path}: it is missing")))
        }
        _ => {
            let path = format!("{path}.type");
            let kinds = "text, json_object, json_schema or grammar";
            Err(Refusal::field(path.clone(), format!("{path} is {:?}: it must be {kinds}", shortened(kind))))
        }
    }
}

fn grammar_spec(grammar: GrammarFormat, path: &str) -> Result<Spec, Refusal> {
    match grammar.syntax.as_str() {
        "lark" => Ok(Spec::Lark(grammar.definition)),
        "regex" => Ok(Spec::Regex(grammar.definition)),
        other => {
            let path = format!("{path}.grammar.syntax");
            Err(Refusal::field(path.clone(), format!("{path} is {:?}: it must be lark or regex", shortened(other))))
        }
    }
}

/// Fields that belong to another type of format.
fn check_extra(path: &str, kind: &str, fields: &[(&str, bool, &str)]) -> Result<(), Refusal> {
    match fields.iter().find(|(_, given, owner)| *given && *owner != kind) {
        Some((field, _, owner)) => {
            let field = format!("{path}.{field}");
            Err(Refusal::field(field.clone(), format!("{field} belongs to the type {owner}: set {path}.type to it")))
        }
        None => Ok(()),
    }
}

fn check_name(name: &str, path: &str) -> Result<(), Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Refusal::field(path, format!("{path} must have 1 to 64 letters, digits, `_` or `-`")))
}

/// A schema as grammars take it, and as templates show it.
///
/// # Errors
/// It is no object, or nested too deeply.
pub(crate) fn json(raw: &RawValue, path: &str) -> Result<(serde_json::Value, Json), Refusal> {
    let refused = |why: String| Refusal::field(path, format!("{path}: {why}"));
    let value: serde_json::Value = serde_json::from_str(raw.get()).map_err(|error| refused(error.to_string()))?;
    if !value.is_object() {
        return Err(refused("expected a JSON schema, which is an object".to_owned()));
    }
    let shown = Json::parse(raw.get()).map_err(|error| refused(error.to_string()))?;
    Ok((value, shown))
}

/// Enough of a text from outside to recognise it.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}
