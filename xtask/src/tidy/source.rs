//! Just enough Rust: code without its comments and strings, and where functions begin and end.

/// The lines of `text` with comments, and the insides of strings and character literals, turned into spaces.
pub(super) fn code_lines(text: &str) -> Vec<String> {
    let mut rest = text;
    let mut code = String::with_capacity(text.len());
    while let Some(first) = rest.chars().next() {
        let after_word = code.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let blank = comment(rest).or_else(|| literal(rest, after_word)).unwrap_or(0);
        if blank > 0 {
            code.extend(rest[..blank].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[blank..];
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    code.lines().map(str::to_owned).collect()
}

/// Length of the comment that `rest` begins with.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        let step = if tail.starts_with(b"/*") || tail.starts_with(b"*/") { 2 } else { 1 };
        if step == 2 {
            depth += if tail[0] == b'/' { 1 } else { -1 };
        }
        at += step;
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// Length of the string or character literal that `rest` begins with, its prefix included. A lifetime is none.
fn literal(rest: &str, after_word: bool) -> Option<usize> {
    let prefix = if after_word { 0 } else { rest.find(|c| !matches!(c, 'b' | 'r' | 'c')).filter(|&n| n <= 2)? };
    let body = &rest[prefix..];
    let hashes = body.find(|c| c != '#')?;
    if rest[..prefix].contains('r') && body[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let inside = prefix + hashes + 1;
        return Some(rest[inside..].find(&end).map_or(rest.len(), |n| inside + n + end.len()));
    }
    let quote = body.chars().next().filter(|&c| c == '"' || c == '\'')?;
    if quote == '\'' && !body[1..].starts_with('\\') && body.chars().nth(2) != Some('\'') {
        return None;
    }
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(prefix + at + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// A function with a body; lines count from 0.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) first_line: usize,
    pub(super) last_line: usize,
}

/// All functions in lines from [`code_lines`], nested ones too.
pub(super) fn functions(code: &[String]) -> Vec<Function> {
    let mut found = Vec::new();
    for (line, text) in code.iter().enumerate() {
        for (column, name) in declared(text, "fn") {
            if let Some(last_line) = body_end(code, line, column) {
                found.push(Function { name: name.to_owned(), first_line: line, last_line });
            }
        }
    }
    found
}

/// First and last lines of the blocks that implement a trait, where names are the trait's choice.
pub(super) fn trait_impls(code: &[String]) -> Vec<(usize, usize)> {
    let starts = (0..code.len()).filter(|&line| code[line].trim_start().starts_with("impl"));
    let blocks = starts.filter_map(|line| Some((line, body_end(code, line, 0)?)));
    let header = |line: usize, last: usize| {
        let text = code[line..=last].join(" ");
        text[..text.find('{').unwrap_or(text.len())].to_owned()
    };
    blocks.filter(|&(line, last)| header(line, last).contains(" for ")).collect()
}

/// Names that follow the keyword in a line of code, with the column after the name.
pub(super) fn declared<'t>(text: &'t str, keyword: &str) -> Vec<(usize, &'t str)> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, _) in text.match_indices(keyword) {
        let after = &text[at + keyword.len()..];
        let name = after.trim_start();
        let length = name.find(|c| !is_word(c)).unwrap_or(name.len());
        if !text[..at].ends_with(is_word) && after.starts_with(' ') && length > 0 {
            names.push((text.len() - name.len() + length, &name[..length]));
        }
    }
    names
}

/// Line of the brace that closes the body which begins somewhere after this place; `None` for a declaration alone.
fn body_end(code: &[String], line: usize, column: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0, 0);
    for (number, text) in code.iter().enumerate().skip(line) {
        let start = if number == line { column } else { 0 };
        for c in text[start..].chars() {
            match c {
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                ';' if braces == 0 && brackets == 0 => return None,
                '{' => braces += 1,
                '}' => {
                    braces -= 1;
                    if braces == 0 && brackets == 0 {
                        return Some(number);
                    }
                }
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let rows = [
            ("a // b", "a"),
            ("a /* b /* c */ d */ e", "a                   e"),
            ("x(\"a \\\" b\", 'c', '\\'', b'd')", "x(        ,    ,     ,     )"),
            ("r#\"a\"b\"# c", "         c"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("for_b\"x\"", "for_b"),
            ("crate::bar", "crate::bar"),
            ("'é' + \"ü\"", "    +"),
        ];
        for (text, expected) in rows {
            assert_eq!(code_lines(text)[0].trim_end(), expected, "{text}");
        }
        assert_eq!(code_lines("a \"b\nc\" d").len(), 2);
    }

    #[test]
    fn functions_end_where_their_braces_do() {
        let text = "trait T { fn no(x: [u8; 4]); }\npub(crate) async fn yes<F: Fn()>(f: F) -> [u8; 2]\nwhere F: X {\n  if a { b }\n  fn inner() {}\n}";
        let spans: Vec<_> =
            functions(&code_lines(text)).into_iter().map(|f| (f.name, f.first_line, f.last_line)).collect();
        assert_eq!(spans, [("yes".to_owned(), 1, 5), ("inner".to_owned(), 4, 4)]);
    }
}
