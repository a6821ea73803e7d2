//! What of regular expressions and Lark grammars is refused before it is compiled.

use serde_json::Value;

use crate::{Error, limits, schema};

/// # Errors
/// It is too large.
pub(crate) fn check_regex(what: &str, regex: &str) -> Result<(), Error> {
    check_bytes(what, regex.len(), limits::REGEX_BYTES)
}

/// Only text may come of a grammar from outside: control tokens are placed by the grammars of this crate alone.
///
/// # Errors
/// It is too large, names tokens or other grammars, or has a JSON schema that is refused.
pub(crate) fn check_lark(grammar: &str) -> Result<(), Error> {
    check_bytes("the Lark grammar", grammar.len(), limits::LARK_BYTES)?;
    let mut rest = grammar;
    while let Some(found) = rest.find(['"', '/', '#', '%', '<', '@']) {
        rest = rest.get(found..).unwrap_or_default();
        rest = after(rest)?;
    }
    Ok(())
}

pub(crate) fn check_bytes(what: &str, found: usize, limit: usize) -> Result<(), Error> {
    if found > limit {
        return Err(Error::TooLarge { what: format!("{what} (bytes)"), found: found as u64, limit: limit as u64 });
    }
    Ok(())
}

/// What comes after the string, the expression, the comment or the directive that `text` begins with.
fn after(text: &str) -> Result<&str, Error> {
    if text.starts_with("//") || text.starts_with('#') {
        return Ok(text.split_once('\n').map_or("", |(_, rest)| rest));
    }
    if let Some(value) = text.strip_prefix("%json").or_else(|| text.strip_prefix("%regex")) {
        return after_json(value, text.starts_with("%json"));
    }
    if text.starts_with("%llguidance") {
        return Err(rejected("`%llguidance` changes the rules of generation and is not taken from outside"));
    }
    let mut characters = text.chars();
    match characters.next() {
        Some(quote @ ('"' | '/')) => {
            while let Some(character) = characters.next() {
                match character {
                    '\\' => drop(characters.next()),
                    end if end == quote => break,
                    _ => {}
                }
            }
            Ok(characters.as_str())
        }
        Some('<') => Err(rejected("`<…>` names a token, and a grammar is about text: write the text itself")),
        Some('@') => Err(rejected("`@…` names another grammar, and there is none: write it out")),
        _ => Ok(characters.as_str()),
    }
}

fn after_json(text: &str, is_schema: bool) -> Result<&str, Error> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) if is_schema => schema::check(&value)?,
        Some(Ok(_)) => {}
        Some(Err(error)) => return Err(rejected(&format!("the JSON after `%json` or `%regex` is none: {error}"))),
        None => return Err(rejected("JSON is missing after `%json` or `%regex`")),
    }
    Ok(text.get(values.byte_offset()..).unwrap_or_default())
}

fn rejected(why: &str) -> Error {
    Error::Rejected { what: "Lark grammar", why: why.to_owned() }
}
