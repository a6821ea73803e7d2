//! `list`: which models are on this machine, whoever fetched them.

use std::io::{Write, stdout};

use clap::Args as ClapArgs;
use hub::{Facts, Found};
use serde_json::{Value, json};

use crate::model_source::ModelSource;
use crate::settings::Settings;
use crate::terminal::{bold, for_stdout};
use crate::{brise, commands, machine, store, terminal};

/// What a model needs beside its weights: the least that is kept for keys and values.
const BESIDE_WEIGHTS_BYTES: u64 = 256 << 20;

/// List the models on this machine, whoever fetched them
///
/// Looked for in the Hugging Face cache (HF_HOME), LM Studio's, Ollama's (OLLAMA_MODELS) and llama.cpp's (LLAMA_CACHE)
/// folders, and in those that `models_dirs` in config.toml names. Only the headers of the files are read.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane list
  tramontane list --paths
  tramontane list --json | jq -r '.[] | select(.fits == \"yes\") | .name'")]
pub(crate) struct Args {
    /// Show where each model lies instead of whose folder it is
    #[arg(long)]
    paths: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

/// # Errors
/// Standard output is closed.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let found = store::survey(settings);
    let facts = hub::facts(&found);
    let memory = Memory { total: machine::memory_bytes(), available: machine::available_bytes() };
    let mut rows = vec![built_in(&memory)?];
    rows.extend(found.iter().zip(&facts).map(|(model, facts)| row(model, facts, &memory)));
    if args.json {
        return commands::print_json(&rows);
    }
    print(&rows, if args.paths { "path" } else { "place" })?;
    if rows.len() == 1 {
        terminal::note("nothing else is here yet: tramontane pull ministral-3:3b fetches a larger model");
    }
    Ok(())
}

struct Memory {
    total: Option<u64>,
    available: Option<u64>,
}

impl Memory {
    /// `yes`; `tight`, where other programs would have to give memory back; `no`. `None` where the machine does not say.
    fn fits(&self, weights: u64) -> Option<&'static str> {
        let need = weights.saturating_add(BESIDE_WEIGHTS_BYTES);
        Some(match (self.available?, self.total?) {
            (available, _) if need <= available => "yes",
            (_, total) if need <= total => "tight",
            _ => "no",
        })
    }
}

fn built_in(memory: &Memory) -> anyhow::Result<Value> {
    let checkpoint = ModelSource::Embedded.open()?;
    let about = &checkpoint.about;
    Ok(json!({
        "name": brise::NAME,
        "aliases": [],
        "place": "built in",
        "path": null,
        "files": 1,
        "size_bytes": about.size_bytes,
        "quantization": about.file_type,
        "architecture": checkpoint.config.architecture,
        "parameters": about.parameters,
        "context_length": checkpoint.config.context_length,
        "license": about.license,
        "origin": null,
        "revision": null,
        "pulled": false,
        "fits": memory.fits(about.size_bytes),
        "problem": null,
    }))
}

fn row(model: &Found, facts: &Facts, memory: &Memory) -> Value {
    json!({
        "name": model.name,
        "aliases": model.aliases,
        "place": model.place.to_string(),
        "path": model.path,
        "files": model.files.len(),
        "size_bytes": model.size_bytes(),
        "quantization": facts.quantisation,
        "architecture": facts.architecture,
        "parameters": facts.parameters,
        "context_length": facts.context_length,
        "license": facts.license,
        "origin": model.origin,
        "revision": model.revision,
        "pulled": model.manifest.is_some(),
        "fits": memory.fits(model.size_bytes()),
        "problem": facts.problem,
    })
}

/// Models that can be run in columns, then the others with the reason. `last` is the field in the last column.
fn print(rows: &[Value], last: &str) -> anyhow::Result<()> {
    let (sound, broken): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| row["problem"].is_null());
    let head =
        ["NAME", "SIZE", "TYPE", "WEIGHTS", "CONTEXT", "LICENCE", "FITS", &last.to_uppercase()].map(str::to_owned);
    let table: Vec<[String; 8]> = sound.into_iter().map(|row| cells(row, last)).collect();
    let width = |column: usize| {
        let cells = table.iter().chain([&head]).map(|cells| cells[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; 8] = std::array::from_fn(width);
    let line = |cells: &[String; 8]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut out = stdout().lock();
    writeln!(out, "{}", bold(line(&head)))?;
    for cells in &table {
        writeln!(out, "{}", for_stdout(&line(cells)))?;
    }
    if !broken.is_empty() {
        writeln!(out, "\n{}", bold("Found, but not to be run:"))?;
    }
    for row in broken {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        let message = format!("{} ({}): {}", text("name"), text(last), text("problem"));
        writeln!(out, "{}", for_stdout(&message.replace('\n', " ")))?;
    }
    Ok(())
}

fn cells(row: &Value, last: &str) -> [String; 8] {
    let text = |key: &str| row[key].as_str().unwrap_or("–").replace(['\n', '\t'], " ");
    let number = |key: &str, show: fn(u64) -> String| row[key].as_u64().map_or_else(|| "–".to_owned(), show);
    [
        text("name"),
        number("size_bytes", machine::readable),
        text("quantization"),
        number("parameters", short_count),
        number("context_length", |tokens| tokens.to_string()),
        text("license").chars().take(20).collect(),
        text("fits"),
        // What is inside the program has no path.
        row[last].as_str().map_or_else(|| text("place"), |_| text(last)),
    ]
}

/// `7248023552` → `7.25 B`, as models are named.
fn short_count(parameters: u64) -> String {
    match parameters {
        0..1_000_000 => format!("{:.0} k", parameters as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", parameters as f64 / 1e6),
        _ => format!("{:.2} B", parameters as f64 / 1e9),
    }
}
