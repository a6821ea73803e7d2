//! The engine's filters, tests and comparisons, each behind a till: what it is about to handle is paid for first.

use std::sync::Arc;

use minijinja::value::{Rest, ValueKind, ValueOrKwargs};
use minijinja::{Environment, Error, State, Value, filters, functions, tests};

use super::budget::{Budget, length};
use super::operators::failure;

/// What a filter does with its first argument, and so what it costs.
#[derive(Clone, Copy)]
enum Price {
    /// Makes a list of its items.
    Items,
    /// Looks at its items, or at its bytes.
    Scan,
    /// Compares what is in it, deeply.
    Sort,
    /// Makes another text of it.
    Text,
    /// Makes a list of its parts.
    Parts,
    /// Adds its items up.
    Sum,
}

pub(super) fn register(env: &mut Environment<'_>, budget: &Arc<Budget>) {
    let filters = [
        ("list", Price::Items, Value::from_function(filters::list)),
        ("map", Price::Items, Value::from_function(filters::map)),
        ("select", Price::Items, Value::from_function(filters::select)),
        ("selectattr", Price::Items, Value::from_function(filters::selectattr)),
        ("reject", Price::Items, Value::from_function(filters::reject)),
        ("rejectattr", Price::Items, Value::from_function(filters::rejectattr)),
        ("items", Price::Items, Value::from_function(filters::items)),
        ("reverse", Price::Items, Value::from_function(filters::reverse)),
        ("length", Price::Scan, Value::from_function(filters::length)),
        ("count", Price::Scan, Value::from_function(filters::length)),
        ("first", Price::Scan, Value::from_function(filters::first)),
        ("last", Price::Scan, Value::from_function(filters::last)),
        ("int", Price::Scan, Value::from_function(filters::int)),
        ("float", Price::Scan, Value::from_function(filters::float)),
        ("min", Price::Sort, Value::from_function(filters::min)),
        ("max", Price::Sort, Value::from_function(filters::max)),
        ("sort", Price::Sort, Value::from_function(filters::sort)),
        ("unique", Price::Sort, Value::from_function(filters::unique)),
        ("dictsort", Price::Sort, Value::from_function(filters::dictsort)),
        ("upper", Price::Text, Value::from_function(filters::upper)),
        ("lower", Price::Text, Value::from_function(filters::lower)),
        ("title", Price::Text, Value::from_function(filters::title)),
        ("capitalize", Price::Text, Value::from_function(filters::capitalize)),
        ("trim", Price::Text, Value::from_function(filters::trim)),
        ("split", Price::Parts, Value::from_function(filters::split)),
        ("lines", Price::Parts, Value::from_function(filters::lines)),
        ("sum", Price::Sum, Value::from_function(filters::sum)),
    ];
    for (name, price, filter) in filters {
        let counters = budget.clone();
        env.add_filter(name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            price.pay(&args, &counters)?;
            filter.call(state, &args)
        });
    }
    register_tests(env, budget);
    register_makers(env, budget);
}

fn register_tests(env: &mut Environment<'_>, budget: &Arc<Budget>) {
    let compared = [
        (&["eq", "equalto", "=="][..], Value::from_function(tests::is_eq)),
        (&["ne", "!="], Value::from_function(tests::is_ne)),
        (&["lt", "lessthan", "<"], Value::from_function(tests::is_lt)),
        (&["le", "<="], Value::from_function(tests::is_le)),
        (&["gt", "greaterthan", ">"], Value::from_function(tests::is_gt)),
        (&["ge", ">="], Value::from_function(tests::is_ge)),
        (&["in"], Value::from_function(tests::is_in)),
        (&["sameas"], Value::from_function(tests::is_sameas)),
        (&["lower"], Value::from_function(tests::is_lower)),
        (&["upper"], Value::from_function(tests::is_upper)),
        (&["startingwith"], Value::from_function(tests::is_startingwith)),
        (&["endingwith"], Value::from_function(tests::is_endingwith)),
    ];
    for (names, test) in compared {
        for name in names {
            let (counters, test) = (budget.clone(), test.clone());
            env.add_test(*name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
                let args = args.into_values();
                args.iter().try_for_each(|value| counters.weigh(value))?;
                Ok::<bool, Error>(test.call(state, &args)?.is_true())
            });
        }
    }
}

/// What makes lists and maps: neither may be deep, wherever it is kept.
fn register_makers(env: &mut Environment<'_>, budget: &Arc<Budget>) {
    let counters = budget.clone();
    env.add_function("[]", move |items: Rest<Value>| {
        let list = Value::from(items.0);
        counters.take(length(&list)?)?;
        counters.weigh(&list)?;
        Ok::<Value, Error>(list)
    });
    let counters = budget.clone();
    env.add_function("{}", move |entries: Rest<Value>| {
        let (pairs, _) = entries.as_chunks();
        let map = Value::from_pairs(pairs.iter().map(|[key, value]| (key.clone(), value.clone())));
        counters.weigh(&map)?;
        Ok::<Value, Error>(map)
    });
    let makers =
        [("dict", Value::from_function(functions::dict)), ("namespace", Value::from_function(functions::namespace))];
    for (name, function) in makers {
        let counters = budget.clone();
        env.add_function(name, move |state: &mut State<'_, '_>, args: Rest<ValueOrKwargs>| {
            let args = args.into_values();
            // A namespace may be no part of what is made.
            args.iter().try_for_each(|value| counters.check(value, 1))?;
            function.call(state, &args)
        });
    }
    let operators = [
        ("==", Value::from_function(tests::is_eq)),
        ("!=", Value::from_function(tests::is_ne)),
        ("<", Value::from_function(tests::is_lt)),
        ("<=", Value::from_function(tests::is_le)),
        (">", Value::from_function(tests::is_gt)),
        (">=", Value::from_function(tests::is_ge)),
        ("in", Value::from_function(tests::is_in)),
    ];
    for (name, function) in operators {
        let counters = budget.clone();
        env.add_function(name, move |state: &mut State<'_, '_>, a: Value, b: Value| {
            counters.weigh(&a)?;
            counters.weigh(&b)?;
            function.call(state, &[a, b])
        });
    }
}

impl Price {
    fn pay(self, args: &[Value], budget: &Budget) -> Result<(), Error> {
        let Some((value, others)) = args.split_first() else { return Ok(()) };
        match (self, value.as_str()) {
            (Self::Text, Some(text)) => budget.produce(text.len()),
            (Self::Parts, Some(text)) => pay_parts(text, others.first().and_then(Value::as_str), budget),
            (Self::Items, _) => budget.take(length(value)?),
            (Self::Scan, _) => budget.scan(value),
            (Self::Sort, _) => {
                let count = length(value)?;
                budget.take(count)?;
                // Each value is compared about log2(count) times.
                (0..=count.max(1).ilog2()).try_for_each(|_| budget.weigh(value))
            }
            (Self::Sum, _) if starts_plainly(others) => budget.scan(value),
            (Self::Sum, _) => Err(failure("sum: it adds numbers up, from a number")),
            (Self::Text | Self::Parts, None) => Ok(()),
        }
    }
}

/// After the values come an attribute's name and a start, or both by name. A start that is a list or a text would grow.
fn starts_plainly(others: &[Value]) -> bool {
    let named = others.iter().filter(|other| other.kind() == ValueKind::Map).map(|named| named.get_attr("start"));
    let start = others.get(1).filter(|other| other.kind() != ValueKind::Map).cloned();
    start.into_iter().chain(named.flatten()).all(|start| start.is_number() || start.is_undefined() || start.is_none())
}

/// Answers for a text that is to be cut at `between`, or at white space.
pub(super) fn pay_parts(text: &str, between: Option<&str>, budget: &Budget) -> Result<(), Error> {
    let cuts = match between {
        Some(between) if !between.is_empty() => text.matches(between).count(),
        Some(_) => text.chars().count(),
        None => text.matches(char::is_whitespace).count(),
    };
    budget.produce(text.len())?;
    budget.take(cuts.saturating_add(1))
}
