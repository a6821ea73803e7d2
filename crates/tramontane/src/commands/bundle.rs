//! `bundle`: models, manifests, hashes and the program in one file, for machines without a network.

use std::env::{self, consts};
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args as ClapArgs, Subcommand};
use hub::{Bundle, Contents, Folders, Header, Manifest};
use serde_json::{Value, json};

use crate::exit::Usage;
use crate::progress::Bytes;
use crate::settings::Settings;
use crate::terminal::{bold, for_stdout};
use crate::{commands, machine, store, terminal};

/// Carry models to machines without a network
///
/// A bundle is one file: models, where they are from, their hashes, and this program. Nothing in it has a path; every byte is
/// hashed before a file gets its name.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane bundle create ministral-3:3b -o ministral.bundle
  tramontane bundle verify ministral.bundle
  tramontane bundle add ministral.bundle")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Create(Create),
    Verify(Verify),
    Add(Add),
}

/// Write a bundle of models that are on this machine, whoever fetched them
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  tramontane bundle create ministral-3:3b nemo -o models.bundle")]
struct Create {
    /// Names that `list` shows, .gguf files or folders
    #[arg(required = true, value_name = "MODEL")]
    models: Vec<String>,
    /// The bundle to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Leave this program out
    #[arg(long)]
    no_program: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Hash everything in a bundle, and say what it holds
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  tramontane bundle verify models.bundle --json")]
struct Verify {
    /// The bundle
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Put the models of a bundle into the store, as `pull` would
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane bundle add models.bundle
  tramontane bundle add models.bundle ministral-3:3b --program ~/bin/tramontane")]
struct Add {
    /// The bundle
    file: PathBuf,
    /// Which of its models [default: all]
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Also write the program that is in it to this file
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// # Errors
/// A model is not there or damaged, a bundle is not whole, or the disk is full.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    match &args.command {
        Command::Create(args) => create(args, settings),
        Command::Verify(args) => verify(args),
        Command::Add(args) => add(args),
    }
}

fn create(args: &Create, settings: &Settings) -> anyhow::Result<()> {
    let models = args.models.iter().map(|word| store::find(word, settings)).collect::<anyhow::Result<Vec<_>>>()?;
    let own = if args.no_program { None } else { Some(env::current_exe().context("the program's own file")?) };
    let target = format!("{}-{}", consts::ARCH, consts::OS);
    let version = env!("CARGO_PKG_VERSION");
    let contents = Contents {
        models: &models,
        program: own.as_deref().map(|path| (path, version, target.as_str())),
        made_by: concat!("tramontane ", env!("CARGO_PKG_VERSION")),
        now: store::now(),
    };
    let bytes = models.iter().map(|model| model.size_bytes()).sum::<u64>();
    // Once to hash, once to copy.
    let progress = Bytes::new("bundling", bytes.saturating_mul(2))?;
    let header = hub::create(&contents, &args.output, &|bytes| progress.add(bytes)).map_err(store::stopped)?;
    drop(progress);
    let bundle = Bundle::open(&args.output)?;
    if args.json {
        return commands::print_json(&as_json(&args.output, &bundle));
    }
    print(&args.output, &header)?;
    if let Some((start, length)) = bundle.program_start().zip(program_bytes(&header)) {
        terminal::message(&format!(
            "On the other machine, this gets the program out without it:\n  tail -c +{} {} | head -c {length} > tramontane && chmod +x tramontane",
            start.saturating_add(1),
            args.output.file_name().unwrap_or_default().to_string_lossy(),
        ));
    }
    Ok(())
}

fn verify(args: &Verify) -> anyhow::Result<()> {
    let mut bundle = Bundle::open(&args.file)?;
    let progress = Bytes::new("hashing", bundle.header().size_bytes())?;
    bundle.verify(&|bytes| progress.add(bytes)).map_err(store::stopped)?;
    drop(progress);
    if args.json { commands::print_json(&as_json(&args.file, &bundle)) } else { print(&args.file, bundle.header()) }
}

fn add(args: &Add) -> anyhow::Result<()> {
    let folders = Folders::from_environment(|name| env::var_os(name))?;
    let mut bundle = Bundle::open(&args.file)?;
    let named = |model: &Manifest| args.models.is_empty() || args.models.iter().any(|word| is_called(model, word));
    let models = &bundle.header().models;
    if let Some(word) = args.models.iter().find(|word| !models.iter().any(|model| is_called(model, word))) {
        let names: Vec<_> = models.iter().map(|model| model.name.to_string()).collect();
        return Err(Usage::error(format!("{word} is not in the bundle, which holds {}", names.join(", "))));
    }
    let bytes = models.iter().filter(|model| named(model)).map(Manifest::size_bytes).sum();
    // Told before anything is written.
    args.program.iter().try_for_each(|out| hub::check_program(&bundle, out).map(drop))?;
    let progress = Bytes::new("adding", bytes)?;
    let added = hub::add(&mut bundle, &folders, &named, store::now(), &|bytes| progress.add(bytes));
    let added = added.map_err(store::stopped)?;
    if let Some(out) = &args.program {
        let extracted = hub::extract_program(&mut bundle, out, &|bytes| progress.add(bytes)).map_err(store::stopped);
        let names = || added.iter().map(|model| model.manifest.name.to_string()).collect::<Vec<_>>().join(", ");
        extracted.with_context(|| format!("{} added, but not the program", names()))?;
    }
    drop(progress);
    if args.json {
        let models =
            added.iter().map(|model| json!({ "manifest": model.manifest, "written_bytes": model.written_bytes }));
        return commands::print_json(&json!({ "added": models.collect::<Vec<_>>(), "program": args.program }));
    }
    let mut out = stdout().lock();
    for model in &added {
        let told = match model.written_bytes {
            0 => "was here already".to_owned(),
            bytes => format!("{} written", machine::readable(bytes)),
        };
        writeln!(out, "{} {told}", for_stdout(&model.manifest.name.to_string()))?;
    }
    Ok(())
}

fn is_called(model: &Manifest, word: &str) -> bool {
    let names = [model.name.to_string(), model.repo.to_string()];
    names.iter().any(|name| name.eq_ignore_ascii_case(word))
}

fn program_bytes(header: &Header) -> Option<u64> {
    let program = header.program.as_ref()?;
    let member = header.members.iter().find(|member| member.sha256 == program.sha256)?;
    Some(member.size_bytes)
}

fn as_json(path: &Path, bundle: &Bundle) -> Value {
    let header = bundle.header();
    json!({
        "file": path,
        "made_by": header.made_by,
        "size_bytes": header.size_bytes(),
        "program": header.program,
        "program_start": bundle.program_start(),
        "models": header.models,
    })
}

fn print(path: &Path, header: &Header) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    let size = machine::readable(header.size_bytes());
    let head = format!("{}: {size}, every hash as it should be, by {}", path.display(), header.made_by);
    writeln!(out, "{}", bold(for_stdout(&head)))?;
    for model in &header.models {
        let files = model.files.len();
        let license = model.license.as_deref().unwrap_or("not given");
        let line = format!(
            "{}  {}, {files} file{}, licence {license}, from {} at {}",
            model.name,
            machine::readable(model.size_bytes()),
            if files == 1 { "" } else { "s" },
            model.repo,
            model.commit.short(),
        );
        writeln!(out, "{}", for_stdout(&line))?;
    }
    if let Some(program) = &header.program {
        let line = format!("tramontane {} for {}", program.version, program.target);
        writeln!(out, "{}", for_stdout(&line))?;
    }
    Ok(())
}
