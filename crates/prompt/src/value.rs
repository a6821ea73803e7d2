//! JSON as Python's `json` module reads and prints it.
//!
//! The models were trained on `json.dumps(json.loads(text), ensure_ascii=False)`, so a tool's schema or a call's
//! arguments have to come out with Python's separators, number forms, escapes and order of keys, to the byte:
//! `1.0` stays `1.0`, `1E3` becomes `1000.0`, an integer keeps all its digits, `NaN` is a number, of two equal keys
//! the last value stays in the first's place. Tested against Python in `vectors/prompt/json.json`.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::limits::{MAX_INTEGER_DIGITS, MAX_JSON_DEPTH};

/// A JSON value; objects keep the order of their keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// An integer, by its digits: Python's have no bounds.
    Integer(String),
    /// A number with a fraction or an exponent, or one of `NaN`, `Infinity`, `-Infinity`.
    Float(f64),
    /// A string. A lone surrogate in the source has become U+FFFD.
    String(String),
    /// An array.
    Array(Vec<Self>),
    /// An object; no key occurs twice.
    Object(Vec<(String, Self)>),
}

/// Why a text is not JSON: a phrase, and the byte where reading stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct JsonError {
    /// What is wrong there.
    pub what: &'static str,
    /// Offset in bytes.
    pub at: usize,
}

impl Json {
    /// Reads one value and nothing after it, as `json.loads` does.
    ///
    /// # Errors
    /// The text is not JSON, or nested deeper than [`MAX_JSON_DEPTH`].
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let mut reader = Reader { text, at: 0, depth: 0 };
        reader.skip_space();
        let value = reader.value()?;
        reader.skip_space();
        if reader.at == text.len() { Ok(value) } else { Err(reader.error("extra text after the value")) }
    }

    /// A string value.
    pub fn string(text: impl Into<String>) -> Self {
        Self::String(text.into())
    }

    /// An integer value.
    pub fn integer(number: i64) -> Self {
        Self::Integer(number.to_string())
    }

    /// An object with these keys, in this order.
    pub fn object<K: Into<String>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// The value of this key, where this is an object that has it.
    pub fn key(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The text, where this is a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// `json.dumps(value, ensure_ascii=False)`: one line, `", "` and `": "` between things.
    pub fn dump(&self) -> String {
        self.dump_with(&Style::default())
    }

    /// `json.dumps` with other settings.
    pub fn dump_with(&self, style: &Style) -> String {
        let mut out = String::new();
        style.write(&mut out, self, 0);
        out
    }
}

/// The settings of `json.dumps` that chat templates use.
#[derive(Clone, Debug)]
pub struct Style {
    /// Between entries; without the space before a line break.
    pub item_separator: Cow<'static, str>,
    /// Between key and value.
    pub key_separator: Cow<'static, str>,
    /// Spaces of each level, where every entry has its own line.
    pub indent: Option<usize>,
    /// `\uXXXX` for everything outside ASCII.
    pub ensure_ascii: bool,
    /// Objects in the order of their keys.
    pub sort_keys: bool,
}

impl Default for Style {
    fn default() -> Self {
        let (item_separator, key_separator) = (Cow::Borrowed(", "), Cow::Borrowed(": "));
        Self { item_separator, key_separator, indent: None, ensure_ascii: false, sort_keys: false }
    }
}

impl Style {
    fn write(&self, out: &mut String, value: &Json, level: usize) {
        match value {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Integer(digits) => out.push_str(digits),
            Json::Float(number) => out.push_str(&float(*number)),
            Json::String(text) => self.write_string(out, text),
            Json::Array(items) => {
                self.write_list(out, ['[', ']'], level, items, |out, item| self.write(out, item, level + 1));
            }
            Json::Object(entries) => {
                let mut entries: Vec<&(String, Json)> = entries.iter().collect();
                if self.sort_keys {
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                }
                self.write_list(out, ['{', '}'], level, &entries, |out, (key, value)| {
                    self.write_string(out, key);
                    out.push_str(&self.key_separator);
                    self.write(out, value, level + 1);
                });
            }
        }
    }

    fn write_list<T>(
        &self,
        out: &mut String,
        [open, close]: [char; 2],
        level: usize,
        items: &[T],
        each: impl Fn(&mut String, &T),
    ) {
        out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(&self.item_separator);
            }
            self.write_line_break(out, level + 1);
            each(out, item);
        }
        if !items.is_empty() {
            self.write_line_break(out, level);
        }
        out.push(close);
    }

    fn write_line_break(&self, out: &mut String, level: usize) {
        if let Some(width) = self.indent {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', width.saturating_mul(level)));
        }
    }

    fn write_string(&self, out: &mut String, text: &str) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{c}' => out.push_str("\\f"),
                '\u{8}' => out.push_str("\\b"),
                c if c < ' ' || (self.ensure_ascii && c > '~') => escape(out, c),
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

fn escape(out: &mut String, c: char) {
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// A float as Python's `repr` prints it: the shortest digits that read back the same, plain between 1e-4 and 1e16.
fn float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    let magnitude = number.abs();
    if magnitude == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return format!("{number:?}");
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn value(&mut self) -> Result<Json, JsonError> {
        match self.peek() {
            Some(b'"') => self.string().map(Json::String),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b'0'..=b'9') => self.number(),
            Some(b'-') if !self.rest().starts_with("-Infinity") => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Result<Json, JsonError> {
        let words = [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
            ("NaN", Json::Float(f64::NAN)),
            ("Infinity", Json::Float(f64::INFINITY)),
            ("-Infinity", Json::Float(f64::NEG_INFINITY)),
        ];
        for (word, value) in words {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error("expected a value"))
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Json, JsonError>) -> Result<Json, JsonError> {
        if self.depth == MAX_JSON_DEPTH {
            return Err(self.error("nested too deeply"));
        }
        self.depth += 1;
        self.at += 1;
        self.skip_space();
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Result<Json, JsonError> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value()?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            self.expect(b',', "expected ',' or ']'")?;
            self.skip_space();
        }
    }

    fn object(&mut self) -> Result<Json, JsonError> {
        let mut entries = Entries::default();
        if self.take(b'}') {
            return Ok(Json::Object(entries.list));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.string()?;
            self.skip_space();
            self.expect(b':', "expected ':'")?;
            self.skip_space();
            entries.insert(key, self.value()?);
            self.skip_space();
            if self.take(b'}') {
                return Ok(Json::Object(entries.list));
            }
            self.expect(b',', "expected ',' or '}'")?;
            self.skip_space();
        }
    }

    fn number(&mut self) -> Result<Json, JsonError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return Err(self.error("expected a digit"));
        }
        let integer = self.since(start);
        let mut is_float = false;
        for part in [Self::fraction, Self::exponent] {
            let before = self.at;
            if part(self) {
                is_float = true;
            } else {
                self.at = before;
            }
        }
        if is_float {
            return self.since(start).parse().map(Json::Float).map_err(|_| self.error("expected a number"));
        }
        match integer {
            "-0" => Ok(Json::integer(0)),
            digits if digits.len() > MAX_INTEGER_DIGITS => Err(self.error("an integer of too many digits")),
            digits => Ok(Json::Integer(digits.to_owned())),
        }
    }

    fn fraction(&mut self) -> bool {
        self.take(b'.') && self.digits() > 0
    }

    fn exponent(&mut self) -> bool {
        if !self.take(b'e') && !self.take(b'E') {
            return false;
        }
        let _ = self.take(b'+') || self.take(b'-');
        self.digits() > 0
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let plain = self.rest().find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(self.rest().len());
            text.push_str(self.rest().get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escaped()?),
                Some(_) => return Err(self.error("a control character inside a string")),
                None => return Err(self.error("a string without its end")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let c = match self.peek() {
            Some(c @ (b'"' | b'\\' | b'/')) => char::from(c),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.code_point(),
            _ => return Err(self.error("an unknown escape")),
        };
        self.at += 1;
        Ok(c)
    }

    fn code_point(&mut self) -> Result<char, JsonError> {
        let first = self.code_unit()?;
        let before = self.at;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            self.at += 1;
            // Python takes a broken second escape for an error, a second unit that is no low surrogate for another
            // character.
            let second = self.code_unit()?;
            if let Some(Ok(c)) = char::decode_utf16([first, second]).next() {
                return Ok(c);
            }
            self.at = before;
        }
        Ok(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// The four digits after the `u` at the current place.
    fn code_unit(&mut self) -> Result<u16, JsonError> {
        let digits = self.rest().get(1..5).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let unit = digits.and_then(|digits| u16::from_str_radix(digits, 16).ok());
        let unit = unit.ok_or_else(|| self.error("expected four hexadecimal digits"))?;
        self.at += 5;
        Ok(unit)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), JsonError> {
        if self.take(byte) { Ok(()) } else { Err(self.error(what)) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'t str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    const fn error(&self, what: &'static str) -> JsonError {
        JsonError { what, at: self.at }
    }
}

/// Entries of an object: of equal keys the last value, in the first's place. The index keeps this linear.
#[derive(Default)]
struct Entries {
    list: Vec<(String, Json)>,
    places: std::collections::HashMap<String, usize>,
}

impl Entries {
    fn insert(&mut self, key: String, value: Json) {
        if let Some(entry) = self.places.get(&key).and_then(|&place| self.list.get_mut(place)) {
            entry.1 = value;
        } else {
            self.places.insert(key.clone(), self.list.len());
            self.list.push((key, value));
        }
    }
}
