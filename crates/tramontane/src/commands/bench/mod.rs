//! `bench`: rates of prefill and decode, beside what the machine allows.
//!
//! `rounds.rs` runs the tests, `asked.rs` those that another program asks for, `ceilings.rs` measures the machine, `demand.rs` says what a test needs of it, `plot.rs` draws both; `replay.rs` measures
//! what guessing ahead gives.

mod asked;
mod demand;
mod plot;
mod replay;
mod rounds;

use std::fmt::Write as _;
use std::fs;
use std::io::{Write, stdout};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args as ClapArgs;
use engine::{Measurement, ModelCard, Workload};
use serde::Serialize;

use crate::ceilings::Ceilings;
use crate::exit::{Interrupted, Usage};
use crate::flags::ModelFlags;
use crate::generation::milliseconds;
use crate::settings::Settings;
use crate::{commands, loading};
use demand::{Bound, Demand, Limit};
use plot::{Point, short, svg};
use rounds::{Measured, measure};

/// Measure how fast a model runs here
///
/// All tests run once to warm up, then in as many rounds as --repetitions says, taking turns. pp512 is prefill of 512 tokens,
/// tg128 decode of 128; @d2048 comes after 2048 tokens, ×b8 decodes 8 sequences at once and counts the tokens of all. The
/// machine is measured too: how fast it multiplies, and before each round how fast it reads memory. Each test is given as a
/// share of what that allows at best. After Ctrl-C the rounds that are complete are shown. With --interactive, tests come from standard
/// input, one name a line, and each is answered with a line of JSON: `read` asks how fast memory is just now. With --replay, the model
/// says given texts, as if it chose their tokens, with guesses ahead and without, in turns: a line of the file is a JSON object with `name`,
/// `prompt` and `answer`, each of the two a text or an array of token ids.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane bench mistral-7b.gguf --prompt 512 --generate 128 --depth 0,2048 --json
  tramontane bench mistral-7b.gguf --batch 1,8 --plot roofline.svg
  tramontane bench mistral-7b.gguf --replay edits.jsonl --repetitions 3")]
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
    /// How often each test is measured: rounds of all tests
    #[arg(long, value_name = "N", default_value_t = 5)]
    repetitions: usize,
    /// Draw the tests under the machine's roofline
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// Print a JSON array, one object a test
    #[arg(long)]
    json: bool,
    /// Run the tests that lines of standard input name, as they come: to take turns with another program
    #[arg(long, conflicts_with_all = ["prompt", "generate", "depth", "batch", "repetitions", "plot", "json"])]
    interactive: bool,
    /// Measure what guessing ahead gives for texts: JSON lines with name, prompt and answer
    #[arg(long, value_name = "FILE.jsonl", conflicts_with_all = ["prompt", "generate", "depth", "batch", "plot", "interactive"])]
    replay: Option<PathBuf>,
    #[command(flatten)]
    model_flags: ModelFlags,
}

/// # Errors
/// The model cannot be loaded, or a test does not fit into its memory.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let workloads = args.workloads()?;
    let engine = loading::load(args.model.as_deref(), args.model_flags.options(settings)?, settings)?;
    if args.interactive {
        return asked::answer(&engine);
    }
    if let Some(file) = &args.replay {
        return replay::run(&engine, file, args.repetitions, args.json);
    }
    let measured = measure(&engine, &workloads, args.repetitions)?;
    if measured.rounds.is_empty() {
        return Err(Interrupted.into());
    }
    let row = |(test, &workload)| Row::new(engine.card(), workload, &measured, test);
    let rows: Vec<_> = workloads.iter().enumerate().map(row).collect();
    args.show(engine.card(), &measured.ceilings, &rows)?;
    if measured.rounds.len() < args.repetitions { Err(Interrupted.into()) } else { Ok(()) }
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

    fn show(&self, card: &ModelCard, ceilings: &Ceilings, rows: &[Row]) -> anyhow::Result<()> {
        if !self.json {
            print_ceilings(card, ceilings)?;
            rows.iter().try_for_each(Row::print)?;
        }
        if let Some(file) = &self.plot {
            let points: Vec<_> = rows.iter().map(Row::point).collect();
            fs::write(file, svg(&title(card), ceilings, &points)).with_context(|| file.display().to_string())?;
        }
        if self.json { commands::print_json(&rows) } else { Ok(()) }
    }
}

#[derive(Debug, Serialize)]
struct Row {
    test: String,
    tokens_per_second: Rates,
    /// Tokens a second that no program could exceed on this machine: each step has to read the weights and the stored keys
    /// and values, unless a cache may hold them, and has to multiply them.
    roofline: f64,
    /// What makes it so.
    bound: Bound,
    /// The median as a share of the roofline.
    share: f64,
    /// Operations for each byte that has to be read.
    intensity: f64,
    /// Operations of the median.
    operations_per_second: f64,
    ceilings: Ceilings,
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
    /// Of the test that comes as number `test` in each round.
    fn new(card: &ModelCard, workload: Workload, measured: &Measured, test: usize) -> Self {
        let Measured { ceilings, peak_rss_bytes, ref rounds } = *measured;
        let tokens_per_second = spread(rounds.iter().map(|rates| rates[test]).collect());
        let demand = Demand::of(card, workload);
        let Limit { seconds, bound } = demand.limit(&ceilings);
        let count = tokens(workload.timed) as f64;
        Self {
            test: name(workload),
            tokens_per_second,
            roofline: count / seconds,
            bound,
            share: tokens_per_second.median * seconds / count,
            intensity: demand.operations() / demand.bytes,
            operations_per_second: demand.operations() * tokens_per_second.median / count,
            ceilings,
            isa: card.isa,
            threads: card.threads,
            model: card.about.name.clone(),
            load_ms: milliseconds(card.load),
            peak_rss_bytes,
        }
    }

    fn print(&self) -> std::io::Result<()> {
        let Self { test, roofline, share, .. } = self;
        let Rates { min, median, max } = self.tokens_per_second;
        let what = match self.bound {
            Bound::Memory => "memory allows",
            Bound::Int8 => "int8 products allow",
            Bound::F32 => "f32 products allow",
        };
        let share = format!("{:.0} % of the {roofline:.2} that {what}", 100.0 * share);
        writeln!(stdout(), "{test:14} {median:10.2} tokens/s  ({min:.2} to {max:.2}; {share})")
    }

    fn point(&self) -> Point {
        let Rates { median, .. } = self.tokens_per_second;
        let label = format!("{} · {median:.1} tokens/s · {:.0} %", self.test, 100.0 * self.share);
        Point { intensity: self.intensity, rate: self.operations_per_second, label }
    }
}

fn print_ceilings(card: &ModelCard, ceilings: &Ceilings) -> std::io::Result<()> {
    let memory = ceilings.read_bytes_per_second;
    let memory = memory.map_or(String::new(), |rate| format!("memory {}B/s, ", short(rate)));
    let (int8, f32) = (short(ceilings.int8_per_second), short(ceilings.f32_per_second));
    writeln!(stdout(), "this machine: {memory}int8 {int8}op/s, f32 {f32}op/s  ({})", how(card))
}

fn title(card: &ModelCard) -> String {
    let name = card.about.name.as_deref().unwrap_or("a model");
    let format = card.about.file_type.as_deref().map_or(String::new(), |format| format!(" {format}"));
    format!("{name}{format}, {}", how(card))
}

fn how(card: &ModelCard) -> String {
    format!("{}, {} thread{}", card.isa, card.threads, if card.threads == 1 { "" } else { "s" })
}

fn spread(mut rates: Vec<f64>) -> Rates {
    rates.sort_by(f64::total_cmp);
    let (last, middle) = (rates.len() - 1, rates.len() / 2);
    let median = if rates.len() % 2 == 1 { rates[middle] } else { (rates[middle - 1] + rates[middle]) / 2.0 };
    Rates { min: rates[0], median, max: rates[last] }
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
