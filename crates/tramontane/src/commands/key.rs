//! `key`: who may use `serve`.

use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args as ClapArgs, Subcommand};
use serde_json::json;
use server::{KeyFile, KeyLimits};

use crate::{commands, folders, terminal};

/// Say who may use `serve`, and how much
///
/// A key is shown once, when it is made; what is kept is its hash, in keys.toml in the configuration folder.
/// Running servers take changes over within a second.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane key add alice
  tramontane key add build-server --requests-per-minute 60 --tokens-per-minute 100000 --streams 4
  tramontane key list --json
  tramontane key revoke alice")]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it, once
    #[command(after_help = "Example:\n  tramontane key add alice --streams 4")]
    Add {
        /// Whose it is: letters, digits, dots, hyphens, underscores
        name: String,
        /// Most requests in a minute [default: no limit]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        requests_per_minute: Option<u32>,
        /// Most tokens of prompts and answers in a minute [default: no limit]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        tokens_per_minute: Option<u32>,
        /// Most answers at the same time [default: no limit]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        streams: Option<u32>,
    },
    /// Show the keys, without their secrets
    #[command(after_help = "Example:\n  tramontane key list --json")]
    List {
        /// Print a JSON array: name, created, requests_per_minute, tokens_per_minute, streams
        #[arg(long)]
        json: bool,
    },
    /// Make a key worthless
    #[command(after_help = "Example:\n  tramontane key revoke alice")]
    Revoke {
        /// Whose
        name: String,
    },
}

/// # Errors
/// There is no such key, or one already, or the file cannot be read or written.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let file = KeyFile::at(&path()?);
    match &args.action {
        Action::Add { name, requests_per_minute, tokens_per_minute, streams } => {
            let (requests_per_minute, tokens_per_minute) = (*requests_per_minute, *tokens_per_minute);
            let limits = KeyLimits { requests_per_minute, tokens_per_minute, streams: *streams };
            let key = file.add(name, limits)?;
            // A key that nobody has seen is of no use, and would only keep the name.
            if let Err(cause) = writeln!(stdout(), "{key}").and_then(|()| stdout().flush()) {
                file.revoke(name)?;
                // Not as a closed pipe: that counts as success, and there is no key.
                bail!("the key could not be shown ({cause}), so it was revoked: make it again");
            }
            terminal::note("this is the only time that the key is shown");
        }
        Action::List { json } => list(&file, *json)?,
        Action::Revoke { name } => {
            file.revoke(name)?;
            terminal::note(&format!("{name} is revoked"));
        }
    }
    Ok(())
}

/// Where the keys are.
///
/// # Errors
/// This machine has no configuration folder.
pub(crate) fn path() -> anyhow::Result<PathBuf> {
    let folder = folders::configuration().context("there is no configuration folder for keys.toml: set HOME")?;
    Ok(folder.join("keys.toml"))
}

fn list(file: &KeyFile, as_json: bool) -> anyhow::Result<()> {
    let keys = file.keys()?;
    if as_json {
        let rows = keys.iter().map(|key| {
            json!({
                "name": key.name,
                "created": key.created,
                "requests_per_minute": key.limits.requests_per_minute,
                "tokens_per_minute": key.limits.tokens_per_minute,
                "streams": key.limits.streams,
            })
        });
        return commands::print_json(&rows.collect::<Vec<_>>());
    }
    if keys.is_empty() {
        terminal::note("there are no keys: `tramontane key add NAME` makes one");
    }
    let mut out = stdout().lock();
    for key in keys {
        let limits = [
            (key.limits.requests_per_minute, "requests a minute"),
            (key.limits.tokens_per_minute, "tokens a minute"),
            (key.limits.streams, "answers at once"),
        ];
        let limits: Vec<_> = limits.iter().filter_map(|(most, of)| Some(format!("{} {of}", (*most)?))).collect();
        writeln!(out, "{}  {}", key.name, if limits.is_empty() { "no limits".to_owned() } else { limits.join(", ") })?;
    }
    Ok(())
}
