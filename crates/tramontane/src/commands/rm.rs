//! `rm`: gives back the room of a model that `pull` or `bundle add` brought.

use std::env;
use std::io::{IsTerminal, Write, stderr, stdin};

use clap::Args as ClapArgs;
use hub::{Folders, ModelName, Removal};
use serde_json::{Value, json};

use crate::exit::Usage;
use crate::settings::Settings;
use crate::{commands, machine, store, terminal};

/// Remove models that were pulled
///
/// Only what `pull` and `bundle add` brought: files that other programs fetched, or that another snapshot uses, stay. Of a
/// model whose download was cut, what has come goes. Asks before it does anything.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane rm ministral-3:3b
  tramontane rm ministral-3:3b --dry-run --json")]
pub(crate) struct Args {
    /// Names that `list` shows
    #[arg(required = true)]
    models: Vec<String>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Say what would be removed, and remove nothing
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// # Errors
/// A model is not there or not ours, nobody is there to be asked, or a file cannot be removed.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let mut done = Vec::new();
    for word in &args.models {
        // Looked at one after the other: two of them may share files.
        let removal = removal(word, settings)?;
        tell(&removal);
        let removed = !args.dry_run && (args.yes || agreed(&removal)?);
        if removed {
            removal.apply()?;
        }
        done.push(as_json(&removal, removed));
    }
    if args.json { commands::print_json(&done) } else { Ok(()) }
}

/// The model that was pulled; else what is there of one whose download was cut.
fn removal(word: &str, settings: &Settings) -> anyhow::Result<Removal> {
    match store::find(word, settings) {
        Ok(model) if model.manifest.is_some() => Ok(Removal::of(&model)?),
        // Other programs may have a whole one.
        Ok(model) => cut(word)?.map_or_else(|| Ok(Removal::of(&model)?), Ok),
        Err(several) if hub::is_known(word, &store::survey(settings)) => Err(several),
        Err(none) => cut(word)?.ok_or(none),
    }
}

fn cut(word: &str) -> anyhow::Result<Option<Removal>> {
    let Ok(name) = ModelName::parse(word) else { return Ok(None) };
    let folders = Folders::from_environment(|name| env::var_os(name))?;
    Ok(Removal::of_cut(&name, &folders)?)
}

fn tell(removal: &Removal) {
    let (name, size) = (&removal.name, machine::readable(removal.frees_bytes));
    terminal::message(&format!("{name}: frees {size} in {}", removal.folder.display()));
    for (file, why) in &removal.kept {
        terminal::message(&format!("  {file} stays: {why}"));
    }
}

fn agreed(removal: &Removal) -> anyhow::Result<bool> {
    if !stdin().is_terminal() || !stderr().is_terminal() {
        return Err(Usage::error("nobody is there to be asked: give --yes to remove it"));
    }
    // Asked on standard error: standard output is for data.
    write!(stderr(), "Remove {}? [y/N] ", terminal::sanitise(&removal.name))?;
    stderr().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    let agreed = ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str());
    if !agreed {
        terminal::message("Nothing was removed.");
    }
    Ok(agreed)
}

fn as_json(removal: &Removal, removed: bool) -> Value {
    let kept = removal.kept.iter().map(|(file, why)| json!({ "file": file, "why": why }));
    json!({
        "name": removal.name,
        "removed": removed,
        "frees_bytes": removal.frees_bytes,
        "folder": removal.folder,
        "blobs": removal.blobs,
        "kept": kept.collect::<Vec<_>>(),
    })
}
