//! `bench`: rates of prefill and decode.

use std::fmt::Write as _;
use std::io::{Write, stdout};

use clap::Args as ClapArgs;
use engine::{Engine, Measurement, ModelCard, Workload};
use serde::Serialize;

use crate::exit::Usage;
use crate::flags::ModelFlags;
use crate::generation::milliseconds;
use crate::settings::Settings;
use crate::{bandwidth, commands, loading, machine};

/// What fits in here is not bound by memory: larger than the last-level caches of most machines.
const CACHE_BYTES: f64 = (128 << 20) as f64;

/// Measure how fast a model runs here
///
/// Each test runs once to warm up, then as often as --repetitions says. pp512 is prefill of 512 tokens, tg128 decode of
/// 128; @d2048 comes after 2048 tokens, ×b8 decodes 8 sequences at once and counts the tokens of all.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Example:
  tramontane bench mistral-7b.gguf --prompt 512 --generate 128 --depth 0,2048 --json")]
pub(crate) struct Args {
    /// A .gguf file or a folder [default: TRAMONTANE_MODEL, or brise, the model inside]
    model: Option<String>,
    /// Tokens of the prompt; 0 leaves the test out; several with commas
    #[arg(long, value_name = "N", default_value = "512", value_delimiter = ',')]
    prompt: Vec<usize>,
    /// Tokens to generate; 0 leaves the test out; several with commas
    #[arg(long, value_name = "N", default_value = "128", value_delimiter = ',')]
    generate: Vec<usize>,
    /// Tokens that are there already; several with commas
    #[arg(long, value_name = "N", default_value = "0", value_delimiter = ',')]
    depth: Vec<usize>,
    /// Sequences that generate at once; several with commas
    #[arg(long, value_name = "N", default_value = "1", value_delimiter = ',')]
    batch: Vec<usize>,
    /// How often each test is measured
    #[arg(long, value_name = "N", default_value_t = 5)]
    repetitions: usize,
    /// Print a JSON array, one object a test
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model_flags: ModelFlags,
}

/// # Errors
/// The model cannot be loaded, or a test does not fit into its memory.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let workloads = args.workloads()?;
    let engine = loading::load(args.model.as_deref(), args.model_flags.options(settings)?, settings)?;
    let bandwidth = bandwidth::read_bytes_per_second(engine.card().threads);
    // The probe's buffer is no part of what the model needs.
    machine::forget_peak();
    let mut rows = Vec::new();
    for workload in workloads {
        let row = Row::new(&engine, workload, rates(&engine, workload, args.repetitions)?, bandwidth);
        if !args.json {
            row.print()?;
        }
        rows.push(row);
    }
    if args.json { commands::print_json(&rows) } else { Ok(()) }
}

impl Args {
    fn workloads(&self) -> anyhow::Result<Vec<Workload>> {
        if self.repetitions == 0 {
            return Err(Usage::error("--repetitions is 0: at least one is needed"));
        }
        if self.batch.contains(&0) {
            return Err(Usage::error("--batch is 0: at least one sequence is needed"));
        }
        let mut workloads = Vec::new();
        for &depth in &self.depth {
            let prefill = self.prompt.iter().map(|&tokens| Measurement::Prefill { tokens });
            let decode = self.batch.iter().flat_map(|&sequences| {
                self.generate.iter().map(move |&tokens| Measurement::Decode { tokens, sequences })
            });
            let timed = prefill.chain(decode).filter(|timed| tokens(*timed) > 0);
            workloads.extend(timed.map(|timed| Workload { depth, timed }));
        }
        if workloads.is_empty() {
            return Err(Usage::error("there is nothing to measure: --prompt and --generate are both 0"));
        }
        Ok(workloads)
    }
}

#[derive(Debug, Serialize)]
struct Row {
    test: String,
    tokens_per_second: Rates,
    /// Tokens a second of decode if each step took as long as reading the weights and the stored keys and values takes,
    /// at the speed of memory measured just before. `null` where something else bounds the test.
    roofline: Option<f64>,
    isa: &'static str,
    threads: usize,
    model: Option<String>,
    load_ms: f64,
    peak_rss_bytes: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Rates {
    min: f64,
    median: f64,
    max: f64,
}

impl Row {
    fn new(engine: &Engine, workload: Workload, tokens_per_second: Rates, bandwidth: Option<f64>) -> Self {
        let card = engine.card();
        Self {
            test: name(workload),
            tokens_per_second,
            roofline: bandwidth
                .and_then(|bandwidth| Some(bandwidth / step_bytes(card, workload)? * batch(workload) as f64)),
            isa: card.isa,
            threads: card.threads,
            model: card.about.name.clone(),
            load_ms: milliseconds(card.load),
            peak_rss_bytes: machine::peak_rss_bytes(),
        }
    }

    fn print(&self) -> std::io::Result<()> {
        let Rates { min, median, max } = self.tokens_per_second;
        let roofline = self.roofline.map_or(String::new(), |bound| format!(", memory allows {bound:.2}"));
        writeln!(stdout(), "{:14} {median:10.2} tokens/s  ({min:.2} to {max:.2}{roofline})", self.test)
    }
}

fn rates(engine: &Engine, workload: Workload, repetitions: usize) -> anyhow::Result<Rates> {
    engine.measure(workload)?;
    let count = tokens(workload.timed) as f64;
    let mut rates = Vec::with_capacity(repetitions);
    for _ in 0..repetitions {
        rates.push(count / engine.measure(workload)?.as_secs_f64().max(1e-9));
    }
    Ok(spread(rates))
}

fn spread(mut rates: Vec<f64>) -> Rates {
    rates.sort_by(f64::total_cmp);
    let (last, middle) = (rates.len() - 1, rates.len() / 2);
    let median = if rates.len() % 2 == 1 { rates[middle] } else { (rates[middle - 1] + rates[middle]) / 2.0 };
    Rates { min: rates[0], median, max: rates[last] }
}

/// Bytes that a step of decode must read at least: all weights (of the embedding only a row a sequence, unless it is the
/// output matrix too), and the keys and values of all sequences. `None` for prefill, where experts are chosen, and
/// where a cache may hold it all.
fn step_bytes(card: &ModelCard, workload: Workload) -> Option<f64> {
    let Measurement::Decode { tokens, sequences } = workload.timed else { return None };
    let config = &card.config;
    if config.experts.is_some() {
        return None;
    }
    let embedding = if config.tied_embeddings { 0.0 } else { config.vocab_size as f64 * config.dim as f64 };
    let parameters = card.about.parameters as f64;
    let weights = card.about.size_bytes as f64 * (parameters - embedding) / parameters;
    // Half of what is generated is there on average.
    let stored = workload.depth as f64 + tokens as f64 / 2.0;
    let bytes = weights + stored * sequences as f64 * card.kv_bytes_per_token as f64;
    (bytes > CACHE_BYTES).then_some(bytes)
}

fn batch(workload: Workload) -> usize {
    match workload.timed {
        Measurement::Prefill { .. } => 1,
        Measurement::Decode { sequences, .. } => sequences,
    }
}

/// Tokens that a test runs through while the clock runs.
fn tokens(timed: Measurement) -> usize {
    match timed {
        Measurement::Prefill { tokens } => tokens,
        Measurement::Decode { tokens, sequences } => tokens.saturating_mul(sequences),
    }
}

/// `pp512`, `tg128`, `tg128@d2048`, `tg128×b8`.
fn name(workload: Workload) -> String {
    let mut name = match workload.timed {
        Measurement::Prefill { tokens } => format!("pp{tokens}"),
        Measurement::Decode { tokens, .. } => format!("tg{tokens}"),
    };
    // Writing to a string cannot fail.
    if workload.depth > 0 {
        let _ = write!(name, "@d{}", workload.depth);
    }
    if batch(workload) > 1 {
        let _ = write!(name, "×b{}", batch(workload));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_spreads() {
        let decode = |depth, sequences| name(Workload { depth, timed: Measurement::Decode { tokens: 128, sequences } });
        assert_eq!([decode(0, 1), decode(2048, 1), decode(0, 8)], ["tg128", "tg128@d2048", "tg128×b8"]);
        assert_eq!(spread(vec![3.0, 1.0, 2.0]), Rates { min: 1.0, median: 2.0, max: 3.0 });
        assert_eq!(spread(vec![4.0, 1.0]).median, 2.5);
    }
}
