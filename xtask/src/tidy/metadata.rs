//! What `cargo metadata` says of our packages and of everybody else's.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Our own packages.
pub(super) struct Workspace {
    pub(super) packages: Vec<Package>,
}

/// One of our own packages.
pub(super) struct Package {
    pub(super) name: String,
    /// Path of its Cargo.toml, relative to the root.
    pub(super) manifest: String,
    /// Paths of its library and programs, relative to the root.
    pub(super) crate_roots: Vec<String>,
    /// Names of our own packages that it depends on, and whether for its tests only.
    pub(super) edges: Vec<(String, bool)>,
}

/// A package that is compiled on this machine, with those that it depends on.
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) version: String,
    /// SPDX expression; empty where the package states none.
    pub(super) licence: String,
    pub(super) ours: bool,
    /// Names of the packages that it depends on.
    pub(super) dependencies: Vec<String>,
}

/// Reads the workspace without asking for anybody else's package.
pub(super) fn workspace(root: &Path) -> Result<Workspace> {
    let json = cargo_metadata(root, &["--no-deps", "--offline"])?;
    let names: Vec<&str> = list(&json["packages"]).map(|p| text(&p["name"])).collect();
    let relative = |path: &Value| {
        let path = Path::new(text(path));
        path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    };
    let package = |p: &Value| Package {
        name: text(&p["name"]).to_owned(),
        manifest: relative(&p["manifest_path"]),
        crate_roots: list(&p["targets"])
            .filter(|t| list(&t["kind"]).any(|kind| kind == "lib" || kind == "bin"))
            .map(|t| relative(&t["src_path"]))
            .collect(),
        edges: list(&p["dependencies"])
            .filter(|d| names.contains(&text(&d["name"])) && d["path"].is_string())
            .map(|d| (text(&d["name"]).to_owned(), d["kind"] == "dev"))
            .collect(),
    };
    Ok(Workspace { packages: list(&json["packages"]).map(package).collect() })
}

/// Reads the whole graph as it is compiled here. Other platforms' packages need not even be on this machine.
pub(super) fn resolved(root: &Path) -> Result<Vec<Resolved>> {
    let json = cargo_metadata(root, &["--locked", "--filter-platform", &host()?])?;
    let ours: Vec<&Value> = list(&json["workspace_members"]).collect();
    let name_of = |id: &Value| list(&json["packages"]).find(|p| p["id"] == *id).map(|p| text(&p["name"]).to_owned());
    let dependencies_of = |id: &Value| {
        let node = list(&json["resolve"]["nodes"]).find(|node| node["id"] == *id);
        node.map(|node| list(&node["dependencies"]).filter_map(name_of).collect()).unwrap_or_default()
    };
    let package = |p: &Value| Resolved {
        name: text(&p["name"]).to_owned(),
        version: text(&p["version"]).to_owned(),
        licence: p["license"].as_str().unwrap_or("").to_owned(),
        ours: ours.contains(&&p["id"]),
        dependencies: dependencies_of(&p["id"]),
    };
    Ok(list(&json["packages"]).map(package).collect())
}

fn cargo_metadata(root: &Path, arguments: &[&str]) -> Result<Value> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    let output = command.args(["metadata", "--format-version", "1"]).args(arguments).current_dir(root).output()?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata printed no JSON")
}

fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("-vV").output().context("rustc does not run")?;
    let text = String::from_utf8(output.stdout)?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
