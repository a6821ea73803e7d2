//! What people see: colours, and text from outside made harmless.
//!
//! Colours only on a terminal, and not where `NO_COLOR` is set (no-color.org) or the terminal is `dumb`.

mod sanitise;

use std::borrow::Cow;
use std::env;
use std::fmt;
use std::io::{IsTerminal, Write, stderr, stdin, stdout};

pub(crate) use sanitise::sanitise;

/// A piece of text and how it stands out.
pub(crate) struct Styled<T> {
    text: T,
    code: Option<&'static str>,
}

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "\x1b[{code}m{}\x1b[0m", self.text),
            None => self.text.fmt(f),
        }
    }
}

/// Dimmed on standard error.
pub(crate) fn dim<T: fmt::Display>(text: T) -> Styled<T> {
    Styled { text, code: colours(stderr().is_terminal()).then_some("2") }
}

/// Bold on standard output.
pub(crate) fn bold<T: fmt::Display>(text: T) -> Styled<T> {
    Styled { text, code: colours(stdout().is_terminal()).then_some("1") }
}

/// Whether a person types: standard input is a terminal.
pub(crate) fn has_reader() -> bool {
    stdin().is_terminal()
}

/// Text from a model or a file, as standard output may have it: harmless on a terminal, untouched in a pipe.
pub(crate) fn for_stdout(text: &str) -> Cow<'_, str> {
    if stdout().is_terminal() { sanitise(text) } else { Cow::Borrowed(text) }
}

/// A message for people.
pub(crate) fn message(text: &str) {
    // Nobody is left to tell that standard error is gone.
    let _ = writeln!(stderr(), "{}", sanitise(text));
}

/// A message for those who asked for figures: dimmed.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(stderr(), "{}", dim(sanitise(text)));
}

/// A message that something went wrong.
pub(crate) fn error(text: &str) {
    let word = Styled { text: "error:", code: colours(stderr().is_terminal()).then_some("1;31") };
    let _ = writeln!(stderr(), "{word} {}", sanitise(text));
}

/// A message that something is not as one might think.
pub(crate) fn note(text: &str) {
    let word = Styled { text: "note:", code: colours(stderr().is_terminal()).then_some("1;33") };
    let _ = writeln!(stderr(), "{word} {}", sanitise(text));
}

fn colours(is_terminal: bool) -> bool {
    let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    is_terminal && !set("NO_COLOR") && env::var_os("TERM").is_none_or(|term| term != "dumb")
}
