//! Chores of the repository: `cargo xtask tidy` checks the house rules.
//!
//! The rules run as a test of this crate too, so that the one test command covers them. Start at [`tidy::check`].

#![forbid(unsafe_code)]

use std::process::ExitCode;

mod tidy;

const USAGE: &str = "usage: cargo xtask tidy    check the house rules of CONTRIBUTING.md on the whole tree";

fn main() -> ExitCode {
    match std::env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [command] if command == "tidy" => tidy(),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn tidy() -> ExitCode {
    match tidy::check(&tidy::root()) {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| eprintln!("{finding}"));
            eprintln!("{} places are not tidy", findings.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
