//! Stop strings in a stream of text pieces.
//!
//! One Knuth–Morris–Pratt automaton a stop string runs over the bytes as they come; its state is the length of the
//! longest prefix of the stop string that the text ends with. The longest of these is what must be held back, all else can go
//! out at once. Time is linear in the text, whatever the pieces.
//!
//! The answer ends at the first byte where any stop string is complete; where several are, the longest counts.

use crate::{Error, limits};

/// Watches the text of one sequence.
#[derive(Clone, Debug)]
pub struct StopStrings {
    patterns: Vec<Pattern>,
    /// Text that went in and not out.
    held: String,
    stopped: bool,
}

/// What [`StopStrings::push`] lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// Text that no stop string can reach any more.
    pub text: String,
    /// The stop string (its place in the list) that ended the answer; nothing comes after it.
    pub stop: Option<usize>,
}

impl StopStrings {
    /// # Errors
    /// Too many strings, an empty one, or one beyond the limit.
    pub fn new<S: AsRef<str>>(strings: &[S]) -> Result<Self, Error> {
        if strings.len() > limits::STOP_STRINGS {
            return Err(Error::TooMany { field: "stop", count: strings.len(), limit: limits::STOP_STRINGS });
        }
        let limit = limits::STOP_STRING_BYTES;
        for (index, bytes) in strings.iter().map(|s| s.as_ref().len()).enumerate() {
            if bytes == 0 || bytes > limit {
                return Err(Error::StopLength { index, bytes, limit });
            }
        }
        let patterns = strings.iter().map(|s| Pattern::new(s.as_ref())).collect();
        Ok(Self { patterns, held: String::new(), stopped: false })
    }

    /// Takes the next piece of text. After a stop string everything is swallowed.
    pub fn push(&mut self, piece: &str) -> Released {
        if self.stopped {
            return Released::default();
        }
        let start = self.held.len();
        self.held.push_str(piece);
        for (offset, &byte) in piece.as_bytes().iter().enumerate() {
            self.patterns.iter_mut().for_each(|p| p.advance(byte));
            if let Some((index, bytes)) = self.complete() {
                self.stopped = true;
                let mut text = std::mem::take(&mut self.held);
                text.truncate(start + offset + 1 - bytes);
                return Released { text, stop: Some(index) };
            }
        }
        let reach = self.patterns.iter().map(|p| p.matched).max().unwrap_or(0);
        let kept = self.held.split_off(self.held.len() - reach);
        Released { text: std::mem::replace(&mut self.held, kept), stop: None }
    }

    /// The text that was held back, where something else than text follows: no stop string reaches across it.
    pub fn flush(&mut self) -> String {
        self.patterns.iter_mut().for_each(|pattern| pattern.matched = 0);
        std::mem::take(&mut self.held)
    }

    /// The text that was held back, once it is known that nothing follows.
    pub fn finish(&mut self) -> String {
        self.stopped = true;
        std::mem::take(&mut self.held)
    }

    /// The longest stop string that ends at the byte just seen, and its length.
    fn complete(&self) -> Option<(usize, usize)> {
        let complete = self.patterns.iter().enumerate().filter(|(_, p)| p.matched == p.bytes.len());
        // The first of equal ones: `max_by_key` takes the last, hence the reversal.
        complete.map(|(i, p)| (i, p.bytes.len())).rev().max_by_key(|&(_, bytes)| bytes)
    }
}

/// A Knuth–Morris–Pratt automaton and its state.
#[derive(Clone, Debug)]
struct Pattern {
    bytes: Vec<u8>,
    /// `fallback[n]`: length of the longest proper prefix that is a suffix of the first `n + 1` bytes.
    fallback: Vec<usize>,
    matched: usize,
}

impl Pattern {
    fn new(string: &str) -> Self {
        let bytes = string.as_bytes().to_vec();
        let mut fallback = vec![0; bytes.len()];
        for end in 1..bytes.len() {
            fallback[end] = longest(&bytes, &fallback, fallback[end - 1], bytes[end]);
        }
        Self { bytes, fallback, matched: 0 }
    }

    fn advance(&mut self, byte: u8) {
        self.matched = longest(&self.bytes, &self.fallback, self.matched, byte);
    }
}

/// Length of the longest prefix that a text ends with, which ended with `matched` bytes of it before `byte` came.
fn longest(bytes: &[u8], fallback: &[usize], mut matched: usize, byte: u8) -> usize {
    while matched > 0 && bytes.get(matched) != Some(&byte) {
        matched = fallback[matched - 1];
    }
    matched + usize::from(bytes.get(matched) == Some(&byte))
}

#[cfg(test)]
mod tests {
    use super::StopStrings;

    #[test]
    fn a_stop_string_does_not_reach_across_what_is_no_text() {
        let mut stop = StopStrings::new(&["ab"]).unwrap();
        assert_eq!(stop.push("xa").text, "x");
        assert_eq!(stop.flush(), "a");
        let released = stop.push("bab");
        assert_eq!((released.text.as_str(), released.stop), ("b", Some(0)));
    }
}
