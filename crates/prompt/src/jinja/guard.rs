//! Bounds of a chat template: what is looked at before it is compiled, and what is counted while it runs.
//!
//! Before: the tokens of one tag that nest (the engine's parser recurses on them), the length of plain stretches
//! (written once per turn of a loop, for one unit of fuel), multiplications (folded by the compiler). While it runs
//! (`budget.rs`, `lists.rs`): the text that expressions write, also into variables; what filters, comparisons and
//! slices handle; and every value that is built or stored, which may be neither deep (printing it recurses) nor hold a
//! namespace (it could hold itself). To see stored values, `{% set x = … %}` becomes `{% set x = (…)|checked %}`
//! before the template is compiled; lines stay what they are.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, ValueKind};
use minijinja::{Environment, Value};
use minijinja_contrib::pycompat;

use super::budget::{Budget, is_namespace, length, too_long};
use super::operators::failure;
use super::{lists, template_error, values};
use crate::limits::{MAX_TEMPLATE_DEPTH, TEMPLATE_FUEL};
use crate::message::Conversation;
use crate::schema::repr;
use crate::{Error, Json};

/// Operators, brackets and the like in one tag. The parser recurses once for each.
const MAX_NESTING_TOKENS: usize = 300;

/// `elif` in one template: each is an `if` inside the `else` of the one before.
const MAX_ELIFS: usize = 200;

/// `*` in one template: the compiler multiplies constants, each up to 100 MB.
const MAX_MULTIPLICATIONS: usize = 8;

/// Bytes that all plain stretches together may write.
const MAX_PLAIN_BYTES: u64 = 1 << 30;

/// Name of the filter that checks stored values.
const CHECK: &str = "checked";

/// A template that may be compiled.
pub(super) struct Guarded {
    pub(super) source: String,
    pub(super) fuel: u64,
}

/// Reads the tokens of a template.
pub(super) fn inspect(source: &str, syntax: &SyntaxConfig) -> Result<Guarded, Error> {
    let mut tags = Tags::default();
    for token in tokenize(source, false, syntax.clone()) {
        let (token, span) = token.map_err(|error| template_error(&error))?;
        tags.see(&token, span.start_offset, span.end_offset)?;
    }
    // A turn of a loop that writes a plain stretch takes at least two units of fuel.
    let fuel = MAX_PLAIN_BYTES / tags.longest_plain.max(64) * 2;
    Ok(Guarded { source: insert(source, &tags.insertions), fuel })
}

/// Enough for any honest template, given how much there is to render.
pub(super) fn fuel_for(conversation: &Conversation) -> u64 {
    let parts = conversation.messages.len() + conversation.tools.len();
    let tools = Json::Array(conversation.tools.iter().map(crate::Tool::to_json).collect()).dump().len();
    let fuel = 50_000 + 5_000 * parts as u64 + 10 * tools as u64;
    fuel.min(TEMPLATE_FUEL)
}

/// Replaces what has no bounds of its own.
pub(super) fn register(env: &mut Environment<'_>, budget: &Arc<Budget>) {
    for filter in ["pprint", "batch", "slice", "chain", "zip", "groupby", "safe", "escape", "e"] {
        env.remove_filter(filter);
    }
    env.remove_global("debug");
    env.add_filter("safe", |value: Value| value);
    let counters = budget.clone();
    env.add_filter("join", move |items: Value, between: Option<Cow<'_, str>>| {
        join(&items, between.as_deref().unwrap_or_default(), &counters)
    });
    let counters = budget.clone();
    env.add_filter("replace", move |text: Cow<'_, str>, old: Cow<'_, str>, new: Cow<'_, str>| {
        check_replacement(Some(&text), Some(&old), Some(&new), &counters)?;
        Ok::<_, minijinja::Error>(text.replace(&*old, &new))
    });
    let counters = budget.clone();
    env.add_filter("indent", move |text: Cow<'_, str>, width: Option<usize>, named: Kwargs| {
        indent(&text, width, &named, &counters)
    });
    let counters = budget.clone();
    env.add_filter("string", move |value: Value| string(&value, &counters));
    env.add_filter("format", |_: Value| Err::<Value, _>(failure("the filter format is not for chat templates")));
    let counters = budget.clone();
    env.add_filter(CHECK, move |value: Value, depth: usize| {
        counters.check(&value, depth)?;
        Ok::<Value, minijinja::Error>(value)
    });
    let counters = budget.clone();
    env.set_formatter(move |out, _, value| {
        if value.is_undefined() {
            return Ok(());
        }
        let text = string(value, &counters)?;
        counters.emit(text.len())?;
        out.write_str(&text).map_err(|_| too_long())
    });
    let counters = budget.clone();
    env.set_unknown_method_callback(move |state, value, method, arguments| {
        pay_method(value, method, arguments, &counters)?;
        match (method, arguments) {
            ("format", _) => return Err(failure("the method format is not for chat templates")),
            ("replace", [old, new, ..]) => {
                check_replacement(value.as_str(), old.as_str(), new.as_str(), &counters)?;
            }
            ("join", [items]) => {
                return join(items, value.as_str().unwrap_or_default(), &counters).map(Value::from);
            }
            _ => {}
        }
        pycompat::unknown_method_callback(state, value, method, arguments)
    });
}

/// Answers for what a method of Python's is about to handle.
fn pay_method(value: &Value, method: &str, arguments: &[Value], budget: &Budget) -> Result<(), minijinja::Error> {
    match (value.as_str(), method) {
        (Some(text), "split" | "splitlines") => {
            lists::pay_parts(text, arguments.first().and_then(Value::as_str), budget)
        }
        (Some(text), "upper" | "lower" | "strip" | "lstrip" | "rstrip" | "title" | "capitalize") => {
            budget.produce(text.len())
        }
        (None, "keys" | "values" | "items") => budget.take(length(value)?),
        (None, "count") => budget.weigh(value),
        (None, "get") => Ok(()),
        _ => budget.scan(value),
    }
}

/// Python's form of a value.
pub(super) fn string(value: &Value, budget: &Budget) -> Result<String, minijinja::Error> {
    budget.write(|text| {
        match value.kind() {
            ValueKind::None => text.write_str("None"),
            ValueKind::Bool => text.write_str(if value.is_true() { "True" } else { "False" }),
            ValueKind::Seq | ValueKind::Map if !is_namespace(value) => {
                text.write_str(&repr(&values::to_json(value, budget)?))
            }
            _ => write!(text, "{value}"),
        }
        .map_err(|_| too_long())
    })
}

fn join(items: &Value, between: &str, budget: &Budget) -> Result<String, minijinja::Error> {
    budget.write(|text| {
        budget.scan(items)?;
        for (index, item) in items.try_iter()?.enumerate() {
            let between = if index > 0 { between } else { "" };
            write!(text, "{between}{}", string(&item, budget)?).map_err(|_| too_long())?;
        }
        Ok(())
    })
}

fn check_replacement(
    text: Option<&str>,
    old: Option<&str>,
    new: Option<&str>,
    budget: &Budget,
) -> Result<(), minijinja::Error> {
    let (Some(text), Some(old), Some(new)) = (text, old, new) else { return Ok(()) };
    let more = text.matches(old).count().saturating_mul(new.len());
    budget.produce(more.saturating_add(text.len()))
}

/// All lines but the first, and but the empty ones, begin with spaces.
fn indent(text: &str, width: Option<usize>, named: &Kwargs, budget: &Budget) -> Result<String, minijinja::Error> {
    const WIDEST: usize = 64;
    let width = named.get::<Option<usize>>("width")?.or(width).unwrap_or(4);
    if width > WIDEST {
        return Err(failure(format!("indent: the width is a number up to {WIDEST}")));
    }
    let first = named.get::<Option<bool>>("first")?.unwrap_or(false);
    let blank = named.get::<Option<bool>>("blank")?.unwrap_or(false);
    named.assert_all_used()?;
    budget.write(|out| {
        for (index, line) in text.split('\n').enumerate() {
            let is_indented = if index == 0 { first } else { blank || !line.is_empty() };
            let (line_break, width) = (if index > 0 { "\n" } else { "" }, if is_indented { width } else { 0 });
            write!(out, "{line_break}{:width$}{line}", "").map_err(|_| too_long())?;
        }
        Ok(())
    })
}

/// What has been seen of a template's tags.
#[derive(Default)]
struct Tags {
    /// Tokens of the current tag that nest.
    nesting: usize,
    elifs: usize,
    multiplications: usize,
    longest_plain: u64,
    /// The current tag, as far as it is `set` and what follows.
    set: Set,
    brackets: usize,
    depth: usize,
    /// Where to put what.
    insertions: Vec<(usize, &'static str)>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Set {
    #[default]
    None,
    Start,
    Target {
        /// The target is an attribute.
        is_attribute: bool,
    },
    Value {
        is_attribute: bool,
    },
}

impl Tags {
    fn see(&mut self, token: &Token<'_>, start: u32, end: u32) -> Result<(), Error> {
        match token {
            Token::TemplateData(text) => self.longest_plain = self.longest_plain.max(text.len() as u64),
            Token::VariableStart | Token::BlockStart => {
                (self.nesting, self.brackets) = (0, 0);
                self.set = if matches!(token, Token::BlockStart) { Set::Start } else { Set::None };
            }
            Token::BlockEnd => {
                if let Set::Value { is_attribute } = self.set {
                    // A namespace may be a variable, but not part of a namespace.
                    let check = if is_attribute { ")|checked(1) " } else { ")|checked(0) " };
                    self.insertions.push((start as usize, check));
                }
                self.set = Set::None;
            }
            Token::Ident("set") if self.set == Set::Start => self.set = Set::Target { is_attribute: false },
            Token::Ident(name) => self.see_word(name),
            Token::Assign if matches!(self.set, Set::Target { .. }) && self.brackets == 0 => {
                let is_attribute = self.set == Set::Target { is_attribute: true };
                self.set = Set::Value { is_attribute };
                self.insertions.push((end as usize, "("));
            }
            _ => self.see_operator(token),
        }
        self.check()
    }

    fn see_word(&mut self, word: &str) {
        match word {
            "elif" => self.elifs += 1,
            "if" | "for" | "macro" | "call" | "filter" | "with" if self.set == Set::Start => self.depth += 1,
            "endif" | "endfor" | "endmacro" | "endcall" | "endfilter" | "endwith" => {
                self.depth = self.depth.saturating_sub(1);
            }
            "not" | "and" | "or" | "is" | "in" | "if" | "else" => self.nesting += 1,
            _ => {}
        }
        if self.set == Set::Start {
            self.set = Set::None;
        }
    }

    fn see_operator(&mut self, token: &Token<'_>) {
        match token {
            Token::Dot if self.set == Set::Target { is_attribute: false } => {
                self.set = Set::Target { is_attribute: true };
            }
            Token::ParenOpen | Token::BracketOpen | Token::BraceOpen => self.brackets += 1,
            Token::ParenClose | Token::BracketClose | Token::BraceClose => {
                self.brackets = self.brackets.saturating_sub(1);
            }
            Token::Mul => self.multiplications += 1,
            _ => {}
        }
        let is_harmless = matches!(
            token,
            Token::Str(_)
                | Token::String(_)
                | Token::Int(_)
                | Token::Int128(_)
                | Token::Float(_)
                | Token::Comma
                | Token::Colon
                | Token::Assign
                | Token::ParenClose
                | Token::BracketClose
                | Token::BraceClose
                | Token::VariableEnd
        );
        self.nesting += usize::from(!is_harmless);
    }

    fn check(&self) -> Result<(), Error> {
        let bounds = [
            (self.nesting, MAX_NESTING_TOKENS, "operators and brackets in one tag"),
            (self.elifs, MAX_ELIFS, "times `elif`"),
            (self.multiplications, MAX_MULTIPLICATIONS, "multiplications"),
            (self.depth, MAX_TEMPLATE_DEPTH, "blocks inside one another"),
        ];
        match bounds.iter().find(|(found, limit, _)| found > limit) {
            Some((_, limit, what)) => Err(Error::TemplateRefused(format!("it has more than {limit} {what}"))),
            None => Ok(()),
        }
    }
}

fn insert(source: &str, insertions: &[(usize, &'static str)]) -> String {
    let mut out = String::with_capacity(source.len() + 16 * insertions.len());
    let mut at = 0;
    for (offset, text) in insertions {
        out.push_str(source.get(at..*offset).unwrap_or_default());
        out.push_str(text);
        at = *offset;
    }
    out.push_str(source.get(at..).unwrap_or_default());
    out
}
