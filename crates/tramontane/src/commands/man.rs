//! `man`: the manual pages.

use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args as ClapArgs, Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::exit::Usage;

/// Print a manual page
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane man run | man -l -
  tramontane man --all ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// The command whose page is wanted [default: the page of tramontane itself]
    command: Option<String>,
    /// Write the pages of all commands into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    all: Option<PathBuf>,
}

/// # Errors
/// There is no such command, or the pages cannot be written.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let mut top = Cli::command();
    top.build();
    match (&args.all, &args.command) {
        (Some(folder), _) => write_all(&top, folder),
        (None, None) => Ok(stdout().write_all(&page(&top)?)?),
        (None, Some(name)) => {
            let command = top.find_subcommand(name);
            let command = command.ok_or_else(|| Usage::error(format!("tramontane has no command {name}")))?;
            Ok(stdout().write_all(&page(command)?)?)
        }
    }
}

fn write_all(top: &Command, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for command in std::iter::once(top).chain(top.get_subcommands()) {
        let path = folder.join(format!("{}.1", page_name(command)));
        fs::write(&path, page(command)?).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let mut text = Vec::new();
    Man::new(command.clone()).title(page_name(command)).render(&mut text)?;
    Ok(text)
}

/// `tramontane`, `tramontane-run`.
fn page_name(command: &Command) -> String {
    command.get_display_name().unwrap_or(command.get_name()).to_owned()
}
