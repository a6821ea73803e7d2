//! The house rules, each a function from the tree to what is wrong with it.
//!
//! A rule never stops at its first finding. `source` knows just enough Rust to tell code from comments and strings;
//! `code`, `floors`, `dependencies` and `documents` hold the rules.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;

mod code;
mod dependencies;
mod documents;
mod floors;
mod metadata;
mod source;
mod tree;

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Everything in the tree that breaks a rule, in the order of files and lines.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let files = tree::files(root)?;
    let workspace = metadata::workspace(root)?;
    let mut findings = Vec::new();
    for file in &files {
        if file.path.ends_with(".rs") {
            code::check(file, &mut findings);
        }
        documents::check(root, file, &mut findings);
    }
    code::check_forbids_unsafe(&files, &workspace, &mut findings);
    documents::check_changelog(&files, &mut findings);
    floors::check(&workspace, &mut findings);
    dependencies::check(root, &metadata::resolved(root)?, &mut findings)?;
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let findings = super::check(&super::root()).unwrap();
        let lines: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{} places are not tidy:\n{}", lines.len(), lines.join("\n"));
    }
}
