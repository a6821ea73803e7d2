//! A crate depends only on lower floors, and only where the picture in ARCHITECTURE.md has an edge.

use super::Finding;
use super::metadata::Workspace;

/// `(crate, floor, what it may depend on)`, lowest floor first.
const FLOORS: &[(&str, u8, &[&str])] = &[
    ("quant", 0, &[]),
    ("tokenizer", 0, &[]),
    ("db", 0, &[]),
    ("testkit", 0, &[]),
    ("kernels", 1, &["quant"]),
    ("checkpoint", 1, &["quant"]),
    ("prompt", 1, &["tokenizer"]),
    ("grammar", 1, &["tokenizer"]),
    ("sampling", 1, &["tokenizer"]),
    ("sched", 1, &["tokenizer"]),
    ("ledger", 1, &[]),
    ("compute", 2, &["kernels", "quant"]),
    ("hub", 2, &["checkpoint"]),
    ("model", 3, &["compute", "checkpoint", "sched", "quant"]),
    ("engine", 4, &["model", "compute", "checkpoint", "sched", "sampling", "grammar", "prompt", "tokenizer", "quant"]),
    ("rag", 5, &["engine", "db"]),
    ("server", 6, &["engine", "hub", "db", "ledger", "rag"]),
    (
        "tramontane",
        7,
        &[
            "engine",
            "server",
            "rag",
            "hub",
            "db",
            "ledger",
            "checkpoint",
            "compute",
            "kernels",
            "sampling",
            "tokenizer",
            "quant",
        ],
    ),
    ("xtask", 8, &[]),
];

/// Test data, for the tests of every crate.
const FOR_TESTS: &str = "testkit";

/// Compares every edge between our own packages with [`FLOORS`].
pub(super) fn check(workspace: &Workspace, findings: &mut Vec<Finding>) {
    for package in &workspace.packages {
        let mut report = |message: String| findings.push(Finding::new(&package.manifest, 1, message));
        let Some((name, floor, allowed)) = FLOORS.iter().find(|(name, ..)| *name == package.name) else {
            report(format!("`{}` stands on no floor: give it one in xtask/src/tidy/floors.rs", package.name));
            continue;
        };
        for (edge, for_tests) in &package.edges {
            let lower = floor_of(edge).is_some_and(|other| other < *floor);
            if *for_tests && (edge == FOR_TESTS || lower) {
                continue;
            }
            if !lower {
                report(format!("`{name}` depends on `{edge}`, which is not on a lower floor"));
            } else if !allowed.contains(&edge.as_str()) {
                report(format!("`{name}` depends on `{edge}`: the picture in ARCHITECTURE.md has no such edge"));
            }
        }
    }
}

fn floor_of(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(other, ..)| *other == name).map(|(_, floor, _)| *floor)
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::*;

    #[test]
    fn edges_go_down_only() {
        let rows = [
            ("model", "compute", false, ""),
            ("model", "kernels", false, "`model` depends on `kernels`: the picture"),
            ("model", "kernels", true, ""),
            ("quant", "tokenizer", false, "`quant` depends on `tokenizer`, which is not"),
            ("quant", "testkit", true, ""),
            ("quant", "testkit", false, "`quant` depends on `testkit`, which is not"),
            ("cellar", "quant", false, "`cellar` stands on no floor"),
        ];
        for (name, edge, for_tests, expected) in rows {
            let edges = vec![(edge.to_owned(), for_tests)];
            let package = Package { name: name.to_owned(), manifest: String::new(), crate_roots: vec![], edges };
            let mut findings = Vec::new();
            check(&Workspace { packages: vec![package] }, &mut findings);
            let found = findings.first().map_or("", |f| f.message.as_str());
            assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{name} {edge}: {found}");
        }
    }

    #[test]
    fn the_table_goes_down_only() {
        for (name, floor, allowed) in FLOORS {
            assert!(allowed.iter().all(|edge| floor_of(edge) < Some(*floor)), "{name}");
        }
    }
}
