//! The command line. A command is a file in `commands/`; what several share stands beside this file.
//!
//! Data goes to standard output, messages to standard error; exit codes are 0 done, 1 failed, 2 wrong usage.
#![forbid(unsafe_code)]

mod brise;
mod ceilings;
mod cli;
mod commands;
mod constraint;
mod disk;
mod exit;
mod flags;
mod folders;
mod generation;
mod interrupt;
mod loading;
mod machine;
mod model_source;
mod origin;
mod progress;
mod settings;
mod store;
mod terminal;

fn main() -> std::process::ExitCode {
    let cli = cli::Cli::read();
    match commands::run(cli.command) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
