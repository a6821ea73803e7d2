//! JSON into a template and out of it: the filter `tojson` as transformers has it, which escapes nothing for HTML.

use std::borrow::Cow;
use std::sync::Arc;

use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Value};

use super::budget::{Budget, too_long};
use crate::limits::MAX_JSON_DEPTH;
use crate::{Json, Style};

pub(super) fn register(env: &mut Environment<'_>, budget: &Arc<Budget>) {
    let counters = budget.clone();
    env.add_filter("tojson", move |value: &Value, arguments: Kwargs| tojson(value, &arguments, &counters));
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
        Json::Object(entries) => Value::from_object(Entries::new(
            entries.iter().map(|(key, value)| (key.clone(), from_json(value))).collect(),
        )),
    }
}

/// An object in the order of its keys.
#[derive(Debug)]
struct Entries {
    entries: Vec<(String, Value)>,
    /// Places of the entries, by key: a template may look up each of a hundred thousand.
    by_key: Vec<usize>,
}

impl Entries {
    fn new(entries: Vec<(String, Value)>) -> Self {
        let mut by_key: Vec<usize> = (0..entries.len()).collect();
        let key = |at: usize| entries.get(at).map(|(key, _)| key);
        // Stable: of entries with the same key the first is found.
        by_key.sort_by(|&a, &b| key(a).cmp(&key(b)));
        Self { entries, by_key }
    }
}

impl minijinja::value::Object for Entries {
    fn get_value(self: &std::sync::Arc<Self>, key: &Value) -> Option<Value> {
        let key = key.as_str()?;
        let name = |at: &usize| self.entries.get(*at).map(|(name, _)| name.as_str());
        let first = self.by_key.partition_point(|at| name(at) < Some(key));
        let (name, value) = self.entries.get(*self.by_key.get(first)?)?;
        (name == key).then(|| value.clone())
    }

    fn enumerate(self: &std::sync::Arc<Self>) -> minijinja::value::Enumerator {
        let keys = self.entries.iter().map(|(key, _)| Value::from(key.as_str())).collect();
        minijinja::value::Enumerator::Values(keys)
    }
}

fn tojson(value: &Value, arguments: &Kwargs, budget: &Budget) -> Result<String, Error> {
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
    let text = to_json(value, budget)?.dump_with(&style);
    budget.produce(text.len())?;
    Ok(text)
}

fn indent_width(indent: &Value) -> Result<usize, Error> {
    const WIDEST: usize = 16;
    indent.as_usize().filter(|width| *width <= WIDEST).ok_or_else(|| failure("tojson: indent is a number up to 16"))
}

/// The JSON of a template's value. Its texts together are no longer than one text may be: it is about to become one.
pub(super) fn to_json(value: &Value, budget: &Budget) -> Result<Json, Error> {
    Reading { budget, left: budget.longest }.json(value, 0)
}

struct Reading<'b> {
    budget: &'b Budget,
    /// Bytes of text that may still come.
    left: usize,
}

impl Reading<'_> {
    fn json(&mut self, value: &Value, depth: usize) -> Result<Json, Error> {
        if depth > MAX_JSON_DEPTH {
            return Err(failure("tojson: the value is nested too deeply"));
        }
        self.budget.work(1)?;
        match value.kind() {
            ValueKind::None => Ok(Json::Null),
            ValueKind::Bool => Ok(Json::Bool(value.is_true())),
            ValueKind::Number if value.is_integer() => Ok(Json::Integer(value.to_string())),
            ValueKind::Number => f64::try_from(value.clone()).map(Json::Float),
            ValueKind::String => self.text(value.as_str().unwrap_or_default()).map(Json::String),
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.map(|item| self.json(&item, depth + 1));
                items.collect::<Result<_, _>>().map(Json::Array)
            }
            ValueKind::Map => {
                let mut entry = |key: Value| {
                    let name = self.text(&key.to_string())?;
                    Ok((name, self.json(&value.get_item(&key)?, depth + 1)?))
                };
                value.try_iter()?.map(&mut entry).collect::<Result<_, Error>>().map(Json::Object)
            }
            ValueKind::Undefined => Err(failure("tojson: the value is undefined")),
            kind => Err(failure(&format!("tojson: a {kind} is no JSON"))),
        }
    }

    fn text(&mut self, text: &str) -> Result<String, Error> {
        self.left = self.left.checked_sub(text.len()).ok_or_else(too_long)?;
        self.budget.work(text.len() / 16)?;
        Ok(text.to_owned())
    }
}

fn failure(message: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.to_owned())
}
