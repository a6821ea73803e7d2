//! `quantize`: a model from any layout into one GGUF file, with fewer bits.
//!
//! `model::Plan` says which format a tensor gets, `importance.rs` how much its columns matter, `convert.rs` makes it so,
//! `hub::Whole` keeps half a file from looking whole.

mod convert;
mod importance;

use std::fs;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};
use checkpoint::gguf::{self, Keys, Source, TensorSpec, Value, Writer};
use checkpoint::{Checkpoint, Config, GgufVocab, TokenizerSource};
use clap::Args as ClapArgs;
use engine::{Choice, EngineOptions, Mix, Plan};
use hub::Whole;
use indicatif::{ProgressBar, ProgressStyle};
use quant::Format;
use serde::Serialize;

use crate::exit::{Interrupted, Usage};
use crate::model_source::ModelSource;
use crate::settings::Settings;
use crate::{commands, disk, flags, interrupt, machine, terminal};
use convert::Conversion;

/// Write a model as a GGUF file, with fewer bits for each weight
///
/// Reads safetensors (Hugging Face's and Mistral's layouts) and GGUF. Tokenizer, chat template and all parameters go into
/// the file, which llama.cpp loads too. Weights are chosen and rounded as llama.cpp does, to the byte.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Types, from many bits to few:
  f32 f16 bf16 q8_0 q6_k q5_k_m q5_k_s q5_1 q5_0 q4_k_m q4_k_s q4_1 q4_0
  iq4_nl iq4_xs q3_k_l q3_k_m q3_k_s q2_k mxfp4_moe
q4_k_m is a good choice where memory is short, q8_0 where it is not.
With --imatrix, what matters most for a text is rounded with most care. Any text serves that resembles the use, a few
hundred kilobytes of it; the model has to fit in memory to read it.

Examples:
  tramontane quantize Mistral-7B-Instruct-v0.3/ mistral-7b.Q4_K_M.gguf --type q4_k_m
  tramontane quantize Mistral-7B-Instruct-v0.3/ mistral-7b.IQ4_XS.gguf --type iq4_xs --imatrix text.txt")]
pub(crate) struct Args {
    /// A folder with safetensors files, or a .gguf file
    #[arg(value_name = "IN")]
    input: String,
    /// The .gguf file to write
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// What to write: see below
    #[arg(long = "type", value_name = "TYPE")]
    mix: String,
    /// Replace OUT if it is there already
    #[arg(long)]
    force: bool,
    /// Round again what has been rounded to few bits before: worse than from the original
    #[arg(long)]
    allow_requantize: bool,
    /// A text to measure on which weights matter; or an importance matrix of llama.cpp (.gguf, .dat)
    #[arg(long, value_name = "FILE")]
    imatrix: Option<PathBuf>,
    /// Keep what was measured, as an importance matrix that llama.cpp reads
    #[arg(long, value_name = "OUT.gguf", requires = "imatrix")]
    save_imatrix: Option<PathBuf>,
    /// Threads that compute; changes no result [default: the cores]
    #[arg(long, value_name = "N", env = "TRAMONTANE_THREADS", hide_env = true)]
    threads: Option<usize>,
    /// Print one JSON object: formats, sizes, bits a weight, seconds
    #[arg(long)]
    json: bool,
}

/// # Errors
/// IN is no model, OUT is there or cannot be written, or the weights cannot be what is asked for.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let start = Instant::now();
    let mix = args.mix()?;
    let source = ModelSource::find(Some(&args.input), settings)?;
    if source == ModelSource::Embedded {
        return Err(Usage::error("brise is inside the program, and quantised already: give a .gguf file or a folder"));
    }
    let checkpoint = source.open()?;
    engine::check_tensors(&checkpoint)?;
    args.check_destinations(&source, &checkpoint)?;
    let mut report = Report::new(&source, args, mix);
    report.notes.clone_from(&checkpoint.notes);
    report.notes.extend(window_note(&checkpoint.config));
    let mut keys = keys(&checkpoint, mix, &mut report)?;
    let plan = Plan::new(&checkpoint, mix)?;
    args.check_rounded(&plan)?;
    report.note_fallbacks(plan.tensors());
    interrupt::install()?;
    let importance = args.importance(&checkpoint, &plan, settings, &mut keys, &mut report)?;
    report.notes.iter().for_each(|note| terminal::note(note));
    write(args, &keys, plan.tensors(), &importance, args.threads.or(settings.threads).unwrap_or_else(cores))?;
    report.count(plan.tensors());
    report.bytes_out = fs::metadata(&args.output).map_or(0, |data| data.len());
    report.seconds = start.elapsed().as_secs_f64();
    if args.json { commands::print_json(&report) } else { report.print() }
}

impl Args {
    fn mix(&self) -> anyhow::Result<Mix> {
        flags::at_least_one("--threads", self.threads)?;
        let mix = flags::mix_named(&self.mix)?;
        Ok(if self.imatrix.is_some() { mix.measured() } else { mix })
    }

    /// How much the columns of each tensor matter; `None` for all without `--imatrix`.
    fn importance(
        &self,
        checkpoint: &Checkpoint,
        plan: &Plan<'_>,
        settings: &Settings,
        keys: &mut Keys,
        report: &mut Report,
    ) -> anyhow::Result<Vec<Option<Vec<f32>>>> {
        let Some(file) = &self.imatrix else { return Ok(vec![None; plan.tensors().len()]) };
        let threads = self.threads.or(settings.threads);
        let options = EngineOptions { threads, isa: settings.isa.clone(), ..EngineOptions::default() };
        let matrix = importance::find(file, checkpoint, &options)?;
        if let Some(path) = &self.save_imatrix {
            importance::save(&matrix, path)?;
        }
        importance::set_keys(&matrix, file, keys);
        report.importance = Some(Importance { matrices: matrix.len(), chunks: matrix.chunks });
        importance::of_tensors(&matrix, plan.tensors(), &mut report.notes)
    }

    /// Nothing is written over that was not meant to be, least of all what is being read.
    fn check_destinations(&self, source: &ModelSource, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let inputs = inputs(source, checkpoint, self.imatrix.as_deref());
        let mut written: Vec<PathBuf> = Vec::new();
        for path in [Some(&self.output), self.save_imatrix.as_ref()].into_iter().flatten() {
            let (shown, place) = (path.display(), resolved(path));
            if inputs.contains(&place) {
                return Err(Usage::error(format!("{shown} is what is read: give another name")));
            }
            if written.contains(&place) {
                return Err(Usage::error(format!("{shown} is what OUT is too: give --save-imatrix another name")));
            }
            self.check_place(path)?;
            written.push(place);
        }
        Ok(())
    }

    fn check_place(&self, path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        if !path.exists() {
            return Ok(());
        }
        if path.is_dir() {
            return Err(Usage::error(format!("{shown} is a folder: give the name of a file in it")));
        }
        if !path.is_file() {
            return Err(Usage::error(format!("{shown} is a device or a pipe: give the name of a file")));
        }
        if !self.force {
            bail!("{shown} is there already: give another name, or --force to replace it");
        }
        Ok(())
    }

    fn check_rounded(&self, plan: &Plan<'_>) -> anyhow::Result<()> {
        if let Some((tensor, from)) = plan.rounded_twice().filter(|_| !self.allow_requantize) {
            bail!(
                "{tensor} is {from} already, and rounding twice loses more than once: start from the original, or give \
                 --allow-requantize"
            );
        }
        Ok(())
    }
}

/// All files that are read, and what belongs to them: weights, configuration, tokenizer, what the importance comes from.
fn inputs(source: &ModelSource, checkpoint: &Checkpoint, imatrix: Option<&Path>) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = checkpoint.about.files.iter().map(PathBuf::from).collect();
    files.extend(imatrix.map(Path::to_owned));
    if let TokenizerSource::File(path) = &checkpoint.tokenizer {
        files.push(path.clone());
    }
    let folder = match source {
        ModelSource::Files(path) => fs::read_dir(path).ok(),
        ModelSource::Embedded => None,
    };
    let beside = folder.into_iter().flatten().flatten().map(|entry| entry.path());
    // GGUF files in the folder are other models.
    files.extend(beside.filter(|path| path.extension().is_none_or(|ending| ending != "gguf")));
    files.iter().map(|path| resolved(path)).collect()
}

/// The same for all names of a file, whether it is there or not.
fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let absent = || Some(folder.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(absent).unwrap_or_else(|| path.to_owned())
}

/// llama.cpp has no attention windows in the architectures that the file can name.
fn window_note(config: &Config) -> Option<String> {
    let window = config.windows.iter().flatten().next()?;
    let count = config.windows.iter().flatten().count();
    Some(format!(
        "{count} of {} layers see {window} tokens back: the file says so, but llama.cpp lets them see everything, and \
         answers differently after {window} tokens",
        config.n_layers
    ))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn keys(checkpoint: &Checkpoint, mix: Mix, report: &mut Report) -> anyhow::Result<Keys> {
    let vocab = match &checkpoint.tokenizer {
        TokenizerSource::File(path) => Some(vocab(path, checkpoint.config.vocab_size)?),
        TokenizerSource::Gguf(_) => None,
        TokenizerSource::None { looked_for } => {
            report.notes.push(format!("{looked_for}: the file gets no tokenizer, and will only run token ids"));
            None
        }
    };
    let mut keys = gguf::keys(checkpoint, vocab.as_ref())?;
    keys.set("general.file_type", Value::U32(mix.file_type));
    keys.set("general.quantization_version", Value::U32(2));
    Ok(keys)
}

/// The same words on two floors that do not know each other. Nobody would open a file with more of them than the model has.
fn vocab(path: &Path, vocab_size: usize) -> anyhow::Result<GgufVocab> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let shown = || path.display().to_string();
    let bytes = tokenizer::Tokenizer::read_file(path).with_context(shown)?;
    let (vocab, merges) = tokenizer::GgufVocab::of_file(&bytes, &name).with_context(shown)?;
    if vocab.tokens.len() > vocab_size {
        let (shown, tokens) = (shown(), vocab.tokens.len());
        bail!("{shown} has {tokens} tokens, but the table of embeddings has {vocab_size}: it belongs to another model");
    }
    Ok(GgufVocab {
        model: vocab.model,
        pre: vocab.pre,
        tokens: vocab.tokens,
        scores: vocab.scores,
        token_types: vocab.token_types,
        merges,
        bos_id: vocab.bos_id,
        eos_id: vocab.eos_id,
        unknown_id: vocab.unknown_id,
        padding_id: vocab.padding_id,
        add_bos: vocab.bos_id.map(|_| true),
        add_eos: vocab.eos_id.map(|_| false),
        add_space_prefix: vocab.add_space_prefix,
    })
}

fn write(
    args: &Args,
    keys: &Keys,
    tensors: &[(Source<'_>, Choice)],
    importance: &[Option<Vec<f32>>],
    threads: usize,
) -> anyhow::Result<()> {
    let spec = |(source, choice): &(Source<'_>, Choice)| TensorSpec {
        name: source.name.clone(),
        dims: source.dims(),
        format: choice.format,
    };
    let specs: Vec<_> = tensors.iter().map(spec).collect();
    disk::check_room(&args.output, gguf::file_bytes(keys, &specs)?)?;
    let bar = bar(tensors.iter().map(|(source, _)| source.bytes()).sum());
    let out = || args.output.display().to_string();
    let mut writer = Writer::start(Whole::create(&args.output).with_context(out)?, keys, &specs)?;
    for ((source, choice), importance) in tensors.iter().zip(importance) {
        let how = Conversion { format: choice.format, importance: importance.as_deref(), threads };
        convert::convert(source, &how, &mut writer, &mut |bytes| {
            bar.inc(bytes);
            if interrupt::taken() { Err(Interrupted.into()) } else { Ok(()) }
        })?;
    }
    writer.finish()?.keep().with_context(out)?;
    bar.finish_and_clear();
    Ok(())
}

/// Hidden where nobody watches.
fn bar(total: u64) -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    match ProgressStyle::with_template(
        "quantizing {wide_bar} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left",
    ) {
        Ok(style) => bar.with_style(style),
        Err(error) => {
            terminal::note(&format!("the progress bar is plain: {error}"));
            bar
        }
    }
}

/// What was done.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(rename = "in")]
    input: String,
    out: String,
    #[serde(rename = "type")]
    mix: &'static str,
    /// Tensors and bytes of each format.
    formats: Vec<Formats>,
    parameters: u64,
    /// Bytes of the weights that were read.
    bytes_in: u64,
    /// Bytes of the file that was written.
    bytes_out: u64,
    bits_per_weight: f64,
    /// With `--imatrix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    importance: Option<Importance>,
    seconds: f64,
    notes: Vec<String>,
}

/// What the importance matrix knows.
#[derive(Debug, Serialize)]
struct Importance {
    matrices: usize,
    chunks: u32,
}

#[derive(Debug, Serialize)]
struct Formats {
    format: &'static str,
    tensors: usize,
    bytes: u64,
}

impl Report {
    fn new(input: &ModelSource, args: &Args, mix: Mix) -> Self {
        Self {
            input: input.to_string(),
            out: args.output.display().to_string(),
            mix: mix.name,
            formats: Vec::new(),
            parameters: 0,
            bytes_in: 0,
            bytes_out: 0,
            bits_per_weight: 0.0,
            importance: None,
            seconds: 0.0,
            notes: Vec::new(),
        }
    }

    /// One note for each pair of formats, not for each tensor.
    fn note_fallbacks(&mut self, tensors: &[(Source<'_>, Choice)]) {
        let mut seen: Vec<(Format, Format, usize, usize)> = Vec::new();
        for (source, choice) in tensors {
            let Some(wanted) = choice.instead_of else { continue };
            let key = (wanted, choice.format, source.cols());
            match seen.iter_mut().find(|(a, b, cols, _)| (*a, *b, *cols) == key) {
                Some((.., count)) => *count += 1,
                None => seen.push((key.0, key.1, key.2, 1)),
            }
        }
        self.notes.extend(seen.into_iter().map(|(wanted, format, cols, count)| {
            let tensors = if count == 1 { "1 tensor is".to_owned() } else { format!("{count} tensors are") };
            format!("{tensors} {format} instead of {wanted}, whose blocks do not divide rows of {cols} weights")
        }));
    }

    fn count(&mut self, tensors: &[(Source<'_>, Choice)]) {
        let mut weight_bytes = 0;
        for (source, choice) in tensors {
            let bytes = (source.rows() * choice.format.row_bytes(source.cols()).unwrap_or(0)) as u64;
            weight_bytes += bytes;
            self.parameters += (source.rows() * source.cols()) as u64;
            self.bytes_in += source.bytes();
            match self.formats.iter_mut().find(|row| row.format == choice.format.name()) {
                Some(row) => (row.tensors, row.bytes) = (row.tensors + 1, row.bytes + bytes),
                None => self.formats.push(Formats { format: choice.format.name(), tensors: 1, bytes }),
            }
        }
        self.formats.sort_by_key(|row| std::cmp::Reverse(row.bytes));
        self.bits_per_weight = 8.0 * weight_bytes as f64 / self.parameters.max(1) as f64;
    }

    fn print(&self) -> anyhow::Result<()> {
        let mut out = stdout().lock();
        for row in &self.formats {
            let tensors = if row.tensors == 1 { "1 tensor".to_owned() } else { format!("{} tensors", row.tensors) };
            writeln!(out, "{:8} {tensors}, {}", row.format, machine::readable(row.bytes))?;
        }
        let (before, after) = (machine::readable(self.bytes_in), machine::readable(self.bytes_out));
        let Self { bits_per_weight, seconds, .. } = self;
        writeln!(out, "{before} → {after}, {bits_per_weight:.2} bits a weight, {seconds:.1} s: {}", self.out)?;
        Ok(())
    }
}
