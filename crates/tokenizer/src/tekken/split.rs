//! Tekken's pattern, by hand: where a text is split before its bytes are merged.
//!
//! The pattern is a choice of seven alternatives, tried in order at each place; the first that matches wins, and each
//! takes as much as it can, giving back only where the rest of it would fail. A general engine needs backtracking for
//! the look-ahead; written out, every alternative is one or two scans, and no character is scanned more than a few
//! times, however hostile the text.

use super::class::Class;

/// The pattern that all of Mistral's `tekken.json` files state, and the only one that is done here.
pub(crate) const PATTERN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|",
    r"\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

/// The parts of a text, in order. Together they are the text.
pub(super) fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (part, after) = rest.split_at_checked(part_end(rest))?;
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

/// Where the first part of a text ends; 0 only where the text is empty.
fn part_end(text: &str) -> usize {
    let start = Scan { text, at: 0 };
    let Some(first) = start.class() else { return 0 };
    word(start, first)
        .or_else(|| (first == Class::Number).then(|| start.next().at))
        .or_else(|| symbols(start))
        .unwrap_or_else(|| space(start))
}

/// A place in a text.
#[derive(Clone, Copy)]
struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl Scan<'_> {
    /// Class of the character here; `None` at the end.
    fn class(self) -> Option<Class> {
        let &byte = self.text.as_bytes().get(self.at)?;
        if byte < 0x80 { Some(Class::of_ascii(byte)) } else { self.character().map(Class::of) }
    }

    fn is(self, wanted: impl Fn(Class) -> bool) -> bool {
        self.class().is_some_and(wanted)
    }

    fn character(self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    /// The place after the character here.
    fn next(self) -> Self {
        let length = match self.text.as_bytes().get(self.at) {
            None => 0,
            Some(..0x80) => 1,
            Some(0x80..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(0xf0..) => 4,
        };
        Self { at: self.at + length, ..self }
    }

    /// The place after all characters of the wanted classes.
    fn skip(mut self, wanted: impl Fn(Class) -> bool) -> Self {
        while self.is(&wanted) {
            self = self.next();
        }
        self
    }
}

/// Alternatives 1 and 2: letters, upper case before lower, after one character that is neither letter, number nor
/// line break.
fn word(start: Scan<'_>, first: Class) -> Option<usize> {
    let with_prefix = (!first.is_letter() && first != Class::Number && first != Class::Newline).then(|| start.next());
    let starts = || with_prefix.into_iter().chain([start]);
    starts().find_map(lower_word).or_else(|| starts().find_map(upper_word))
}

/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
fn lower_word(start: Scan<'_>) -> Option<usize> {
    // The first part takes all it can. If nothing is left for the second, it gives back up to the last character that
    // both may take.
    let mut at = start;
    let mut given_back = None;
    while let Some(class) = at.class().filter(|class| class.begins_word()) {
        at = at.next();
        if class.ends_word() {
            given_back = Some(at.at);
        }
    }
    let end = at.skip(Class::ends_word);
    if end.at > at.at { Some(end.at) } else { given_back }
}

/// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
fn upper_word(start: Scan<'_>) -> Option<usize> {
    let end = start.skip(Class::begins_word);
    (end.at > start.at).then(|| end.skip(Class::ends_word).at)
}

/// Alternative 4: ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
fn symbols(start: Scan<'_>) -> Option<usize> {
    let first = if start.text.starts_with(' ') { start.next() } else { start };
    let mut end = first.skip(Class::is_symbol);
    if end.at == first.at {
        return None;
    }
    while let Some(b'\r' | b'\n' | b'/') = end.text.as_bytes().get(end.at) {
        end = end.next();
    }
    Some(end.at)
}

/// Alternatives 5 to 7: white space up to its last line break; else all but the last before a word; else all.
fn space(start: Scan<'_>) -> usize {
    let mut end = start;
    let mut last = start;
    let mut after_newline = None;
    while let Some(class) = end.class().filter(|class| class.is_space()) {
        last = end;
        end = end.next();
        if class == Class::Newline {
            after_newline = Some(end.at);
        }
    }
    match after_newline {
        Some(at) => at,
        None if end.class().is_some() && last.at > start.at => last.at,
        None => end.at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits() {
        let rows = [
            ("", vec![]),
            ("Hello, world!", vec!["Hello", ",", " world", "!"]),
            ("  hi\n\n123", vec![" ", " hi", "\n\n", "1", "2", "3"]),
            ("a/b//c\n/d", vec!["a", "/b", "//", "c", "\n", "/d"]),
            ("HTTPServer XMLa", vec!["HTTPServer", " XMLa"]),
            ("x \n \r\n  y", vec!["x", " \n \r\n", " ", " y"]),
            ("end   ", vec!["end", "   "]),
            ("#\n/ABCД中D", vec!["#\n/", "ABCД中", "D"]),
            ("\u{301}AB", vec!["\u{301}", "AB"]),
            (" \u{301}", vec![" \u{301}"]),
        ];
        testkit::check_table(
            rows.map(|(text, expected)| (format!("{text:?}"), (text, expected))),
            |(text, expected)| {
                let found: Vec<&str> = parts(text).collect();
                if found == expected { Ok(()) } else { Err(format!("{found:?}")) }
            },
        );
    }
}
