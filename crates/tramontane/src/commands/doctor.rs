//! `doctor`: what the machine has, what is chosen, where files are, what leaves the machine.

use std::env;
use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use compute::{CpuBackend, CpuOptions, KvType};
use hub::{Endpoint, Folders};
use kernels::Isa;
use serde_json::{Value, json};

use crate::settings::Settings;
use crate::terminal::bold;
use crate::{brise, commands, exit, folders, machine, settings, store};

/// Say what this machine can do, and where things are
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  tramontane doctor --json")]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// # Errors
/// `TRAMONTANE_ISA` names what this processor lacks, or standard output is closed.
pub(crate) fn run(args: &Args) -> anyhow::Result<()> {
    let found = Findings::new()?;
    if args.json { commands::print_json(&found.json()) } else { found.print() }
}

struct Findings {
    processor: Option<String>,
    features: Vec<&'static str>,
    available: Vec<&'static str>,
    chosen: &'static str,
    threads: usize,
    /// With keys and values in f16, and in f32.
    numerics: [String; 2],
    memory_bytes: Option<u64>,
    available_bytes: Option<u64>,
    settings: Option<PathBuf>,
    /// What is wrong with the settings file, if anything.
    settings_problem: Option<String>,
    data: Option<PathBuf>,
    /// The only address that anything is asked of, and only by `pull`; or what is wrong with it.
    hub: String,
    /// Where models are looked for, whose folder it is, and whether it is there.
    model_folders: Vec<(String, PathBuf, bool)>,
}

impl Findings {
    fn new() -> anyhow::Result<Self> {
        let path = settings::path();
        let (settings, settings_problem) = match settings::read() {
            Ok(settings) => (settings, None),
            Err(error) => (Settings::default(), Some(exit::explain(&error))),
        };
        let model_folders = store::roots(&settings);
        let model_folders =
            model_folders.all().map(|(place, path)| (place.to_string(), path.to_owned(), path.is_dir()));
        let model_folders = model_folders.collect();
        let isa = settings.isa;
        let forced = env::var("TRAMONTANE_ISA").ok().filter(|name| !name.is_empty()).or(isa);
        // What a model would run on, threads and all.
        let backend = CpuBackend::new(CpuOptions { threads: None, isa: forced.as_deref() })?;
        Ok(Self {
            processor: machine::processor(),
            features: features(),
            available: Isa::available().into_iter().map(Isa::name).collect(),
            chosen: backend.isa_name(),
            threads: backend.num_threads(),
            numerics: [KvType::F16, KvType::F32].map(|kv_type| backend.numerics_id(kv_type).to_owned()),
            memory_bytes: machine::memory_bytes(),
            available_bytes: machine::available_bytes(),
            settings: path,
            settings_problem,
            data: folders::data(),
            hub: hub(),
            model_folders,
        })
    }

    fn json(&self) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "numerics": { "f16": self.numerics[0], "f32": self.numerics[1] },
            "processor": self.processor,
            "features": self.features,
            "isa": { "available": self.available, "chosen": self.chosen },
            "threads": self.threads,
            "memory_bytes": self.memory_bytes,
            "available_bytes": self.available_bytes,
            "config": {
                "path": self.settings,
                "exists": self.settings.as_ref().is_some_and(|path| path.exists()),
                "problem": self.settings_problem,
            },
            "data_folder": self.data,
            "model_inside": { "name": brise::NAME, "bytes": brise::size_bytes() },
            "model_folders": self.model_folders.iter().map(folder_json).collect::<Vec<_>>(),
            "leaves_the_machine": [],
            "connects": [{ "command": "pull", "to": self.hub }],
        })
    }

    /// Those that are there; the others are in `--json`.
    fn folders_shown(&self) -> String {
        let there = self.model_folders.iter().filter(|(.., exists)| *exists);
        let shown: Vec<_> = there.map(|(place, path, _)| format!("{} ({place})", path.display())).collect();
        match shown.as_slice() {
            [] => "no folder of models is here yet: `pull` makes one".to_owned(),
            shown => shown.join(", "),
        }
    }

    fn print(&self) -> anyhow::Result<()> {
        let unknown = || "unknown".to_owned();
        let size = |bytes: Option<u64>| bytes.map_or_else(unknown, machine::readable);
        let path = |path: &Option<PathBuf>| path.as_ref().map_or_else(unknown, |path| path.display().to_string());
        let config = match (&self.settings, &self.settings_problem) {
            (_, Some(problem)) => problem.clone(),
            (Some(file), None) if !file.exists() => format!("{} (not there: nothing is set)", file.display()),
            (file, None) => path(file),
        };
        let rows = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("numerics", format!("{} (keys and values in f16), {} (in f32)", self.numerics[0], self.numerics[1])),
            ("processor", self.processor.clone().unwrap_or_else(unknown)),
            ("features", self.features.join(" ")),
            ("kernels", format!("{} (of {}; the result is the same)", self.chosen, self.available.join(", "))),
            ("threads", self.threads.to_string()),
            ("memory", format!("{}, {} of it free", size(self.memory_bytes), size(self.available_bytes))),
            ("config", config),
            ("data", path(&self.data)),
            (
                "model inside",
                format!("{} ({}), for when no model is named", brise::NAME, machine::readable(brise::size_bytes())),
            ),
            ("models", self.folders_shown()),
            (
                "network",
                format!("nothing leaves the machine; only `pull` connects, to {}, when it is called", self.hub),
            ),
        ];
        let mut out = stdout().lock();
        for (name, text) in rows {
            writeln!(out, "{} {}", bold(format!("{name:10}")), crate::terminal::for_stdout(&text))?;
        }
        Ok(())
    }
}

fn hub() -> String {
    let variable = |name: &str| env::var_os(name);
    let endpoint =
        Folders::from_environment(variable).and_then(|folders| Endpoint::from_environment(variable, &folders));
    endpoint.map_or_else(|problem| format!("nobody ({problem})"), |endpoint| endpoint.address())
}

fn folder_json((place, path, exists): &(String, PathBuf, bool)) -> Value {
    json!({ "place": place, "path": path, "exists": exists })
}

/// What the processor has of the features that kernels use or may come to use.
#[cfg(target_arch = "x86_64")]
fn features() -> Vec<&'static str> {
    let all = [
        ("avx2", is_x86_feature_detected!("avx2")),
        ("fma", is_x86_feature_detected!("fma")),
        ("f16c", is_x86_feature_detected!("f16c")),
        ("avx512f", is_x86_feature_detected!("avx512f")),
        ("avx512bw", is_x86_feature_detected!("avx512bw")),
        ("avx512dq", is_x86_feature_detected!("avx512dq")),
        ("avx512vl", is_x86_feature_detected!("avx512vl")),
        ("avx512vbmi", is_x86_feature_detected!("avx512vbmi")),
        ("avx512vnni", is_x86_feature_detected!("avx512vnni")),
        ("avx512bf16", is_x86_feature_detected!("avx512bf16")),
        ("avxvnni", is_x86_feature_detected!("avxvnni")),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// What the processor has of the features that kernels use or may come to use.
#[cfg(target_arch = "aarch64")]
fn features() -> Vec<&'static str> {
    use std::arch::is_aarch64_feature_detected;
    let found = [
        ("neon", is_aarch64_feature_detected!("neon")),
        ("fp16", is_aarch64_feature_detected!("fp16")),
        ("dotprod", is_aarch64_feature_detected!("dotprod")),
        ("i8mm", is_aarch64_feature_detected!("i8mm")),
        ("bf16", is_aarch64_feature_detected!("bf16")),
        ("sve", is_aarch64_feature_detected!("sve")),
    ];
    found.into_iter().filter(|(_, there)| *there).map(|(name, _)| name).collect()
}

/// No kernels for other processors yet, so nothing to look for.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<&'static str> {
    Vec::new()
}
