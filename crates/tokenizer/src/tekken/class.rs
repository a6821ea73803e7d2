//! What the pattern needs to know about a character.

use std::sync::LazyLock;

use super::class_table::RUNS;

/// The classes of characters that Tekken's pattern tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// None of the others: punctuation, symbols, control characters, unassigned.
    Other,
    /// `\p{Lu}`, `\p{Lt}`
    Upper,
    /// `\p{Ll}`
    Lower,
    /// `\p{Lm}`, `\p{Lo}`
    Letter,
    /// `\p{M}`
    Mark,
    /// `\p{N}`
    Number,
    /// `\s` without line breaks
    Space,
    /// `\r`, `\n`
    Newline,
}

/// Classes of the first two planes by code point: beyond them, characters are rare and searched for.
static LOW: LazyLock<Box<[Class]>> = LazyLock::new(|| {
    let mut classes = Vec::with_capacity(LOW_END as usize);
    for (at, &(_, _, class)) in RUNS.iter().enumerate() {
        let end = RUNS.get(at + 1).map_or(LOW_END, |next| next.0).min(LOW_END);
        while (classes.len() as u32) < end {
            classes.push(class_in_run(at, classes.len() as u32).unwrap_or(class));
        }
    }
    classes.into_boxed_slice()
});

const LOW_END: u32 = 0x20000;

impl Class {
    pub(super) fn of(character: char) -> Self {
        let code = character as u32;
        match LOW.get(code as usize) {
            Some(&class) => class,
            None => {
                class_in_run(RUNS.partition_point(|run| run.0 <= code).saturating_sub(1), code).unwrap_or(Self::Other)
            }
        }
    }

    /// Of a byte below 0x80.
    pub(super) const fn of_ascii(byte: u8) -> Self {
        match byte {
            b'a'..=b'z' => Self::Lower,
            b'A'..=b'Z' => Self::Upper,
            b'0'..=b'9' => Self::Number,
            b'\r' | b'\n' => Self::Newline,
            b' ' | b'\t' | 0x0b | 0x0c => Self::Space,
            _ => Self::Other,
        }
    }

    /// `\p{L}`
    pub(super) const fn is_letter(self) -> bool {
        matches!(self, Self::Upper | Self::Lower | Self::Letter)
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`
    pub(super) const fn begins_word(self) -> bool {
        matches!(self, Self::Upper | Self::Letter | Self::Mark)
    }

    /// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
    pub(super) const fn ends_word(self) -> bool {
        matches!(self, Self::Lower | Self::Letter | Self::Mark)
    }

    /// `\s`
    pub(super) const fn is_space(self) -> bool {
        matches!(self, Self::Space | Self::Newline)
    }

    /// `[^\s\p{L}\p{N}]`
    pub(super) const fn is_symbol(self) -> bool {
        matches!(self, Self::Mark | Self::Other)
    }
}

/// Class of a code point that lies in this run: a run repeats its two classes in turn, which are mostly the same.
fn class_in_run(run: usize, code: u32) -> Option<Class> {
    let &(start, even, odd) = RUNS.get(run)?;
    Some(if (code - start).is_multiple_of(2) { even } else { odd })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_agrees_with_the_table() {
        for byte in 0..0x80 {
            assert_eq!(Class::of_ascii(byte), Class::of(char::from(byte)), "{byte:#x}");
        }
    }

    #[test]
    fn characters_of_every_plane() {
        let rows = [('é', Class::Lower), ('ǅ', Class::Upper), ('中', Class::Letter), ('\u{301}', Class::Mark)];
        let rows = rows.into_iter().chain([('٣', Class::Number), ('\u{3000}', Class::Space), ('👍', Class::Other)]);
        let rows = rows.chain([('\u{20000}', Class::Letter), ('\u{e0100}', Class::Mark), ('\u{10ffff}', Class::Other)]);
        for (character, class) in rows {
            assert_eq!(Class::of(character), class, "{character:?}");
        }
    }
}
