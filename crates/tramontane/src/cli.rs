//! The definitions that parsing, help, completions and manual pages all come from.

use clap::{Parser, Subcommand};

use crate::commands::{bench, chat, completions, doctor, man, run, score, show, tokenize};

/// Open-weight Mistral models on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "tramontane",
    version,
    about,
    after_help = "\
MODEL is a .gguf file or a folder with safetensors files.
A flag beats its environment variable (--top-p: TRAMONTANE_TOP_P), which beats config.toml (top_p = 0.9).
`tramontane doctor` says where config.toml is.

Example:
  tramontane chat mistral-7b-instruct-v0.3.Q4_K_M.gguf",
    propagate_version = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Chat(chat::Args),
    Run(run::Args),
    Show(show::Args),
    Tokenize(tokenize::Args),
    Score(score::Args),
    Bench(bench::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
}
