//! The definitions that parsing, help, completions and manual pages all come from.

use std::env;

use clap::{Arg, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    bench, bundle, chat, completions, doctor, key, list, man, pull, quantize, rm, run, score, serve, show, tokenize,
    verify,
};

/// Open-weight Mistral models on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "tramontane",
    version,
    about,
    after_help = "\
MODEL is a .gguf file, a folder with safetensors files, a name that `tramontane list` shows, or brise, the small model
inside the program.
A flag beats its environment variable (--top-p: TRAMONTANE_TOP_P), which beats config.toml (top_p = 0.9).
`tramontane doctor` says where config.toml is.

Examples:
  tramontane chat
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
    Serve(Box<serve::Args>),
    Key(key::Args),
    Pull(pull::Args),
    List(list::Args),
    Show(show::Args),
    Verify(verify::Args),
    Rm(rm::Args),
    Bundle(bundle::Args),
    Tokenize(tokenize::Args),
    Score(score::Args),
    Bench(bench::Args),
    Quantize(quantize::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// What the command line and the environment say; on wrong usage, help and version the program ends here.
    ///
    /// A variable that is empty is a variable that is not set.
    pub(crate) fn read() -> Self {
        let mut definitions = Self::command();
        let names: Vec<_> = definitions.get_subcommands().map(|command| command.get_name().to_owned()).collect();
        for name in names {
            definitions = definitions.mut_subcommand(name, |command| command.mut_args(without_empty_variable));
        }
        let parsed = Self::from_arg_matches(&definitions.clone().get_matches());
        parsed.unwrap_or_else(|error| error.format(&mut definitions).exit())
    }
}

fn without_empty_variable(flag: Arg) -> Arg {
    let is_empty = flag.get_env().is_some_and(|name| env::var_os(name).is_some_and(|value| value.is_empty()));
    // There is no variable without a name.
    if is_empty { flag.env("") } else { flag }
}
