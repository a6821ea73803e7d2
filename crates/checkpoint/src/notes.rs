//! What was left out or chosen while opening a model, in sentences that commands print.

/// Sentences, each once, in the order in which they came up.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    lines: Vec<String>,
    /// `(what, number of tensors)`.
    unused: Vec<(&'static str, usize)>,
}

impl Notes {
    pub(crate) fn add(&mut self, line: impl Into<String>) {
        let line = line.into();
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    /// One more tensor of a part that is not run.
    pub(crate) fn unused(&mut self, what: &'static str) {
        match self.unused.iter_mut().find(|(other, _)| *other == what) {
            Some((_, count)) => *count += 1,
            None => self.unused.push((what, 1)),
        }
    }

    pub(crate) fn into_lines(mut self) -> Vec<String> {
        let unused = self.unused.iter().map(|(what, count)| match *count {
            1 => format!("the files hold {what} (1 tensor), left unread"),
            count => format!("the files hold {what} ({count} tensors), left unread"),
        });
        self.lines.extend(unused);
        self.lines
    }
}
