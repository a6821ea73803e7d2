//! How the program ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::terminal;

/// The command line asked for something that cannot be: exit code 2.
#[derive(Debug)]
pub(crate) struct Usage(String);

impl Usage {
    pub(crate) fn error(message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self(message.into()))
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Ctrl-C ended the command before it was done: exit code 1, and nothing more to say.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stopped by Ctrl-C")
    }
}

impl std::error::Error for Interrupted {}

/// Says what went wrong on standard error, and as which exit code it counts.
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if is_broken_pipe(error) {
        // The reader has had enough (`tramontane … | head`): that is not a failure.
        return ExitCode::SUCCESS;
    }
    terminal::error(&explain(error));
    if error.chain().any(|cause| cause.is::<Usage>()) { ExitCode::from(2) } else { ExitCode::FAILURE }
}

/// The error and its causes in one line, each thing said once: many messages already contain their cause, or the file
/// that stands around them.
pub(crate) fn explain(error: &anyhow::Error) -> String {
    let mut said: Vec<String> = Vec::new();
    for message in error.chain().map(ToString::to_string) {
        match said.last_mut() {
            Some(last) if last.contains(&message) => {}
            Some(last) if message.contains(last.as_str()) => *last = message,
            _ => said.push(message),
        }
    }
    said.join(": ")
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kinds = error.chain().filter_map(|cause| cause.downcast_ref::<io::Error>().map(io::Error::kind));
    kinds.into_iter().any(|kind| kind == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        let rows = [
            (anyhow!("b").context("a"), "a: b"),
            (anyhow!("no such file").context("a.gguf: no such file"), "a.gguf: no such file"),
            (anyhow!("a/b.gguf is damaged").context("a/b.gguf"), "a/b.gguf is damaged"),
            (anyhow!("c").context("b: c").context("a"), "a: b: c"),
        ];
        for (error, text) in rows {
            assert_eq!(explain(&error), text);
        }
    }
}
