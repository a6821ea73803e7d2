//! JSON into a template and out of it: the filter `tojson` as transformers has it, which escapes nothing for HTML.

use std::borrow::Cow;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use crate::limits::MAX_JSON_DEPTH;
use crate::{Json, Style};

pub(super) fn register(env: &mut Environment<'_>) {
    env.add_filter("tojson", tojson);
}

/// A template's value of this JSON.
pub(super) fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(value) => Value::from(*value),
        Json::Integer(digits) => match digits.parse::<i128>() {
            Ok(number) => Value::from(number),
            // Longer than any number of a template's: shown right, but not to be reckoned with.
            Err(_) => Value::from(digits.as_str()),
        },
        Json::Float(number) => Value::from(*number),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(from_json).collect(),
        Json::Object(entries) => {
            Value::from_object(Entries(entries.iter().map(|(key, value)| (key.clone(), from_json(value))).collect()))
        }
    }
}

/// An object in the order of its keys.
#[derive(Debug)]
struct Entries(Vec<(String, Value)>);

impl minijinja::value::Object for Entries {
    fn get_value(self: &std::sync::Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone())
    }

    fn enumerate(self: &std::sync::Arc<Self>) -> minijinja::value::Enumerator {
        let keys = self.0.iter().map(|(key, _)| Value::from(key.as_str())).collect();
        minijinja::value::Enumerator::Values(keys)
    }
}

fn tojson(value: &Value, arguments: Kwargs) -> Result<String, Error> {
    let indent = match arguments.get::<Option<Value>>("indent")? {
        Some(indent) if !indent.is_none() => Some(indent_width(&indent)?),
        _ => None,
    };
    let defaults = Style::default();
    // Python leaves the space before a line break out.
    let comma = if indent.is_some() { Cow::Borrowed(",") } else { defaults.item_separator };
    let (item_separator, key_separator) = match arguments.get::<Option<Value>>("separators")? {
        Some(separators) if !separators.is_none() => {
            let text = |at: usize| separators.get_item_by_index(at).map(|text| Cow::Owned(text.to_string()));
            (text(0)?, text(1)?)
        }
        _ => (comma, defaults.key_separator),
    };
    let flag = |name| Ok::<bool, Error>(arguments.get::<Option<bool>>(name)?.unwrap_or(false));
    let style = Style {
        item_separator,
        key_separator,
        indent,
        ensure_ascii: flag("ensure_ascii")?,
        sort_keys: flag("sort_keys")?,
    };
    arguments.assert_all_used()?;
    Ok(to_json(value, 0)?.dump_with(&style))
}

fn indent_width(indent: &Value) -> Result<usize, Error> {
    const WIDEST: usize = 16;
    indent.as_usize().filter(|width| *width <= WIDEST).ok_or_else(|| failure("tojson: indent is a number up to 16"))
}

pub(super) fn to_json(value: &Value, depth: usize) -> Result<Json, Error> {
    if depth > MAX_JSON_DEPTH {
        return Err(failure("tojson: the value is nested too deeply"));
    }
    match value.kind() {
        ValueKind::None => Ok(Json::Null),
        ValueKind::Bool => Ok(Json::Bool(value.is_true())),
        ValueKind::Number if value.is_integer() => Ok(Json::Integer(value.to_string())),
        ValueKind::Number => f64::try_from(value.clone()).map(Json::Float),
        ValueKind::String => Ok(Json::string(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter()?.map(|item| to_json(&item, depth + 1)).collect::<Result<_, _>>().map(Json::Array)
        }
        ValueKind::Map => {
            let entry = |key: Value| Ok((key.to_string(), to_json(&value.get_item(&key)?, depth + 1)?));
            value.try_iter()?.map(entry).collect::<Result<_, Error>>().map(Json::Object)
        }
        ValueKind::Undefined => Err(failure("tojson: the value is undefined")),
        kind => Err(failure(&format!("tojson: a {kind} is no JSON"))),
    }
}

fn failure(message: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.to_owned())
}
