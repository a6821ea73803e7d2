//! Other people's packages: licences, doubles, and who may open connections, as `deny.toml` says.
//!
//! The same file serves cargo-deny for those who have it; this reads the part that needs no download.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::Finding;
use super::metadata::Resolved;

const RULES: &str = "deny.toml";

/// Compares the packages with the rules in `deny.toml`.
pub(super) fn check(root: &Path, packages: &[Resolved], findings: &mut Vec<Finding>) -> Result<()> {
    let text = std::fs::read_to_string(root.join(RULES)).context(RULES)?;
    let rules: Table = text.parse().context(RULES)?;
    let rows = |section: &str, key: &str| {
        let list = rules.get(section).and_then(|s| s.get(key)).and_then(Value::as_array);
        list.cloned().unwrap_or_default()
    };
    let allowed: Vec<Value> = rows("licenses", "allow");
    let allowed: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
    check_licences(packages, &allowed, findings);
    check_doubles(packages, &rows("bans", "skip"), findings);
    check_bans(packages, &rows("bans", "deny"), findings);
    Ok(())
}

fn check_licences(packages: &[Resolved], allowed: &[&str], findings: &mut Vec<Finding>) {
    for package in packages.iter().filter(|p| !p.ours && !licence_allows(&p.licence, allowed)) {
        let Resolved { name, version, licence, .. } = package;
        let message = format!("{name} {version} is licensed \"{licence}\", which the allow list does not cover");
        findings.push(Finding::new(RULES, 1, message));
    }
}

fn check_doubles(packages: &[Resolved], skipped: &[Value], findings: &mut Vec<Finding>) {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages.iter().filter(|p| !is_skipped(p, skipped)) {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        findings.push(Finding::new("Cargo.lock", 1, format!("{name} is compiled in versions {}", versions.join(", "))));
    }
}

/// Entries are `{ crate = "name" }` or `{ crate = "name@version" }`.
fn is_skipped(package: &Resolved, skipped: &[Value]) -> bool {
    let named = |entry: &str| entry == package.name || entry == format!("{}@{}", package.name, package.version);
    skipped.iter().filter_map(|entry| entry.get("crate")?.as_str()).any(named)
}

/// Entries are `{ crate = "name", wrappers = ["who may depend on it"] }`.
fn check_bans(packages: &[Resolved], denied: &[Value], findings: &mut Vec<Finding>) {
    for entry in denied {
        let Some(banned) = entry.get("crate").and_then(Value::as_str) else { continue };
        let wrappers = entry.get("wrappers").and_then(Value::as_array).cloned().unwrap_or_default();
        let may = |p: &Resolved| wrappers.iter().any(|w| w.as_str() == Some(&p.name));
        for package in packages.iter().filter(|p| p.dependencies.iter().any(|d| d == banned) && !may(p)) {
            let message = format!("{} depends on {banned}, which only these may: {wrappers:?}", package.name);
            findings.push(Finding::new(RULES, 1, message));
        }
    }
}

/// Whether an SPDX expression can be met with the allowed licences alone. The old `A/B` means `A OR B`.
fn licence_allows(expression: &str, allowed: &[&str]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "+WITH+");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = both(rest, allowed);
    while let [word, tail @ ..] = *rest
        && *word == "OR"
    {
        *rest = tail;
        met |= both(rest, allowed);
    }
    met
}

fn both(rest: &mut &[&str], allowed: &[&str]) -> bool {
    let mut met = one(rest, allowed);
    while let [word, tail @ ..] = *rest
        && *word == "AND"
    {
        *rest = tail;
        met &= one(rest, allowed);
    }
    met
}

fn one(rest: &mut &[&str], allowed: &[&str]) -> bool {
    let Some((word, tail)) = rest.split_first() else { return false };
    *rest = tail;
    if *word != "(" {
        return allowed.contains(&word.replace("+WITH+", " WITH ").as_str());
    }
    let met = either(rest, allowed);
    let closed = rest.first() == Some(&")");
    *rest = rest.get(1..).unwrap_or_default();
    met && closed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licence_expressions() {
        let rows = [
            ("MIT", true),
            ("GPL-3.0-only", false),
            ("", false),
            ("GPL-3.0-only OR MIT", true),
            ("MIT/Apache-2.0", true),
            ("(GPL-2.0 OR MIT) AND Zlib", true),
            ("MIT AND GPL-2.0", false),
            ("MIT OR Apache-2.0 AND GPL-2.0", true),
            ("Apache-2.0 WITH LLVM-exception", false),
            ("(MIT", false),
        ];
        for (expression, expected) in rows {
            assert_eq!(licence_allows(expression, &["MIT", "Apache-2.0", "Zlib"]), expected, "{expression}");
        }
    }

    #[test]
    fn doubles_and_bans() {
        let package = |name: &str, version: &str, dependencies: &[&str]| Resolved {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: String::new(),
            ours: false,
            dependencies: dependencies.iter().map(|&d| d.to_owned()).collect(),
        };
        let packages =
            [package("a", "1.0.0", &[]), package("a", "2.0.0", &["client"]), package("hub", "1.0.0", &["client"])];
        let rules: Table =
            "skip = [{ crate = 'a@1.0.0' }]\ndeny = [{ crate = 'client', wrappers = ['hub'] }]".parse().unwrap();
        let rows = |key: &str| rules[key].as_array().unwrap().clone();
        let found = |check: &dyn Fn(&mut Vec<Finding>)| {
            let mut findings = Vec::new();
            check(&mut findings);
            findings.into_iter().map(|f| f.message).collect::<Vec<_>>()
        };
        assert_eq!(found(&|f| check_doubles(&packages, &[], f)), ["a is compiled in versions 1.0.0, 2.0.0"]);
        assert!(found(&|f| check_doubles(&packages, &rows("skip"), f)).is_empty());
        let bans = found(&|f| check_bans(&packages, &rows("deny"), f));
        assert!(bans.len() == 1 && bans[0].starts_with("a depends on client"), "{bans:?}");
    }
}
