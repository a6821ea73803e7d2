//! `completions`: for the shell.

use std::io::{Write, stdout};

use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;

/// Print a completion script for a shell
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  tramontane completions bash > ~/.local/share/bash-completion/completions/tramontane")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// # Errors
/// Standard output is closed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    // Written at once: the generator panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tramontane", &mut script);
    stdout().write_all(&script)?;
    Ok(())
}
