//! What is said: from a line editor where a person types, from plain lines otherwise.

use std::fs;
use std::io::{BufRead, Read, stdin};
use std::path::PathBuf;

use anyhow::Context as _;
use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Config, Context, Editor, Helper};

use super::slash;
use crate::{folders, terminal};

/// Longest line from a pipe; a person types less.
const LINE_BYTES: u64 = 16 << 20;
const FENCE: &str = "\"\"\"";

/// Where messages come from.
pub(super) enum Lines {
    /// A person at a terminal.
    Editor { editor: Box<Editor<Assist, FileHistory>>, history: Option<PathBuf> },
    /// A pipe or a file.
    Plain,
}

/// One turn of the user.
pub(super) enum Input {
    /// A message or a command; never empty.
    Text(String),
    /// Ctrl-C at the prompt.
    Interrupted,
    /// Ctrl-D, or the end of the file.
    End,
}

impl Lines {
    /// # Errors
    /// The terminal cannot be used.
    pub(super) fn new() -> anyhow::Result<Self> {
        if !terminal::has_reader() {
            return Ok(Self::Plain);
        }
        let config = Config::builder().auto_add_history(true).build();
        let mut editor = Editor::with_config(config).context("the terminal cannot be used")?;
        editor.set_helper(Some(Assist { files: FilenameCompleter::new() }));
        let history = folders::data().map(|folder| folder.join("chat_history"));
        if let Some(path) = history.as_ref().filter(|path| path.exists()) {
            editor.load_history(path).with_context(|| path.display().to_string())?;
        }
        Ok(Self::Editor { editor: Box::new(editor), history })
    }

    /// Whether a person types.
    pub(super) fn is_interactive(&self) -> bool {
        matches!(self, Self::Editor { .. })
    }

    /// The next message or command.
    ///
    /// # Errors
    /// The terminal or standard input fails.
    pub(super) fn next(&mut self) -> anyhow::Result<Input> {
        loop {
            let input = match self {
                Self::Editor { editor, .. } => edited(editor)?,
                Self::Plain => plain()?,
            };
            match input {
                // An empty line says nothing.
                Input::Text(text) if text.trim().is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    /// Keeps the history for the next time.
    pub(super) fn finish(self) {
        let Self::Editor { mut editor, history: Some(path) } = self else { return };
        let saved = path.parent().map_or(Ok(()), fs::create_dir_all).map_err(ReadlineError::from);
        if let Err(error) = saved.and_then(|()| editor.save_history(&path)) {
            terminal::note(&format!("the history could not be kept: {}: {error}", path.display()));
        }
    }
}

fn edited(editor: &mut Editor<Assist, FileHistory>) -> anyhow::Result<Input> {
    match editor.readline("› ") {
        Ok(text) => Ok(Input::Text(joined(&text))),
        Err(ReadlineError::Interrupted) => Ok(Input::Interrupted),
        Err(ReadlineError::Eof) => Ok(Input::End),
        Err(error) => Err(error).context("the terminal cannot be read"),
    }
}

/// Lines until the message is complete; at the end of the input, what there is.
fn plain() -> anyhow::Result<Input> {
    let mut text = String::new();
    loop {
        let mut line = String::new();
        stdin().lock().take(LINE_BYTES).read_line(&mut line).context("standard input")?;
        if text.len() as u64 + line.len() as u64 >= LINE_BYTES {
            anyhow::bail!("standard input has a message of more than {} MiB", LINE_BYTES >> 20);
        }
        text.push_str(&line);
        if line.is_empty() && text.is_empty() {
            return Ok(Input::End);
        }
        let message = text.strip_suffix('\n').unwrap_or(&text);
        if line.is_empty() || !is_open(message) {
            return Ok(Input::Text(joined(message)));
        }
    }
}

/// Whether the message goes on with the next line.
fn is_open(text: &str) -> bool {
    match text.strip_prefix(FENCE) {
        Some(rest) => !rest.trim_end().ends_with(FENCE),
        None => text.ends_with('\\'),
    }
}

/// The message without the marks that held its lines together.
fn joined(text: &str) -> String {
    match text.strip_prefix(FENCE) {
        Some(rest) => {
            let rest = rest.trim_end();
            rest.strip_suffix(FENCE).unwrap_or(rest).trim_matches('\n').to_owned()
        }
        None => text.replace("\\\n", "\n"),
    }
}

/// Completes commands and the names of files after them; asks for more lines where a message is open.
pub(super) struct Assist {
    files: FilenameCompleter,
}

impl Helper for Assist {}
impl Highlighter for Assist {}
impl Hinter for Assist {
    type Hint = String;
}

impl Completer for Assist {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        if line.starts_with("/save ") || line.starts_with("/load ") {
            return self.files.complete_path(line, pos);
        }
        let start = line.get(..pos).filter(|start| start.starts_with('/'));
        let names = start.map(slash::names).unwrap_or_default();
        let pair = |name: &str| Pair { display: name.to_owned(), replacement: name.to_owned() };
        Ok((0, names.into_iter().map(pair).collect()))
    }
}

impl Validator for Assist {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_open(context.input()) { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines() {
        let rows = [
            ("one", false, "one"),
            ("one\\", true, "one\\"),
            ("one\\\ntwo", false, "one\ntwo"),
            ("\"\"\"", true, ""),
            ("\"\"\"one\ntwo", true, "one\ntwo"),
            ("\"\"\"\none\\\ntwo\n\"\"\"", false, "one\\\ntwo"),
            ("\"\"\"one\"\"\"", false, "one"),
        ];
        for (text, open, message) in rows {
            assert_eq!((is_open(text), joined(text).as_str()), (open, message), "{text}");
        }
    }
}
