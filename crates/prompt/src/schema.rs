//! Is a value a JSON schema of draft 7? As the meta-schema says it, with the messages of Python's `jsonschema`.
//!
//! Checked are the shapes of all keywords that the meta-schema knows. Not checked: whether a `pattern` is a regular
//! expression of Python's. Recursion is bounded by the depth of the value, which its reader bounds.

use std::fmt::Write as _;

use crate::value::Json;

/// Checks a schema.
///
/// # Errors
/// The first thing that is wrong, in the words of `jsonschema`.
pub(crate) fn check(schema: &Json) -> Result<(), String> {
    let entries = match schema {
        Json::Bool(_) => return Ok(()),
        Json::Object(_) => KEYWORDS,
        _ => return Err(not_of_type(schema, &["object", "boolean"])),
    };
    for (keyword, shape) in entries {
        if let Some(value) = schema.key(keyword) {
            shape.check(value)?;
        }
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Shape {
    Type(&'static str),
    Positive,
    Count,
    Schema,
    SchemaMap,
    SchemaArray,
    SchemaOrArray,
    Dependencies,
    StringArray,
    TypeName,
}

/// In the order of the meta-schema, which decides what is reported first.
const KEYWORDS: &[(&str, Shape)] = &[
    ("$id", Shape::Type("string")),
    ("$schema", Shape::Type("string")),
    ("$ref", Shape::Type("string")),
    ("$comment", Shape::Type("string")),
    ("title", Shape::Type("string")),
    ("description", Shape::Type("string")),
    ("readOnly", Shape::Type("boolean")),
    ("examples", Shape::Type("array")),
    ("multipleOf", Shape::Positive),
    ("maximum", Shape::Type("number")),
    ("exclusiveMaximum", Shape::Type("number")),
    ("minimum", Shape::Type("number")),
    ("exclusiveMinimum", Shape::Type("number")),
    ("maxLength", Shape::Count),
    ("minLength", Shape::Count),
    ("pattern", Shape::Type("string")),
    ("additionalItems", Shape::Schema),
    ("items", Shape::SchemaOrArray),
    ("maxItems", Shape::Count),
    ("minItems", Shape::Count),
    ("uniqueItems", Shape::Type("boolean")),
    ("contains", Shape::Schema),
    ("maxProperties", Shape::Count),
    ("minProperties", Shape::Count),
    ("required", Shape::StringArray),
    ("additionalProperties", Shape::Schema),
    ("definitions", Shape::SchemaMap),
    ("properties", Shape::SchemaMap),
    ("patternProperties", Shape::SchemaMap),
    ("dependencies", Shape::Dependencies),
    ("propertyNames", Shape::Schema),
    ("enum", Shape::Type("array")),
    ("type", Shape::TypeName),
    ("format", Shape::Type("string")),
    ("contentMediaType", Shape::Type("string")),
    ("contentEncoding", Shape::Type("string")),
    ("if", Shape::Schema),
    ("then", Shape::Schema),
    ("else", Shape::Schema),
    ("allOf", Shape::SchemaArray),
    ("anyOf", Shape::SchemaArray),
    ("oneOf", Shape::SchemaArray),
    ("not", Shape::Schema),
];

impl Shape {
    fn check(self, value: &Json) -> Result<(), String> {
        match self {
            Self::Type(name) => expect(value, name),
            Self::Positive => {
                expect(value, "number")?;
                if number(value) > 0.0 {
                    return Ok(());
                }
                Err(format!("{} is less than or equal to the minimum of 0", repr(value)))
            }
            Self::Count => {
                expect(value, "integer")?;
                if number(value) >= 0.0 {
                    return Ok(());
                }
                Err(format!("{} is less than the minimum of 0", repr(value)))
            }
            Self::Schema => check(value),
            Self::SchemaMap => entries(value)?.iter().try_for_each(|(_, schema)| check(schema)),
            Self::SchemaArray => {
                let schemas = items(value)?;
                if schemas.is_empty() {
                    return Err(format!("{} should be non-empty", repr(value)));
                }
                schemas.iter().try_for_each(check)
            }
            Self::SchemaOrArray => any_of(value, &[Self::Schema, Self::SchemaArray]),
            Self::Dependencies => {
                let shapes = [Self::Schema, Self::StringArray];
                entries(value)?.iter().try_for_each(|(_, value)| any_of(value, &shapes))
            }
            Self::StringArray => {
                let names = items(value)?;
                names.iter().try_for_each(|name| expect(name, "string"))?;
                if is_unique(names) { Ok(()) } else { Err(format!("{} has non-unique elements", repr(value))) }
            }
            Self::TypeName => {
                let is_name = |value: &Json| value.as_str().is_some_and(|name| TYPES.contains(&name));
                let is_list =
                    items(value).is_ok_and(|names| !names.is_empty() && names.iter().all(is_name) && is_unique(names));
                if is_name(value) || is_list { Ok(()) } else { Err(no_match(value)) }
            }
        }
    }
}

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

fn any_of(value: &Json, shapes: &[Shape]) -> Result<(), String> {
    if shapes.iter().any(|shape| shape.check(value).is_ok()) { Ok(()) } else { Err(no_match(value)) }
}

fn no_match(value: &Json) -> String {
    format!("{} is not valid under any of the given schemas", repr(value))
}

fn expect(value: &Json, name: &'static str) -> Result<(), String> {
    let fits = match value {
        Json::Null => name == "null",
        Json::Bool(_) => name == "boolean",
        Json::Integer(_) => name == "integer" || name == "number",
        Json::Float(number) => name == "number" || (name == "integer" && number.fract() == 0.0),
        Json::String(_) => name == "string",
        Json::Array(_) => name == "array",
        Json::Object(_) => name == "object",
    };
    if fits { Ok(()) } else { Err(not_of_type(value, &[name])) }
}

fn not_of_type(value: &Json, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("{} is not of type {}", repr(value), names.join(", "))
}

fn items(value: &Json) -> Result<&[Json], String> {
    match value {
        Json::Array(items) => Ok(items),
        _ => Err(not_of_type(value, &["array"])),
    }
}

fn entries(value: &Json) -> Result<&[(String, Json)], String> {
    match value {
        Json::Object(entries) => Ok(entries),
        _ => Err(not_of_type(value, &["object"])),
    }
}

fn number(value: &Json) -> f64 {
    match value {
        Json::Integer(digits) => digits.parse().unwrap_or(f64::NAN),
        Json::Float(number) => *number,
        _ => f64::NAN,
    }
}

fn is_unique(names: &[Json]) -> bool {
    let mut seen = std::collections::HashSet::new();
    names.iter().filter_map(Json::as_str).all(|name| seen.insert(name))
}

/// As Python's `repr` shows it; characters that Python calls unprintable are only escaped up to U+00AD.
pub(crate) fn repr(value: &Json) -> String {
    match value {
        Json::Null => "None".to_owned(),
        Json::Bool(true) => "True".to_owned(),
        Json::Bool(false) => "False".to_owned(),
        Json::Integer(digits) => digits.clone(),
        Json::Float(number) if number.is_nan() => "nan".to_owned(),
        Json::Float(number) if number.is_infinite() => if *number > 0.0 { "inf" } else { "-inf" }.to_owned(),
        Json::Float(_) => value.dump(),
        Json::String(text) => repr_text(text),
        Json::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Json::Object(entries) => {
            let entries: Vec<_> =
                entries.iter().map(|(key, value)| format!("{}: {}", repr_text(key), repr(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            '\0'..' ' | '\u{7f}'..='\u{a0}' | '\u{ad}' => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}
