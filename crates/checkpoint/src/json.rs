//! Values of a JSON configuration, read with the checks and the names that errors need.

use std::fmt::Display;

use serde_json::{Map, Value};

use crate::Error;

/// An object of a JSON file.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    file: &'a str,
    /// What stands before the keys in errors: `text_config.`.
    prefix: &'a str,
}

/// A whole JSON file whose outermost value is an object.
pub(crate) fn parse(text: &str, file: &str) -> Result<Map<String, Value>, Error> {
    serde_json::from_str(text).map_err(|fault| Error::malformed(file, "JSON", fault))
}

impl<'a> Fields<'a> {
    pub(crate) fn new(object: &'a Map<String, Value>, file: &'a str) -> Self {
        Self { object, file, prefix: "" }
    }

    pub(crate) fn file(&self) -> &'a str {
        self.file
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.object.keys().map(String::as_str)
    }

    /// The value of a key. `null` is as good as absent.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.object.get(key).filter(|value| !value.is_null())
    }

    /// Whether a key is there, be it `null`.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.object.contains_key(key)
    }

    pub(crate) fn wrong<T>(&self, key: &str, problem: impl Display) -> Result<T, Error> {
        Err(Error::config(self.file, format_args!("{}{key}", self.prefix), problem))
    }

    pub(crate) fn unsupported<T>(&self, key: &str, problem: impl Display) -> Result<T, Error> {
        Err(Error::unsupported(self.file, format_args!("{}{key}", self.prefix), problem))
    }

    /// A whole number that is not zero.
    pub(crate) fn size(&self, key: &str, limit: usize) -> Result<Option<usize>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_u64().and_then(|size| usize::try_from(size).ok()) {
            Some(size) if size > 0 && size <= limit => Ok(Some(size)),
            _ => self.wrong(key, format_args!("{} is not a whole number between 1 and {limit}", shown(value))),
        }
    }

    pub(crate) fn need_size(&self, key: &str, limit: usize) -> Result<usize, Error> {
        self.size(key, limit)?.map_or_else(|| self.wrong(key, "is missing"), Ok)
    }

    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_f64().filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => self.wrong(key, format_args!("{} is not a number", shown(value))),
        }
    }

    pub(crate) fn need_number(&self, key: &str) -> Result<f64, Error> {
        self.number(key)?.map_or_else(|| self.wrong(key, "is missing"), Ok)
    }

    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_bool() {
            Some(flag) => Ok(Some(flag)),
            None => self.wrong(key, format_args!("{} is not true or false", shown(value))),
        }
    }

    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_str() {
            Some(text) => Ok(Some(text)),
            None => self.wrong(key, format_args!("{} is not text", shown(value))),
        }
    }

    pub(crate) fn array(&self, key: &str) -> Result<Option<&'a [Value]>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_array() {
            Some(array) => Ok(Some(array)),
            None => self.wrong(key, format_args!("{} is not a list", shown(value))),
        }
    }

    /// An object inside; `prefix` is how errors name its keys.
    pub(crate) fn object(&self, key: &str, prefix: &'a str) -> Result<Option<Self>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        match value.as_object() {
            Some(object) => Ok(Some(Self { object, file: self.file, prefix })),
            None => self.wrong(key, format_args!("{} is not an object", shown(value))),
        }
    }
}

/// A value as an error shows it: short, whatever it is.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) => format!("{text:.60?}"),
        other => other.to_string(),
    }
}
