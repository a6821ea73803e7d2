//! What of a JSON schema is refused before it is compiled: keywords that cannot be enforced, and what is too large.
//!
//! Nothing is ignored silently. A keyword is enforced, or only informs people, or is refused by name and place.

use serde_json::{Map, Value};

use crate::text::{check_bytes, check_regex};
use crate::{Error, limits};

/// What stands under a keyword that is enforced.
#[derive(Clone, Copy)]
enum Under {
    Schema,
    SchemaOrList,
    Schemas,
    NamedSchemas,
    Count,
    Pattern,
    Types,
    Values,
    Reference,
    Format,
    /// Checked by the compiler.
    Anything,
}

const ENFORCED: [(&str, Under); 27] = [
    ("type", Under::Types),
    ("enum", Under::Values),
    ("const", Under::Anything),
    ("anyOf", Under::Schemas),
    ("oneOf", Under::Schemas),
    ("allOf", Under::Schemas),
    ("$ref", Under::Reference),
    ("properties", Under::NamedSchemas),
    ("patternProperties", Under::NamedSchemas),
    ("additionalProperties", Under::Schema),
    ("required", Under::Anything),
    ("minProperties", Under::Count),
    ("maxProperties", Under::Count),
    ("items", Under::SchemaOrList),
    ("prefixItems", Under::Schemas),
    ("additionalItems", Under::Schema),
    ("minItems", Under::Count),
    ("maxItems", Under::Count),
    ("minLength", Under::Count),
    ("maxLength", Under::Count),
    ("pattern", Under::Pattern),
    ("format", Under::Format),
    ("minimum", Under::Anything),
    ("maximum", Under::Anything),
    ("exclusiveMinimum", Under::Anything),
    ("exclusiveMaximum", Under::Anything),
    ("multipleOf", Under::Anything),
];

/// Where other schemas refer to.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

/// What people and programs are told, and no value can violate.
const INFORMS: [&str; 14] = [
    "$schema",
    "$id",
    "id",
    "$anchor",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentMediaType",
    "contentEncoding",
];

const TYPES: [&str; 7] = ["null", "boolean", "number", "integer", "string", "array", "object"];

/// # Errors
/// What is refused, and where it stands.
pub(crate) fn check(schema: &Value) -> Result<(), Error> {
    check_depth(schema)?;
    check_bytes("the schema", size(schema), limits::SCHEMA_BYTES)?;
    let mut walk = Walk { waiting: Vec::new(), seen: 0, enum_values: 0 };
    walk.wait("#".into(), 0, schema)?;
    if schema.as_bool() == Some(false) {
        return Err(invalid("#", "`false` allows nothing"));
    }
    while let Some((path, depth, schema)) = walk.waiting.pop() {
        walk.visit(&path, depth, schema)?;
    }
    Ok(())
}

/// `schema` without the keywords that only inform people: what the compiler does not know would stop it.
pub(crate) fn enforced(schema: &Map<String, Value>) -> Map<String, Value> {
    let known = |keyword: &str| ENFORCED.iter().any(|(name, _)| *name == keyword) || DEFINITIONS.contains(&keyword);
    let entries = schema.iter().filter(|(keyword, _)| known(keyword) || *keyword == "$schema");
    entries.map(|(keyword, value)| (keyword.clone(), enforced_value(keyword, value))).collect()
}

fn enforced_value(keyword: &str, value: &Value) -> Value {
    let under = ENFORCED.iter().find(|(name, _)| *name == keyword).map(|(_, under)| *under);
    let of = |value: &Value| value.as_object().map_or_else(|| value.clone(), |schema| Value::Object(enforced(schema)));
    match (under.unwrap_or(Under::NamedSchemas), value) {
        _ if keyword == "$schema" => value.clone(),
        (Under::Schema | Under::SchemaOrList, Value::Object(_)) => of(value),
        (Under::Schemas | Under::SchemaOrList, Value::Array(schemas)) => Value::Array(schemas.iter().map(of).collect()),
        (Under::NamedSchemas, Value::Object(schemas)) => {
            Value::Object(schemas.iter().map(|(name, schema)| (name.clone(), of(schema))).collect())
        }
        _ => value.clone(),
    }
}

/// Schemas that are still to be looked at.
struct Walk<'s> {
    waiting: Vec<(String, usize, &'s Map<String, Value>)>,
    seen: usize,
    enum_values: usize,
}

impl<'s> Walk<'s> {
    fn visit(&mut self, path: &str, depth: usize, schema: &'s Map<String, Value>) -> Result<(), Error> {
        for (keyword, value) in schema {
            let at = || format!("{path}/{}", escaped(keyword));
            if DEFINITIONS.contains(&keyword.as_str()) {
                self.named(&at(), depth, value)?;
            } else if let Some((_, under)) = ENFORCED.iter().find(|(name, _)| name == keyword) {
                self.keyword(&at(), depth, *under, value)?;
            } else if !INFORMS.contains(&keyword.as_str()) {
                return Err(Error::Keyword { path: path.to_owned(), keyword: keyword.clone() });
            }
        }
        Ok(())
    }

    fn keyword(&mut self, at: &str, depth: usize, under: Under, value: &'s Value) -> Result<(), Error> {
        match (under, value) {
            (Under::Schemas | Under::SchemaOrList, Value::Array(schemas)) => {
                schemas.iter().enumerate().try_for_each(|(i, schema)| self.wait(format!("{at}/{i}"), depth + 1, schema))
            }
            (Under::Schema | Under::SchemaOrList, schema) => self.wait(at.to_owned(), depth + 1, schema),
            (Under::Schemas, _) => Err(invalid(at, "a list of schemas is expected")),
            (Under::NamedSchemas, schemas) => self.named(at, depth, schemas),
            (Under::Count, value) => check_count(at, value),
            (Under::Pattern, Value::String(pattern)) => check_regex(&format!("the pattern at `{at}`"), pattern),
            (Under::Types, Value::String(name)) => check_type(at, name),
            (Under::Types, Value::Array(names)) if !names.is_empty() => {
                names.iter().try_for_each(|name| check_type(at, name.as_str().unwrap_or_default()))
            }
            (Under::Types, _) => Err(invalid(at, "the name of a type, or a list of names, is expected")),
            (Under::Values, Value::Array(values)) if !values.is_empty() => self.count_values(values.len()),
            (Under::Values, _) => Err(invalid(at, "a list of values is expected")),
            (Under::Reference, Value::String(target)) if target == "#" || target.starts_with("#/") => Ok(()),
            (Under::Reference, _) => Err(invalid(at, "only references into the same schema (`#/…`) are followed")),
            (Under::Pattern | Under::Format, value) if !value.is_string() => Err(invalid(at, "a string is expected")),
            _ => Ok(()),
        }
    }

    fn named(&mut self, at: &str, depth: usize, schemas: &'s Value) -> Result<(), Error> {
        let schemas = schemas.as_object().ok_or_else(|| invalid(at, "an object is expected"))?;
        let pattern = at.ends_with("/patternProperties");
        for (name, schema) in schemas {
            let path = format!("{at}/{}", escaped(name));
            if pattern {
                check_regex(&format!("the pattern at `{path}`"), name)?;
            }
            self.wait(path, depth + 1, schema)?;
        }
        Ok(())
    }

    fn wait(&mut self, path: String, depth: usize, schema: &'s Value) -> Result<(), Error> {
        self.seen += 1;
        check_limit("the number of schemas in the schema", self.seen, limits::SCHEMAS)?;
        check_limit("the depth of the schema", depth, limits::SCHEMA_DEPTH)?;
        match schema {
            Value::Object(entries) => self.waiting.push((path, depth, entries)),
            Value::Bool(_) => {}
            _ => return Err(invalid(&path, "a schema is an object, `true` or `false`")),
        }
        Ok(())
    }

    fn count_values(&mut self, more: usize) -> Result<(), Error> {
        self.enum_values = self.enum_values.saturating_add(more);
        check_limit("the number of `enum` values in the schema", self.enum_values, limits::ENUM_VALUES)
    }
}

fn check_type(at: &str, name: &str) -> Result<(), Error> {
    if TYPES.contains(&name) {
        return Ok(());
    }
    Err(invalid(at, &format!("there is no type `{}`; there are {}", clipped(name), TYPES.join(", "))))
}

fn check_count(at: &str, value: &Value) -> Result<(), Error> {
    let count = value.as_u64().ok_or_else(|| invalid(at, "a whole number from 0 is expected"))?;
    if count > limits::COUNT {
        return Err(Error::TooLarge { what: format!("the number at `{at}`"), found: count, limit: limits::COUNT });
    }
    Ok(())
}

fn check_limit(what: &str, found: usize, limit: usize) -> Result<(), Error> {
    if found > limit {
        return Err(Error::TooLarge { what: what.to_owned(), found: found as u64, limit: limit as u64 });
    }
    Ok(())
}

/// Before anything recurses over the value.
fn check_depth(schema: &Value) -> Result<(), Error> {
    let mut waiting = vec![(schema, 0)];
    while let Some((value, depth)) = waiting.pop() {
        check_limit("the nesting of the schema's JSON", depth, limits::JSON_DEPTH)?;
        match value {
            Value::Array(values) => waiting.extend(values.iter().map(|value| (value, depth + 1))),
            Value::Object(entries) => waiting.extend(entries.values().map(|value| (value, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

/// Bytes of the value as JSON.
fn size(value: &Value) -> usize {
    struct Counter(usize);
    impl std::io::Write for Counter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 = self.0.saturating_add(bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut counter = Counter(0);
    serde_json::to_writer(&mut counter, value).map_or(usize::MAX, |()| counter.0)
}

/// A name as part of a JSON pointer (RFC 6901), short enough for a message.
fn escaped(name: &str) -> String {
    clipped(name).replace('~', "~0").replace('/', "~1")
}

fn clipped(name: &str) -> &str {
    const SHOWN: usize = 64;
    name.char_indices().nth(SHOWN).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

fn invalid(path: &str, what: &str) -> Error {
    Error::Schema { path: path.to_owned(), what: what.to_owned() }
}
