//! Operators that can make a long text out of a short one, with bounds; and slices, as Python cuts them.
//!
//! The template engine has fuel for instructions, but one `~` may double a text, and forty of them fill the memory.
//! Its slices panic on an empty list taken backwards. So the instructions `~ + * %` and `[::]` are replaced by calls
//! of the functions here, and those that compare or make lists by calls of those in `lists.rs`: names that no template
//! can write.

use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::machinery::{Instruction, Instructions};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};

use super::budget::{Budget, length, too_long};
use super::guard;

/// Items of one list that a template makes of others.
const MAX_ITEMS: usize = 1 << 16;

/// # Errors
/// There is an instruction that cannot be replaced.
pub(super) fn replace(instructions: &mut Instructions<'_>) -> Result<(), crate::Error> {
    let mut index = 0;
    while let Some(instruction) = instructions.get_mut(index) {
        let function = match instruction {
            Instruction::StringConcat => Some(("~", Some(2))),
            Instruction::Add => Some(("+", Some(2))),
            Instruction::Mul => Some(("*", Some(2))),
            Instruction::Rem => Some(("%", Some(2))),
            Instruction::Slice => Some(("[::]", Some(4))),
            Instruction::Eq => Some(("==", Some(2))),
            Instruction::Ne => Some(("!=", Some(2))),
            Instruction::Lt => Some(("<", Some(2))),
            Instruction::Lte => Some(("<=", Some(2))),
            Instruction::Gt => Some((">", Some(2))),
            Instruction::Gte => Some((">=", Some(2))),
            Instruction::In => Some(("in", Some(2))),
            Instruction::BuildList(None) | Instruction::BuildTuple(None) => Some(("[]", None)),
            Instruction::BuildList(Some(count)) | Instruction::BuildTuple(Some(count)) => {
                Some(("[]", Some(literal(*count)?)))
            }
            Instruction::BuildMap(count) => Some(("{}", Some(literal(count.saturating_mul(2))?))),
            Instruction::CompareAndPreserve(_) => {
                let what = "it compares more than two values at once: write `a < b and b < c`";
                return Err(crate::Error::TemplateRefused(what.to_owned()));
            }
            _ => None,
        };
        if let Some((name, arguments)) = function {
            *instruction = Instruction::CallFunction(name, arguments);
        }
        index += 1;
    }
    Ok(())
}

/// Values that stand between two brackets of the template.
fn literal(count: usize) -> Result<u16, crate::Error> {
    u16::try_from(count).map_err(|_| crate::Error::TemplateRefused(format!("one of its lists has {count} values")))
}

pub(super) fn register(env: &mut Environment<'_>, budget: &Arc<Budget>) {
    let counters = budget.clone();
    env.add_function("~", move |a: Value, b: Value| joined(&a, &b, &counters));
    let counters = budget.clone();
    env.add_function("+", move |a: Value, b: Value| add(&a, &b, &counters));
    let counters = budget.clone();
    env.add_function("*", move |a: Value, b: Value| multiply(&a, &b, &counters));
    env.add_function("%", |a: Value, b: Value| remainder(&a, &b));
    let counters = budget.clone();
    env.add_function("[::]", move |list: Value, start: Value, stop: Value, step: Value| {
        slice(&list, [&start, &stop, &step], &counters)
    });
}

pub(super) fn failure(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

fn joined(a: &Value, b: &Value, budget: &Budget) -> Result<Value, Error> {
    budget
        .write(|text| {
            write!(text, "{}{}", guard::string(a, budget)?, guard::string(b, budget)?).map_err(|_| too_long())
        })
        .map(Value::from)
}

fn add(a: &Value, b: &Value, budget: &Budget) -> Result<Value, Error> {
    match (a.kind(), b.kind()) {
        (ValueKind::String, ValueKind::String) => joined(a, b, budget),
        (ValueKind::Seq | ValueKind::Iterable, ValueKind::Seq | ValueKind::Iterable) => {
            pay(length(a)?.saturating_add(length(b)?), budget)?;
            Ok(Value::from(a.try_iter()?.chain(b.try_iter()?).collect::<Vec<Value>>()))
        }
        _ => reckon(a, b, "+", i128::checked_add, |a, b| a + b),
    }
}

/// Answers for a list of so many items.
fn pay(count: usize, budget: &Budget) -> Result<(), Error> {
    if count > MAX_ITEMS {
        return Err(failure(format!("a list of the template grows beyond {MAX_ITEMS} items")));
    }
    budget.take(count)
}

fn multiply(a: &Value, b: &Value, budget: &Budget) -> Result<Value, Error> {
    match (a.as_str(), b.as_usize(), a.as_usize(), b.as_str()) {
        (Some(text), Some(times), _, _) | (_, _, Some(times), Some(text)) => {
            budget.produce(text.len().saturating_mul(times))?;
            Ok(Value::from(text.repeat(times)))
        }
        _ => reckon(a, b, "*", i128::checked_mul, |a, b| a * b),
    }
}

fn remainder(a: &Value, b: &Value) -> Result<Value, Error> {
    // As in Python, the result has the divisor's sign.
    let integers = |a: i128, b: i128| {
        let rest = a.checked_rem(b)?;
        if rest != 0 && (rest < 0) != (b < 0) { rest.checked_add(b) } else { Some(rest) }
    };
    reckon(a, b, "%", integers, |a, b| a - b * (a / b).floor())
}

fn slice(list: &Value, bounds: [&Value; 3], budget: &Budget) -> Result<Value, Error> {
    if let Some(text) = list.as_str() {
        budget.produce(text.len())?;
        let characters: Vec<char> = text.chars().collect();
        return Ok(Value::from(picked(&characters, bounds)?.into_iter().collect::<String>()));
    }
    match list.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Value::from(Vec::<Value>::new())),
        ValueKind::Seq | ValueKind::Iterable => {
            pay(length(list)?, budget)?;
            let items: Vec<Value> = list.try_iter()?.collect();
            Ok(Value::from(picked(&items, bounds)?))
        }
        kind => Err(failure(format!("a {kind} has no slices"))),
    }
}

/// As Python's `list[start:stop:step]`.
fn picked<T: Clone>(items: &[T], [start, stop, step]: [&Value; 3]) -> Result<Vec<T>, Error> {
    let given = |value: &Value| if value.is_none() { Ok(None) } else { i64::try_from(value.clone()).map(Some) };
    let step = given(step)?.unwrap_or(1);
    if step == 0 {
        return Err(failure("slice step cannot be zero"));
    }
    let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
    // What an index may be, and where slices begin and end that do not say it.
    let (lowest, highest) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let (first, last) = if step > 0 { (lowest, highest) } else { (highest, lowest) };
    let place = |index: i64| {
        let from_start = if index < 0 { index.saturating_add(length) } else { index };
        from_start.clamp(lowest, highest)
    };
    let (mut at, stop) = (given(start)?.map_or(first, place), given(stop)?.map_or(last, place));
    let mut picked = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        picked.extend(usize::try_from(at).ok().and_then(|at| items.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(picked)
}

fn reckon(
    a: &Value,
    b: &Value,
    name: &str,
    integers: impl Fn(i128, i128) -> Option<i128>,
    floats: impl Fn(f64, f64) -> f64,
) -> Result<Value, Error> {
    let is_number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    if !is_number(a) || !is_number(b) {
        return Err(failure(format!("{} {name} {} cannot be reckoned", a.kind(), b.kind())));
    }
    if let (Ok(a), Ok(b)) = (i128::try_from(a.clone()), i128::try_from(b.clone())) {
        let result = integers(a, b).ok_or_else(|| failure(format!("{a} {name} {b} has no result")))?;
        return Ok(i64::try_from(result).map_or_else(|_| Value::from(result), Value::from));
    }
    Ok(Value::from(floats(f64::try_from(a.clone())?, f64::try_from(b.clone())?)))
}
