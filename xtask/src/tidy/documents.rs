//! Rules for text: links lead somewhere, no path of a developer's machine, a changelog that says something.

use std::path::Path;

use super::Finding;
use super::tree::File;

/// Folders at the root of somebody's file system. A path into one of them works for nobody else.
const MACHINE_FOLDERS: [&str; 6] = ["home", "Users", "root", "work", "farm", "mnt"];

/// Applies every rule that looks at one file alone.
pub(super) fn check(root: &Path, file: &File, findings: &mut Vec<Finding>) {
    for (line, text) in file.text.lines().enumerate() {
        if let Some(path) = machine_path(text) {
            let message = format!("`{path}` is a path of one machine: name it relative to the repository");
            findings.push(Finding::new(&file.path, line + 1, message));
        }
    }
    if file.path.ends_with(".md") {
        check_links(root, file, findings);
    }
}

fn machine_path(text: &str) -> Option<&str> {
    MACHINE_FOLDERS.iter().find_map(|folder| {
        let needle = format!("/{folder}/");
        text.match_indices(&needle).find_map(|(at, _)| {
            let within_a_path = text[..at].ends_with(|c: char| c.is_alphanumeric() || ".~_-}>)$".contains(c));
            let path = text[at..].split(|c: char| c.is_whitespace() || "`'\")".contains(c)).next()?;
            (!within_a_path).then_some(path)
        })
    })
}

fn check_links(root: &Path, file: &File, findings: &mut Vec<Finding>) {
    let folder = Path::new(&file.path).parent().unwrap_or(Path::new(""));
    let mut fenced = false;
    for (line, text) in file.text.lines().enumerate() {
        fenced ^= text.trim_start().starts_with("```");
        for target in link_targets(text).filter(|target| !fenced && is_local(target)) {
            let path = target.split(['#', '?']).next().unwrap_or("");
            if !root.join(folder).join(path).exists() {
                findings.push(Finding::new(&file.path, line + 1, format!("the link to `{target}` leads nowhere")));
            }
        }
    }
}

/// What stands in the round brackets of `[text](target)`.
fn link_targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next())
}

fn is_local(target: &str) -> bool {
    !target.is_empty() && !target.starts_with('#') && !target.contains("://") && !target.starts_with("mailto:")
}

/// CHANGELOG.md has a version, and a line under it.
pub(super) fn check_changelog(files: &[File], findings: &mut Vec<Finding>) {
    const PATH: &str = "CHANGELOG.md";
    let text = files.iter().find(|file| file.path == PATH).map_or("", |file| file.text.as_str());
    let versions = text.split("\n## [").skip(1);
    if !versions.into_iter().any(|section| section.contains("\n- ")) {
        findings.push(Finding::new(PATH, 1, "names no version with a change: say what a user will notice"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_one_machine() {
        let rows = [
            (format!("see `/{}/me/x.md`", "home"), Some(format!("/{}/me/x.md", "home"))),
            (format!("/{}/me", "work"), Some(format!("/{}/me", "work"))),
            (format!("crates/{}/x and https://example.org/{}/x", "work", "home"), None),
            ("/usr/bin/env".to_owned(), None),
        ];
        for (text, expected) in rows {
            assert_eq!(machine_path(&text), expected.as_deref(), "{text}");
        }
    }

    #[test]
    fn links() {
        let text = "[a](src/main.rs#L1) [b](nowhere.md), [c](https://example.org) [d](#here)\n```\n[e](no.md)\n```\n";
        let file = File { path: "README.md".to_owned(), text: text.to_owned() };
        let mut findings = Vec::new();
        check_links(Path::new(env!("CARGO_MANIFEST_DIR")), &file, &mut findings);
        assert_eq!(findings, [Finding::new("README.md", 1, "the link to `nowhere.md` leads nowhere")]);
    }

    #[test]
    fn an_empty_changelog_is_found() {
        for (text, count) in [("# Changelog\n\n## [1.0]\n", 1), ("# Changelog\n\n## [1.0]\n\n- A thing.\n", 0)] {
            let mut findings = Vec::new();
            check_changelog(&[File { path: "CHANGELOG.md".to_owned(), text: text.to_owned() }], &mut findings);
            assert_eq!(findings.len(), count);
        }
    }
}
