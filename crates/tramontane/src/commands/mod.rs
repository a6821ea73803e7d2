//! One file a command: its flags, and what it does.

pub(crate) mod bench;
pub(crate) mod bundle;
pub(crate) mod chat;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod key;
pub(crate) mod list;
pub(crate) mod man;
pub(crate) mod pull;
pub(crate) mod quantize;
pub(crate) mod rm;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod serve;
pub(crate) mod show;
pub(crate) mod tokenize;
pub(crate) mod verify;

use std::fs;
use std::io::{Read, Write, stdin, stdout};
use std::path::Path;

use anyhow::Context as _;
use serde::Serialize;

use crate::cli::Command;
use crate::exit::Usage;
use crate::settings;

/// The most text that is read from standard input or a file.
const INPUT_BYTES: u64 = 64 << 20;

/// Runs a command to its end.
///
/// # Errors
/// It failed: for people to read.
pub(crate) fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Chat(args) => chat::run(&args, &settings::read()?),
        Command::Run(args) => run::run(&args, &settings::read()?),
        Command::Serve(args) => serve::run(&args, &settings::read_from(args.config())?),
        Command::Key(args) => key::run(&args),
        Command::Pull(args) => pull::run(&args, &settings::read()?),
        Command::List(args) => list::run(&args, &settings::read()?),
        Command::Show(args) => show::run(&args, &settings::read()?),
        Command::Verify(args) => verify::run(&args, &settings::read()?),
        Command::Rm(args) => rm::run(&args, &settings::read()?),
        Command::Bundle(args) => bundle::run(&args, &settings::read()?),
        Command::Tokenize(args) => tokenize::run(&args, &settings::read()?),
        Command::Score(args) => score::run(&args, &settings::read()?),
        Command::Bench(args) => bench::run(&args, &settings::read()?),
        Command::Quantize(args) => quantize::run(&args, &settings::read()?),
        Command::Doctor(args) => doctor::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
    }
}

/// One JSON value and a line feed on standard output.
fn print_json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    serde_json::to_writer(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// As [`print_json`], for a reader that waits for this line.
fn print_json_line(value: &impl Serialize) -> anyhow::Result<()> {
    print_json(value)?;
    Ok(stdout().flush()?)
}

/// All of standard input.
fn read_stdin() -> anyhow::Result<String> {
    read_text(stdin().lock(), "standard input")
}

/// All of a file; `-` is standard input.
fn read_file(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        return read_stdin();
    }
    let name = input_name(path);
    read_text(fs::File::open(path).with_context(|| name.clone())?, &name)
}

/// What messages call the file that [`read_file`] reads.
fn input_name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

fn read_text(input: impl Read, name: &str) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    input.take(INPUT_BYTES + 1).read_to_end(&mut bytes).with_context(|| name.to_owned())?;
    if bytes.len() as u64 > INPUT_BYTES {
        return Err(Usage::error(format!("{name} is longer than {} MiB", INPUT_BYTES >> 20)));
    }
    String::from_utf8(bytes).map_err(|error| {
        let place = error.utf8_error().valid_up_to();
        anyhow::anyhow!("{name} is not UTF-8 text: the first wrong byte is at offset {place}")
    })
}
