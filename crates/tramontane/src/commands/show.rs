//! `show`: what a model is and where it comes from, without loading its weights.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::num::NonZeroUsize;

use checkpoint::{Checkpoint, Config, Recommended, RopeScaling};
use clap::Args as ClapArgs;
use engine::{TextFront, Tokenizer};
use quant::RowSource as _;
use serde_json::{Map, Value, json};
use tokenizer::TokenizerKind;

use crate::flags::TemplateFlags;
use crate::model_source::ModelSource;
use crate::origin::Origin;
use crate::settings::Settings;
use crate::terminal::{bold, for_stdout};
use crate::{commands, machine};

/// Say what a model is and where it comes from: its passport
///
/// Shape, formats, tokenizer, template; origin, revision, licence and recorded hashes, where somebody wrote them down. Only the
/// headers of the files are read: `verify` compares the hashes.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane show mistral-7b.gguf
  tramontane show ministral-3:3b --json")]
pub(crate) struct Args {
    /// A .gguf file or a folder [default: TRAMONTANE_MODEL, or brise, the model inside]
    model: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Also print the other values that the files carry
    #[arg(long)]
    keys: bool,
    #[command(flatten)]
    template: TemplateFlags,
}

/// # Errors
/// The files are not there, or are no model that can be run.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let source = ModelSource::find(args.model.as_deref(), settings)?;
    let checkpoint = source.open()?;
    let text = TextFront::of(&checkpoint, args.template.version(settings)?)?;
    let origin = Origin::of(&source, settings);
    let model = Headers { checkpoint, text, origin };
    if args.json { commands::print_json(&as_json(&model)) } else { print(&model, args.keys) }
}

/// What can be told without reading weights.
struct Headers {
    checkpoint: Checkpoint,
    text: TextFront,
    origin: Origin,
}

fn as_json(model: &Headers) -> Value {
    let about = &model.checkpoint.about;
    let formats: Map<_, _> = about.formats.iter().map(|(format, count)| (format.to_string(), json!(count))).collect();
    let keys: Map<_, _> = about.keys.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
    json!({
        "name": about.name,
        "license": about.license.as_ref().or(model.origin.license()),
        "architecture": model.checkpoint.config.architecture,
        "layout": model.checkpoint.layout.to_string(),
        "file_type": about.file_type,
        "parameters": about.parameters,
        "size_bytes": about.size_bytes,
        "files": about.files,
        "formats": formats,
        "format_bytes": format_bytes(&model.checkpoint),
        "config": config_json(&model.checkpoint.config),
        "tokenizer": model.text.tokenizer.as_ref().ok().map(|tokenizer| tokenizer_json(tokenizer)),
        "template": model.text.template.reason(),
        "recommended": recommended(&about.recommended).into_iter().map(|(k, v)| (k.to_owned(), json!(v))).collect::<Map<_, _>>(),
        "origin": model.origin.json(),
        "notes": model.checkpoint.notes,
        "keys": keys,
    })
}

fn config_json(config: &Config) -> Value {
    let scaling = match &config.rope.scaling {
        RopeScaling::None => Value::Null,
        RopeScaling::Linear { factor } => json!({ "type": "linear", "factor": factor }),
        RopeScaling::Yarn { factor, original_context, beta_fast, beta_slow, attention_factor } => json!({
            "type": "yarn",
            "factor": factor,
            "original_context": original_context,
            "beta_fast": beta_fast,
            "beta_slow": beta_slow,
            "attention_factor": attention_factor,
        }),
    };
    json!({
        "vocab_size": config.vocab_size,
        "dim": config.dim,
        "hidden_dim": config.hidden_dim,
        "n_layers": config.n_layers,
        "n_heads": config.n_heads,
        "n_kv_heads": config.n_kv_heads,
        "head_dim": config.head_dim,
        "norm_eps": config.norm_eps,
        "context_length": config.context_length,
        "rope": { "theta": config.rope.theta, "scaling": scaling },
        "query_scaling": config.query_scaling.map(|q| json!({ "beta": q.beta, "original_context": q.original_context })),
        "windows": config.windows.iter().map(|window| window.map(NonZeroUsize::get)).collect::<Vec<_>>(),
        "experts": config.experts.map(|e| json!({ "count": e.count, "used": e.used })),
        "tied_embeddings": config.tied_embeddings,
    })
}

fn tokenizer_json(tokenizer: &Tokenizer) -> Value {
    json!({
        "kind": kind_name(tokenizer),
        "vocab_size": tokenizer.vocab_size(),
        "special_tokens": tokenizer.num_special(),
        "template_version": tokenizer.version().map(|version| version.name()),
        "template_version_is_inferred": tokenizer.version_is_inferred(),
    })
}

fn print(model: &Headers, keys: bool) -> anyhow::Result<()> {
    let about = &model.checkpoint.about;
    let mut rows = vec![("name", about.name.clone().unwrap_or_else(|| "not given".into()))];
    rows.extend(about.license.as_ref().or(model.origin.license()).map(|license| ("license", license.clone())));
    rows.extend(model.origin.rows());
    rows.push(("layout", format!("{}, {}", model.checkpoint.layout, files(&about.files))));
    rows.push(("size", format!("{}, {} parameters", machine::readable(about.size_bytes), count(about.parameters))));
    rows.push(("formats", formats(model)));
    rows.extend(shape(&model.checkpoint.config));
    rows.push((
        "tokenizer",
        match &model.text.tokenizer {
            Ok(tokenizer) => format!(
                "{}, {} tokens, {} of them special",
                kind_name(tokenizer),
                tokenizer.vocab_size(),
                tokenizer.num_special()
            ),
            Err(why) => format!("none: {why}"),
        },
    ));
    rows.push(("template", model.text.template.reason().to_owned()));
    if !about.recommended.is_empty() {
        let said = recommended(&about.recommended).into_iter().map(|(name, value)| format!("{name} {value}"));
        rows.push(("sampling", format!("{}, as its makers recommend", said.collect::<Vec<_>>().join(", "))));
    }
    rows.extend(model.checkpoint.notes.iter().map(|note| ("note", note.clone())));
    if keys {
        rows.extend(about.keys.iter().map(|(key, value)| ("key", format!("{key} = {value}"))));
    }
    let mut out = stdout().lock();
    for (name, text) in rows {
        writeln!(out, "{} {}", bold(format!("{name:12}")), for_stdout(&text))?;
    }
    Ok(())
}

fn recommended(said: &Recommended) -> Vec<(&'static str, f64)> {
    // Through the shortest decimal form: 0.15, not 0.15000000596.
    let number = |x: f32| x.to_string().parse().unwrap_or(f64::from(x));
    let rows = [
        ("temperature", said.temperature.map(number)),
        ("top_k", said.top_k.map(|k| k as f64)),
        ("top_p", said.top_p.map(number)),
        ("min_p", said.min_p.map(number)),
        ("repetition_penalty", said.repetition_penalty.map(number)),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn shape(config: &Config) -> Vec<(&'static str, String)> {
    let Config { n_layers, dim, hidden_dim, n_heads, n_kv_heads, head_dim, .. } = config;
    let mut rows = vec![
        (
            "architecture",
            format!("{}, {n_layers} layers of width {dim}, feed-forward {hidden_dim}", config.architecture),
        ),
        ("attention", format!("{n_heads} heads of {head_dim} over {n_kv_heads} key-value heads{}", windows(config))),
    ];
    if let Some(experts) = config.experts {
        rows.push(("experts", format!("{}, {} used for each token", experts.count, experts.used)));
    }
    let stretched = match &config.rope.scaling {
        RopeScaling::None => String::new(),
        RopeScaling::Linear { factor } => format!(", stretched {factor} times (linear)"),
        RopeScaling::Yarn { factor, .. } => format!(", stretched {factor} times (YaRN)"),
    };
    rows.push(("context", format!("{} tokens, rotary base {}{stretched}", config.context_length, config.rope.theta)));
    rows
}

/// `, window 4096` where all layers have one, `, window 32768 in 27 of 36 layers` where some do.
fn windows(config: &Config) -> String {
    let windows: Vec<_> = config.windows.iter().flatten().collect();
    match (windows.first(), windows.len()) {
        (None, _) => String::new(),
        (Some(window), count) if count == config.n_layers => format!(", window {window}"),
        (Some(window), count) => format!(", window {window} in {count} of {} layers", config.n_layers),
    }
}

/// `Q4_K_M: q4_k 1.7 GiB in 156 tensors (85 %), …`.
fn formats(model: &Headers) -> String {
    let about = &model.checkpoint.about;
    let bytes = format_bytes(&model.checkpoint);
    let all = bytes.values().fold(0_u64, |sum, bytes| sum.saturating_add(*bytes)).max(1);
    let counts = about.formats.iter().map(|(format, count)| {
        let bytes = bytes.get(&format.to_string()).copied().unwrap_or(0);
        let share = 100.0 * bytes as f64 / all as f64;
        format!("{format} {} in {count} tensors ({share:.1} %)", machine::readable(bytes))
    });
    let counts: Vec<_> = counts.collect();
    match &about.file_type {
        Some(name) => format!("{name}: {}", counts.join(", ")),
        None => counts.join(", "),
    }
}

/// Bytes of all tensors of each format.
fn format_bytes(checkpoint: &Checkpoint) -> BTreeMap<String, u64> {
    let mut bytes: BTreeMap<String, u64> = BTreeMap::new();
    for tensor in checkpoint.tensors() {
        let sum = bytes.entry(tensor.format().to_string()).or_default();
        *sum = sum.saturating_add(tensor.bytes());
    }
    bytes
}

fn files(names: &[String]) -> String {
    match names {
        [name] => name.clone(),
        names => format!("{} files", names.len()),
    }
}

/// `7248023552` → `7.25 billion`.
fn count(parameters: u64) -> String {
    match parameters {
        0..1_000_000 => parameters.to_string(),
        1_000_000..1_000_000_000 => format!("{:.1} million", parameters as f64 / 1e6),
        _ => format!("{:.2} billion", parameters as f64 / 1e9),
    }
}

fn kind_name(tokenizer: &Tokenizer) -> &'static str {
    match tokenizer.kind() {
        TokenizerKind::SentencePiece => "SentencePiece",
        TokenizerKind::Tekken => "Tekken",
    }
}
