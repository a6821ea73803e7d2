//! Text from a model must not drive the terminal, nor hide from the eye.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Makes visible whatever moves the cursor, changes colours or titles, reverses the reading order, or does not show:
/// C0 and C1 controls other than line feed and tab, bidirectional marks, line separators, interlinear annotations, tags.
///
/// Every character is judged alone, so that text may come in pieces.
pub(crate) fn sanitise(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            // The block "Control Pictures" has a symbol for each C0 control and for delete.
            '\0'..='\x1f' if is_harmful(character) => shown.extend(char::from_u32(0x2400 + character as u32)),
            '\x7f' => shown.push('\u{2421}'),
            _ if is_harmful(character) => {
                // Writing to a string cannot fail.
                let _ = write!(shown, "<U+{:04X}>", character as u32);
            }
            _ => shown.push(character),
        }
    }
    Cow::Owned(shown)
}

fn is_harmful(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' => true,
        // Bidirectional marks, embeddings, overrides, isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Line and paragraph separator, deprecated format characters, interlinear annotation.
        '\u{2028}' | '\u{2029}' | '\u{206a}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' => true,
        // Tags: a whole invisible ASCII.
        '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_not_obeyed() {
        let rows = [
            ("plain\ttext\n", "plain\ttext\n"),
            ("héllo 👩\u{200d}🔬 العربية", "héllo 👩\u{200d}🔬 العربية"),
            ("\x1b[2J\x1b]0;title\x07", "␛[2J␛]0;title␇"),
            ("over\rwrite\x08\x7f", "over␍write␈␡"),
            ("\u{9b}31m\u{85}", "<U+009B>31m<U+0085>"),
            ("a\u{202e}b\u{2066}c\u{200f}", "a<U+202E>b<U+2066>c<U+200F>"),
            ("\u{e0041}\u{e007f}", "<U+E0041><U+E007F>"),
            ("\u{2028}\u{fffa}\0", "<U+2028><U+FFFA>␀"),
        ];
        for (text, shown) in rows {
            assert_eq!(sanitise(text), shown);
        }
    }
}
