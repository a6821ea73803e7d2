//! Rules for Rust files: documented modules, sizes, names, where `unsafe` and features may stand.

use super::Finding;
use super::metadata::Workspace;
use super::source::{Function, code_lines, declared, functions, trait_impls};
use super::tree::File;

const LONGEST_FUNCTION: usize = 70;
const LONGEST_FILE: usize = 800;
const FORBIDDEN_NAMES: [&str; 7] = ["util", "utils", "helper", "helpers", "common", "manager", "misc"];
const FORBIDDEN_PREFIXES: [&str; 2] = ["get_", "handle_"];

/// The crate that holds all unsafe code.
const UNSAFE_CRATE: &str = "kernels";

/// Applies every rule that looks at one file alone.
pub(super) fn check(file: &File, findings: &mut Vec<Finding>) {
    let lines: Vec<&str> = file.text.lines().collect();
    let code = code_lines(&file.text);
    let functions = functions(&code);
    let mut report = |line: usize, message: String| findings.push(Finding::new(&file.path, line + 1, message));
    check_module_docs(&lines, &mut report);
    check_sizes(&lines, &functions, &mut report);
    check_names(&file.path, &code, &mut report);
    check_features(&code, &functions, &mut report);
    if !file.path.starts_with(&format!("crates/{UNSAFE_CRATE}/")) {
        check_unsafe(&code, &mut report);
    }
}

type Report<'a> = &'a mut dyn FnMut(usize, String);

fn check_module_docs(lines: &[&str], report: Report<'_>) {
    let is_preamble = |l: &&&str| l.is_empty() || l.starts_with("//") || l.starts_with("#!");
    if !lines.iter().take_while(is_preamble).any(|l| l.starts_with("//!")) {
        report(0, "begins without `//!`: say what the module is for, what it keeps true, where to go next".to_owned());
    }
}

fn check_sizes(lines: &[&str], functions: &[Function], report: Report<'_>) {
    let excused = |above: &[&str]| above.iter().any(|l| l.trim_start().starts_with("// LONG: "));
    if lines.len() > LONGEST_FILE && !excused(&lines[..10]) {
        let count = lines.len();
        report(
            0,
            format!("{count} lines: split the file at {LONGEST_FILE}, or say `// LONG: reason` in its first lines"),
        );
    }
    for function in functions {
        let length = function.last_line - function.first_line + 1;
        if length > LONGEST_FUNCTION && !excused(attached(lines, function.first_line)) {
            let name = &function.name;
            report(
                function.first_line,
                format!(
                    "`{name}` is {length} lines long: split it at {LONGEST_FUNCTION}, or say `// LONG: reason` above"
                ),
            );
        }
    }
}

/// Comments and attributes that stand directly above a line.
fn attached<'a>(lines: &'a [&'a str], line: usize) -> &'a [&'a str] {
    let belongs = |l: &&&str| l.trim_start().starts_with("//") || l.trim_start().starts_with("#[");
    let count = lines[..line].iter().rev().take_while(belongs).count();
    &lines[line - count..line]
}

fn check_names(path: &str, code: &[String], report: Report<'_>) {
    let trait_impls = trait_impls(code);
    for part in path.split('/').map(|part| part.strip_suffix(".rs").unwrap_or(part)) {
        if let Some(word) = forbidden_word(part) {
            report(0, format!("`{word}` in a file's name says nothing: name what it holds"));
        }
    }
    for (line, text) in code.iter().enumerate() {
        let names = ["fn", "mod", "struct", "enum", "trait", "type", "const", "static"];
        for (_, name) in names.iter().flat_map(|keyword| declared(text, keyword)) {
            if let Some(word) = forbidden_word(name) {
                report(line, format!("`{word}` in `{name}` says nothing: name what it does"));
            }
        }
        if trait_impls.iter().any(|&(first, last)| first <= line && line <= last) {
            continue;
        }
        for (_, name) in declared(text, "fn") {
            if FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                report(line, format!("`{name}`: drop the `get_`, and say what a `handle_` does"));
            }
        }
    }
}

fn forbidden_word(name: &str) -> Option<&'static str> {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_uppercase() {
            words.push('_');
        }
        words.extend(c.to_lowercase());
    }
    words.split(['_', '-']).find_map(|word| FORBIDDEN_NAMES.into_iter().find(|&forbidden| forbidden == word))
}

fn check_features(code: &[String], functions: &[Function], report: Report<'_>) {
    for (line, text) in code.iter().enumerate() {
        let conditional =
            text.find("cfg").is_some_and(|at| text[at..].contains("feature") && !text.contains("target_feature"));
        if conditional && functions.iter().any(|f| f.first_line < line && line <= f.last_line) {
            report(
                line,
                "a Cargo feature inside a function: a feature adds a module or a crate, nothing else".to_owned(),
            );
        }
    }
}

fn check_unsafe(code: &[String], report: Report<'_>) {
    for (line, text) in code.iter().enumerate() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if text.split(|c| !is_word(c)).any(|word| word == "unsafe") {
            report(line, format!("`unsafe` outside crates/{UNSAFE_CRATE}: move it there, behind a safe function"));
        }
    }
}

/// Every crate root but that of [`UNSAFE_CRATE`] says `#![forbid(unsafe_code)]`.
pub(super) fn check_forbids_unsafe(files: &[File], workspace: &Workspace, findings: &mut Vec<Finding>) {
    for package in workspace.packages.iter().filter(|p| p.name != UNSAFE_CRATE) {
        for file in files.iter().filter(|file| package.crate_roots.contains(&file.path)) {
            if !code_lines(&file.text).iter().any(|l| l.replace(' ', "") == "#![forbid(unsafe_code)]") {
                findings.push(Finding::new(&file.path, 1, "a crate root without `#![forbid(unsafe_code)]`"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_its_case() {
        let long = "    x();\n".repeat(70);
        let rows = [
            ("crates/a/src/b.rs", "//! Fine.\nfn f() {}\n".to_owned(), ""),
            ("crates/a/src/b.rs", "use std;\n//! Late.\n".to_owned(), "1: begins without"),
            ("crates/a/src/b.rs", format!("//! Doc.\nfn f() {{\n{long}}}\n"), "2: `f` is 72 lines"),
            ("crates/a/src/b.rs", format!("//! Doc.\n/// Does.\n// LONG: table\n#[inline]\nfn f() {{\n{long}}}\n"), ""),
            ("crates/a/src/b.rs", format!("//! Doc.\n{}", "\n".repeat(800)), "1: 801 lines"),
            ("crates/a/src/str_utils.rs", "//! Doc.\n".to_owned(), "1: `utils` in a file's name"),
            ("crates/a/src/b.rs", "//! Doc.\nstruct PoolManager;\n".to_owned(), "2: `manager` in `PoolManager`"),
            ("crates/a/src/b.rs", "//! Doc.\nfn get_it() {}\n".to_owned(), "2: `get_it`"),
            ("crates/a/src/b.rs", "//! Doc.\nimpl<T> Map for X<T>\n{\n fn get_it() {}\n}\n".to_owned(), ""),
            ("crates/a/src/b.rs", "//! Doc.\n#[cfg(feature = \"x\")]\nmod x;\n".to_owned(), ""),
            (
                "crates/a/src/b.rs",
                "//! Doc.\nfn f() {\n if cfg!(feature = \"x\") {}\n}\n".to_owned(),
                "3: a Cargo feature",
            ),
            ("crates/a/src/b.rs", "//! Doc, unsafe.\n#![deny(unsafe_code)]\n".to_owned(), ""),
            ("crates/a/src/b.rs", "//! Doc.\nunsafe fn f() {}\n".to_owned(), "2: `unsafe` outside"),
            ("crates/kernels/src/b.rs", "//! Doc.\nunsafe fn f() {}\n".to_owned(), ""),
        ];
        for (path, text, expected) in rows {
            let mut findings = Vec::new();
            check(&File { path: path.to_owned(), text: text.clone() }, &mut findings);
            let found: Vec<_> = findings.iter().map(|f| format!("{}: {}", f.line, f.message)).collect();
            match expected {
                "" => assert!(found.is_empty(), "{found:?} in {text}"),
                _ => {
                    assert!(found.len() == 1 && found[0].starts_with(expected), "{found:?}, not {expected}, in {text}")
                }
            }
        }
    }
}
