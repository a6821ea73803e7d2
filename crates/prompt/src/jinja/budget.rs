//! What one rendering of a chat template may still do, counted the same way on every machine: no clock.
//!
//! A unit of the engine's fuel is one instruction, and one instruction may handle a whole list or a whole text. So
//! what it handles is paid for here: *items* of lists that it makes, bytes of texts that it *produces*, and *work*, for
//! what it only looks at.

use std::sync::atomic::{AtomicU64, Ordering};

use minijinja::value::ValueKind;
use minijinja::{Error, Value};

use super::operators::failure;
use crate::limits::MAX_RENDERED_BYTES;

/// Bytes that all texts built together may have.
const MAX_PRODUCED_BYTES: u64 = 512 << 20;

/// Items that all lists made by the template may have together, and for how many bytes of conversation there is one more.
const MAX_ITEMS: u64 = 2_000_000;
const BYTES_PER_ITEM: u64 = 8;

/// Values that may be looked at, all together, and how many more for each byte of conversation.
const MAX_WORK: u64 = 5_000_000;
const WORK_PER_BYTE: u64 = 4;

/// Bytes of a text that cost as much as one value.
const BYTES_PER_WORK: usize = 16;

/// Levels of a value that the template builds. Printing, comparing and freeing it recurse.
const MAX_VALUE_DEPTH: usize = 64;

/// What one rendering may still do.
#[derive(Debug)]
pub(super) struct Budget {
    /// Bytes of any one text that the template builds.
    pub(super) longest: usize,
    written: Counter,
    produced: Counter,
    items: Counter,
    work: Counter,
}

#[derive(Debug)]
struct Counter {
    used: AtomicU64,
    limit: u64,
}

impl Counter {
    const fn new(limit: u64) -> Self {
        Self { used: AtomicU64::new(0), limit }
    }

    fn spend(&self, amount: usize) -> bool {
        let before = self.used.fetch_add(amount as u64, Ordering::Relaxed);
        before.saturating_add(amount as u64) <= self.limit
    }
}

/// A text that stops to grow when it has the length that the budget allows.
pub(super) struct Bounded {
    text: String,
    limit: usize,
}

impl std::fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        if self.text.len() + more.len() > self.limit {
            return Err(std::fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

impl Budget {
    /// For a conversation of this size: an instruction may handle a whole text, so texts may only be as long as
    /// honest templates need them.
    pub(super) fn new(conversation_bytes: usize) -> Self {
        let longest = (256 << 10) + conversation_bytes.saturating_mul(4);
        let bytes = conversation_bytes as u64;
        Self {
            longest: longest.min(MAX_RENDERED_BYTES),
            written: Counter::new(MAX_RENDERED_BYTES as u64),
            produced: Counter::new(MAX_PRODUCED_BYTES),
            items: Counter::new(MAX_ITEMS + bytes / BYTES_PER_ITEM),
            work: Counter::new(MAX_WORK.saturating_add(bytes.saturating_mul(WORK_PER_BYTE))),
        }
    }

    /// Builds a text.
    pub(super) fn write(&self, write: impl FnOnce(&mut Bounded) -> Result<(), Error>) -> Result<String, Error> {
        let mut bounded = Bounded { text: String::new(), limit: self.longest };
        write(&mut bounded)?;
        self.produce(bounded.text.len())?;
        Ok(bounded.text)
    }

    /// Answers for a text of this length that is to be built.
    pub(super) fn produce(&self, length: usize) -> Result<(), Error> {
        if length <= self.longest && self.produced.spend(length) { Ok(()) } else { Err(too_long()) }
    }

    /// Answers for what goes out.
    pub(super) fn emit(&self, length: usize) -> Result<(), Error> {
        if self.written.spend(length) { Ok(()) } else { Err(too_long()) }
    }

    /// Answers for a list of so many items that is to be built.
    pub(super) fn take(&self, count: usize) -> Result<(), Error> {
        if self.items.spend(count) {
            return self.work(count);
        }
        Err(failure("its lists grow beyond what a chat template needs"))
    }

    /// Answers for so many values that are to be looked at.
    pub(super) fn work(&self, count: usize) -> Result<(), Error> {
        if self.work.spend(count) { Ok(()) } else { Err(failure("it takes more steps than a chat template needs")) }
    }

    /// Answers for a look at the items of a list, or at the bytes of a text.
    pub(super) fn scan(&self, value: &Value) -> Result<(), Error> {
        match value.as_str() {
            Some(text) => self.work(1 + text.len() / BYTES_PER_WORK),
            None => self.work(length(value)?),
        }
    }

    /// Answers for a look at a value and at all that is in it, which may be neither deep nor hold a namespace.
    pub(super) fn weigh(&self, value: &Value) -> Result<(), Error> {
        self.check(value, 0)
    }

    /// As [`Budget::weigh`], of a value inside `depth` others.
    pub(super) fn check(&self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > MAX_VALUE_DEPTH {
            return Err(failure("a value of the template is nested too deeply"));
        }
        match value.kind() {
            ValueKind::String => self.scan(value),
            ValueKind::Seq | ValueKind::Iterable => {
                self.work(1)?;
                value.try_iter()?.try_for_each(|item| self.check(&item, depth + 1))
            }
            ValueKind::Map if is_namespace(value) && depth > 0 => {
                Err(failure("a namespace may not be stored in a value"))
            }
            ValueKind::Map => {
                self.work(1)?;
                value.try_iter()?.try_for_each(|key| self.check(&value.get_item(&key)?, depth + 1))
            }
            _ => self.work(1),
        }
    }
}

pub(super) fn too_long() -> Error {
    failure("its texts grow beyond what a chat template needs")
}

pub(super) fn is_namespace(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.type_name().ends_with("Namespace"))
}

/// Items that a value has when it is taken apart; a text is taken apart into characters.
pub(super) fn length(value: &Value) -> Result<usize, Error> {
    match (value.as_str(), value.len()) {
        (Some(text), _) => Ok(text.len()),
        (None, Some(length)) => Ok(length),
        // Those that do not know their length are ranges and reversed lists: both bounded.
        (None, None) if value.kind() == ValueKind::Iterable => Ok(value.try_iter()?.count()),
        (None, None) => Ok(1),
    }
}
