//! `pull`: the only command that opens a connection.

use std::env;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use clap::Args as ClapArgs;
use clap::builder::RangedU64ValueParser;
use hub::{
    Endpoint, Error, Folders, KnownFile, ModelName, Plan, Progress, PullOptions, Pulled, Revision, Row, Stage,
    catalogue,
};
use indicatif::ProgressBar;
use serde_json::{Value, json};

use crate::exit::Usage;
use crate::progress::bar_at;
use crate::settings::Settings;
use crate::terminal::for_stdout;
use crate::{commands, interrupt, machine, store, terminal};

/// How often `--json` tells of progress.
const TOLD: Duration = Duration::from_secs(1);

/// Fetch a model from the hub, every byte checked
///
/// NAME is a short name (ministral-3:3b, mistral-small, nemo; `--names` lists them), or any repository: user/repo or
/// user/repo:Q4_K_M. Without a quantisation the memory of this machine decides. The files go into the Hugging Face cache,
/// where other programs find them too; what is there already is not fetched again. Stopped, it goes on where it was.
///
/// Honours HF_TOKEN, HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_HUB_OFFLINE, HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane pull ministral-3:3b
  tramontane pull bartowski/Mistral-Nemo-Instruct-2407-GGUF:q5_k_m --dry-run")]
pub(crate) struct Args {
    /// A short name, user/repo or user/repo:QUANT
    #[arg(required_unless_present = "names")]
    name: Option<String>,
    /// Another branch, tag or commit of the repository
    #[arg(long, value_name = "REVISION")]
    revision: Option<String>,
    /// Connections at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = RangedU64ValueParser::<usize>::new().range(1..=16))]
    connections: usize,
    /// Say what would be fetched and why, and fetch nothing
    #[arg(long)]
    dry_run: bool,
    /// Fetch it even if another program's store has the same bytes
    #[arg(long)]
    anyway: bool,
    /// List the short names
    #[arg(long, conflicts_with_all = ["name", "revision", "dry_run", "anyway"])]
    names: bool,
    /// Print JSON lines: the plan, progress, what is here
    #[arg(long)]
    json: bool,
}

/// # Errors
/// Nothing has that name, it cannot be fetched, or it was stopped: what came so far is kept.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let Some(word) = args.name.as_deref().filter(|_| !args.names) else { return names(args.json) };
    let name = ModelName::parse(word).map_err(|error| Usage::error(error.to_string()))?;
    let revision = args.revision.as_deref().map(Revision::parse).transpose();
    let revision = revision.map_err(|error| Usage::error(error.to_string()))?;
    let variable = |name: &str| env::var_os(name);
    let folders = Folders::from_environment(variable)?;
    let endpoint = Endpoint::from_environment(variable, &folders)?;
    if endpoint.is_offline() {
        return offline(&name, &folders, args.json);
    }
    let options = PullOptions {
        revision,
        free_memory_bytes: machine::available_bytes(),
        connections: args.connections,
        ..PullOptions::default()
    };
    let address = endpoint.address();
    let plan = Plan::of(&name, endpoint, options)?;
    tell(&plan, &address, args.json)?;
    if args.dry_run {
        return Ok(());
    }
    // From here on Ctrl-C keeps what is here.
    interrupt::install()?;
    let mut watcher = Watcher::new(args.json);
    if !args.anyway {
        let found = store::survey(settings);
        if let Some(model) = plan.elsewhere(&found, &mut |progress| watcher.watch(progress))? {
            watcher.finish();
            let place = format!("{} ({})", model.path.display(), model.place);
            let message = format!(
                "The same bytes are on this machine already, so nothing is fetched: {place}.\n\
                 Try: tramontane chat '{}'   (pull --anyway makes a copy of its own)",
                model.name
            );
            if !args.json {
                terminal::message(&message);
            }
            let told = json!({ "event": "done", "name": model.name, "path": model.path, "fetched_bytes": 0 });
            return print_path(&told, args.json);
        }
    }
    let pulled = plan.fetch(&folders, &mut |progress| watcher.watch(progress));
    let kept = watcher.finish();
    done(&pulled.map_err(|error| explained(error, word, kept))?, args.json)
}

/// The table of short names, with all that is known of each row before the hub is asked.
fn names(json: bool) -> anyhow::Result<()> {
    if json {
        return commands::print_json(&catalogue().iter().map(row_json).collect::<Vec<_>>());
    }
    let rows: Vec<_> = catalogue().iter().map(|row| (row.name.as_str(), known_file(row), pin(row), row)).collect();
    let name_width = rows.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let file_width = rows.iter().map(|(_, file, ..)| file.len()).max().unwrap_or(0);
    let mut out = stdout().lock();
    for (name, file, pin, row) in &rows {
        let (about, repo, license) = (&row.about, &row.repo, &row.license);
        writeln!(out, "{name:name_width$}  {file:file_width$}  {license}  {pin:12}  {about} ({repo})")?;
    }
    Ok(())
}

/// The first file that the table knows: others may be asked for all the same.
fn known_file(row: &Row) -> String {
    let Some(file) = row.files.first() else { return String::new() };
    let size = file.size_bytes.map_or_else(|| "size unknown".to_owned(), machine::readable);
    format!("{} {size}", file.quant)
}

/// Which state of the repository, as it is shown.
fn pin(row: &Row) -> String {
    row.revision.as_commit().map_or_else(|| row.revision.to_string(), |commit| commit.short().to_owned())
}

fn row_json(row: &Row) -> Value {
    let file = |file: &KnownFile| {
        let (quant, path, size_bytes, sha256) = (&file.quant, &file.path, file.size_bytes, file.sha256);
        json!({ "quant": quant, "path": path, "size_bytes": size_bytes, "sha256": sha256 })
    };
    json!({
        "name": row.name,
        "aliases": row.aliases,
        "about": row.about,
        "repo": row.repo,
        "revision": row.revision,
        "license": row.license,
        "files": row.files.iter().map(file).collect::<Vec<_>>(),
    })
}

fn offline(name: &ModelName, folders: &Folders, json: bool) -> anyhow::Result<()> {
    match hub::already_here(name, folders) {
        Some(pulled) => done(&pulled, json),
        None => Err(Error::Offline.into()),
    }
}

/// What will be fetched, and why that.
fn tell(plan: &Plan, address: &str, json: bool) -> anyhow::Result<()> {
    let quant = plan.quant().map_or_else(|| "safetensors".to_owned(), ToString::to_string);
    let files: Vec<_> =
        plan.files().map(|(path, size_bytes)| json!({ "path": path, "size_bytes": size_bytes })).collect();
    if json {
        return commands::print_json(&json!({
            "event": "plan",
            "name": plan.name(),
            "repo": plan.repo(),
            "revision": plan.commit(),
            "quant": plan.quant(),
            "why": plan.why(),
            "license": plan.license(),
            "size_bytes": plan.size_bytes(),
            "files": files,
            "from": address,
        }));
    }
    let files = match files.len() {
        1 => String::new(),
        count => format!(" in {count} files"),
    };
    terminal::message(&format!(
        "{}: {quant}, {}{files}, licence {}\nfrom {address}/{} at {}\nwhy {quant}: {}",
        plan.name(),
        machine::readable(plan.size_bytes()),
        plan.license().unwrap_or("not given"),
        plan.repo(),
        plan.commit().short(),
        plan.why(),
    ));
    Ok(())
}

fn done(pulled: &Pulled, json: bool) -> anyhow::Result<()> {
    let manifest = &pulled.manifest;
    let what = match pulled.fetched_bytes {
        0 => "was here already".to_owned(),
        bytes => format!("is here: {} fetched and verified", machine::readable(bytes)),
    };
    if !json {
        terminal::message(&format!("{} {what}.\nTry: tramontane chat {}", manifest.name, manifest.name));
    }
    let told = json!({
        "event": "done",
        "name": manifest.name,
        "path": pulled.path,
        "manifest": pulled.manifest_path,
        "fetched_bytes": pulled.fetched_bytes,
        "files": manifest.files,
    });
    print_path(&told, json)
}

/// Where the model is, as data.
fn print_path(told: &Value, json: bool) -> anyhow::Result<()> {
    if json {
        return commands::print_json(told);
    }
    writeln!(stdout(), "{}", for_stdout(told["path"].as_str().unwrap_or_default()))?;
    Ok(())
}

/// The error, and how to go on where something is kept.
fn explained(error: Error, word: &str, kept: bool) -> anyhow::Error {
    match error {
        Error::Interrupted { .. } => anyhow::anyhow!("{error}; `tramontane pull {word}` goes on from there"),
        Error::Unreachable { .. } if kept => {
            anyhow::anyhow!("{error}; what has come is kept, and `tramontane pull {word}` goes on from there")
        }
        error => error.into(),
    }
}

/// Shows progress: a bar on a terminal, JSON lines where they are wanted, else nothing.
struct Watcher {
    json: bool,
    watched: bool,
    bar: Option<(Stage, ProgressBar)>,
    told: Instant,
    has_fetched: bool,
}

impl Watcher {
    fn new(json: bool) -> Self {
        Self { json, watched: stderr().is_terminal() && !json, bar: None, told: Instant::now(), has_fetched: false }
    }

    fn watch(&mut self, progress: &Progress<'_>) -> ControlFlow<()> {
        self.has_fetched |= progress.stage == Stage::Fetching && progress.done_bytes > 0;
        if self.json && self.told.elapsed() >= TOLD {
            self.told = Instant::now();
            self.tell(progress);
        }
        if let Some(trouble) = progress.trouble.filter(|_| !self.json) {
            let note = || terminal::note(&format!("{trouble}; trying again"));
            match &self.bar {
                Some((_, bar)) => bar.suspend(note),
                None => note(),
            }
        }
        if self.watched {
            self.show(progress);
        }
        if interrupt::taken() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tell(&self, progress: &Progress<'_>) {
        let told = json!({
            "event": "progress",
            "stage": stage_name(progress.stage),
            "file": progress.file,
            "done_bytes": progress.done_bytes,
            "total_bytes": progress.total_bytes,
            "trouble": progress.trouble,
        });
        // Who does not listen any more still gets the file.
        let _ = commands::print_json(&told);
    }

    fn show(&mut self, progress: &Progress<'_>) {
        match &self.bar {
            Some((stage, bar)) if *stage == progress.stage => bar.set_position(progress.done_bytes),
            // The first look shows nothing: a rate takes two.
            _ => {
                self.clear();
                let rest = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
                let template = format!("{} {rest}", stage_name(progress.stage));
                self.bar = Some((progress.stage, bar_at(progress.done_bytes, progress.total_bytes, &template)));
            }
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    /// Whether something was fetched.
    fn finish(&mut self) -> bool {
        self.clear();
        self.has_fetched
    }
}

fn stage_name(stage: Stage) -> &'static str {
    match stage {
        Stage::Waiting => "waiting for another program that fetches the same file",
        Stage::Checking => "checking",
        _ => "fetching",
    }
}
