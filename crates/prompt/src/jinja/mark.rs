//! Which of the words in a rendered chat template are the template's own.
//!
//! A template mixes the user's words with control tokens into one text. Cutting that text at everything that looks
//! like a control token would let a user write `</s>` and end their own turn. Replacing the user's words by
//! placeholders would fool templates that trim, measure, or search them. So the words stay, with *marks* in them: one
//! character that no text here contains, a Unicode noncharacter,
//!
//! 1. after the first character of everything that could begin a control token, in upper or lower case, so that no
//!    control token can be spelled with characters of the user's, nor come about by trimming, cutting, lower case or
//!    replacement; except where a string of the template's own begins there that is not part of a control token (a
//!    template that looks for `</think>` finds it);
//! 2. before the first character of a message that could end a control token begun by the template.
//!
//! A mark stands beside `<`, `[` or the like, where templates do not measure. After rendering, the text is cut at
//! control tokens; none that is found was written by the user. Then the marks are removed, and what lies between is
//! encoded as plain text. What this leaves open: a template that puts control characters around a *name* (`"<|" +
//! tool.name + "|>"`) can be made to write another control token of that shape; roles are ours, and no known template
//! does this with anything else.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::TemplateContext;
use crate::message::{Conversation, Message};
use crate::{Error, Json};

/// Part of a rendered text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    /// A control token.
    Control(&'t str),
    /// Plain text, without marks.
    Text(Cow<'t, str>),
}

/// The mark, and where it is put.
#[derive(Debug)]
pub(super) struct Marks {
    mark: char,
    controls: BTreeSet<String>,
    /// Lengths of control tokens, longest first.
    lengths: Vec<usize>,
    /// First characters of control tokens, in both cases.
    firsts: BTreeSet<char>,
    /// The template's own strings that begin like a control token and are none.
    sought: Vec<String>,
}

impl Marks {
    pub(super) fn new(source: &str, conversation: &Conversation, context: &TemplateContext) -> Result<Self, Error> {
        let controls: BTreeSet<String> = context.controls.iter().filter(|piece| !piece.is_empty()).cloned().collect();
        let lengths: BTreeSet<usize> = controls.iter().map(String::len).collect();
        let firsts = controls.iter().filter_map(|piece| piece.chars().next()).flat_map(both_cases).collect();
        let mut marks = Self {
            mark: unused(source, conversation)?,
            controls,
            lengths: lengths.into_iter().rev().collect(),
            firsts,
            sought: Vec::new(),
        };
        marks.sought = marks.strings_sought(source);
        Ok(marks)
    }

    /// The text of a message, marked inside and at its beginning.
    pub(super) fn message(&self, text: &str) -> String {
        let start = text.len() - text.trim_start().len();
        let (space, words) = text.split_at_checked(start).unwrap_or(("", text));
        let mut marked = space.to_owned();
        if self.could_end_control(words) {
            marked.push(self.mark);
        }
        self.mark_into(&mut marked, words);
        marked
    }

    /// All strings of a value, keys too, marked inside.
    pub(super) fn values(&self, value: &Json) -> Json {
        match value {
            Json::String(text) => Json::String(self.inside(text)),
            Json::Array(items) => Json::Array(items.iter().map(|item| self.values(item)).collect()),
            Json::Object(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (self.inside(key), self.values(value))).collect())
            }
            Json::Null | Json::Bool(_) | Json::Integer(_) | Json::Float(_) => value.clone(),
        }
    }

    /// A text without marks.
    pub(super) fn remove<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.contains(self.mark) { Cow::Owned(text.replace(self.mark, "")) } else { Cow::Borrowed(text) }
    }

    /// Cuts a rendered text at its control tokens.
    pub(super) fn split<'t>(&self, text: &'t str) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let (mut start, mut at) = (0, 0);
        while let Some(rest) = text.get(at..) {
            let Some(found) = rest.find(|c| self.firsts.contains(&c)) else { break };
            at += found;
            match self.control_at(text, at) {
                Some(control) => {
                    parts.extend(self.text_part(text.get(start..at)));
                    parts.push(Part::Control(control));
                    at += control.len();
                    start = at;
                }
                None => at += text.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8),
            }
        }
        parts.extend(self.text_part(text.get(start..)));
        parts
    }

    fn text_part<'t>(&self, text: Option<&'t str>) -> Option<Part<'t>> {
        let text = self.remove(text?);
        (!text.is_empty()).then_some(Part::Text(text))
    }

    /// The longest control token that begins here.
    fn control_at<'t>(&self, text: &'t str, at: usize) -> Option<&'t str> {
        let candidates = self.lengths.iter().filter_map(|length| text.get(at..at.checked_add(*length)?));
        candidates.into_iter().find(|candidate| self.controls.contains(*candidate))
    }

    fn inside(&self, text: &str) -> String {
        let mut marked = String::with_capacity(text.len());
        self.mark_into(&mut marked, text);
        marked
    }

    fn mark_into(&self, out: &mut String, text: &str) {
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let sought =
                if self.firsts.contains(&c) { self.sought.iter().find(|s| rest.starts_with(*s)) } else { None };
            let (taken, after) = rest.split_at_checked(sought.map_or(c.len_utf8(), String::len)).unwrap_or((rest, ""));
            out.push_str(taken);
            if sought.is_none() && self.firsts.contains(&c) {
                out.push(self.mark);
            }
            rest = after;
        }
    }

    /// The text goes on, or ends within, what follows the beginning of some control token.
    fn could_end_control(&self, text: &str) -> bool {
        !text.is_empty()
            && self.controls.iter().any(|piece| {
                let ends = piece.char_indices().skip(1).filter_map(|(at, _)| piece.get(at..));
                ends.into_iter().any(|end| starts_alike(text, end))
            })
    }

    /// The quoted strings of a template that begin like a control token, and neither are one, nor begin one, nor hold
    /// one. Longest first.
    fn strings_sought(&self, source: &str) -> Vec<String> {
        let mut strings = BTreeSet::new();
        for quote in ['\'', '"'] {
            for piece in source.split(quote) {
                let is_short = piece.len() <= 64 && piece.chars().count() > 1;
                if is_short && piece.starts_with(|c| self.firsts.contains(&c)) && !self.touches_control(piece) {
                    strings.insert(piece.to_owned());
                }
            }
        }
        let mut strings: Vec<String> = strings.into_iter().collect();
        strings.sort_by_key(|string| std::cmp::Reverse(string.len()));
        strings
    }

    fn touches_control(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.controls.iter().map(|piece| piece.to_lowercase()).any(|piece| {
            // Neither may any end of the text begin a control token: what follows it could complete one.
            let ends = text.char_indices().filter_map(|(at, _)| text.get(at..));
            text.contains(&piece) || ends.into_iter().any(|end| piece.starts_with(end))
        })
    }
}

/// One begins with the other, whatever their case.
fn starts_alike(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).zip(b.chars().flat_map(char::to_lowercase)).all(|(a, b)| a == b)
}

fn both_cases(c: char) -> Vec<char> {
    c.to_lowercase().chain(c.to_uppercase()).chain([c]).collect()
}

/// A noncharacter that occurs nowhere.
fn unused(source: &str, conversation: &Conversation) -> Result<char, Error> {
    let mut used: BTreeSet<char> = BTreeSet::new();
    let mut see = |text: &str| used.extend(text.chars().filter(|c| ('\u{fdd0}'..='\u{fdef}').contains(c)));
    see(source);
    see(&conversation.to_value().dump());
    for message in &conversation.messages {
        if let Message::Assistant(assistant) = message {
            // Arguments are JSON inside a string: their own escapes count too.
            assistant.tool_calls.iter().for_each(|call| see(&crate::normalize::normalize_json(&call.arguments)));
        }
    }
    ('\u{fdd0}'..='\u{fdef}')
        .find(|c| !used.contains(c))
        .ok_or(Error::TemplateCannot("a conversation that contains all 32 noncharacters U+FDD0 to U+FDEF"))
}
