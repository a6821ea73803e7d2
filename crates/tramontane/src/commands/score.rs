//! `score`: how probable a text is to a model, token by token.

use std::fs::{self, File};
use std::io::{BufWriter, Write, stdout};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args as ClapArgs;
use engine::{Engine, Prompt, TokenId};
use hub::Whole;
use serde_json::json;

use crate::exit::{Interrupted, Usage};
use crate::flags::ModelFlags;
use crate::settings::Settings;
use crate::{commands, interrupt, loading, terminal};

/// Log-probability of each token of a text, and its perplexity
///
/// A text gets the model's begin token in front; token ids are taken as they are.
/// The first token has no log-probability (null): nothing comes before it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  tramontane score mistral-7b.gguf --file story.txt
  tramontane score mistral-7b.gguf --tokens ids.json --logits out.safetensors --json")]
#[command(group(clap::ArgGroup::new("input").required(true).args(["file", "tokens"])))]
pub(crate) struct Args {
    /// A .gguf file or a folder [default: TRAMONTANE_MODEL, or brise, the model inside]
    model: Option<String>,
    /// The text; - is standard input
    #[arg(long)]
    file: Option<PathBuf>,
    /// Token ids, as a JSON array; - is standard input
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Write the logits of all tokens: a tensor `logits`, f32 [tokens, vocabulary]
    #[arg(long, value_name = "OUT.safetensors")]
    logits: Option<PathBuf>,
    /// Print one JSON object: tokens, logprobs, perplexity
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    model_flags: ModelFlags,
}

/// # Errors
/// The input cannot be read or does not fit, or the model cannot be loaded.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    let prompt = args.prompt()?;
    let engine = loading::load(args.model.as_deref(), args.model_flags.options(settings)?, settings)?;
    let tokens = engine.render(&prompt)?;
    let logprobs = score(&engine, &tokens, args.logits.as_deref())?;
    let perplexity = perplexity(&logprobs);
    if args.json {
        let ids: Vec<u32> = tokens.iter().map(|t| t.0).collect();
        return commands::print_json(&json!({ "tokens": ids, "logprobs": logprobs, "perplexity": perplexity }));
    }
    print(&engine, &tokens, &logprobs)?;
    match perplexity {
        Some(perplexity) => writeln!(stdout(), "perplexity {perplexity:.4} over {} tokens", tokens.len() - 1)?,
        None => terminal::note("a single token has no perplexity"),
    }
    Ok(())
}

impl Args {
    fn prompt(&self) -> anyhow::Result<Prompt> {
        match (&self.file, &self.tokens) {
            (Some(file), _) => Ok(Prompt::Text(commands::read_file(file)?)),
            (None, Some(file)) => {
                let ids: Vec<u32> = serde_json::from_str(&commands::read_file(file)?)
                    .with_context(|| format!("{} is not a JSON array of token ids", commands::input_name(file)))?;
                Ok(Prompt::Tokens(ids.into_iter().map(TokenId).collect()))
            }
            (None, None) => Err(Usage::error("there is no text: give --file or --tokens")),
        }
    }
}

/// Log-probabilities, one a token, `None` for the first.
fn score(engine: &Engine, tokens: &[TokenId], logits: Option<&Path>) -> anyhow::Result<Vec<Option<f32>>> {
    interrupt::install()?;
    let mut writer = logits.map(|path| LogitsFile::create(path, tokens.len(), engine)).transpose()?;
    let mut logprobs = vec![None; tokens.len()];
    let mut failure = None;
    engine.score(
        tokens,
        &mut |position, row| match score_row(tokens, position, row, &mut logprobs, writer.as_mut()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        },
    )?;
    if let Some(error) = failure {
        return Err(error);
    }
    writer.map_or(Ok(()), LogitsFile::finish)?;
    Ok(logprobs)
}

/// What the logits at `position` say of the token after it.
fn score_row(
    tokens: &[TokenId],
    position: usize,
    row: &[f32],
    logprobs: &mut [Option<f32>],
    writer: Option<&mut LogitsFile>,
) -> anyhow::Result<()> {
    if interrupt::taken() {
        return Err(Interrupted.into());
    }
    let next = tokens.get(position + 1);
    // Of the last row too, though nothing comes after it: what is no number ends it all.
    let log_probability = sampling::log_probability(row, next.copied().unwrap_or(TokenId(0)))?;
    if next.is_some() {
        logprobs[position + 1] = Some(log_probability);
    }
    writer.map_or(Ok(()), |writer| writer.write(row))
}

/// `exp` of minus the mean log-probability.
fn perplexity(logprobs: &[Option<f32>]) -> Option<f64> {
    let known: Vec<f64> = logprobs.iter().flatten().map(|&l| f64::from(l)).collect();
    (!known.is_empty()).then(|| libm::exp(-known.iter().sum::<f64>() / known.len() as f64))
}

fn print(engine: &Engine, tokens: &[TokenId], logprobs: &[Option<f32>]) -> anyhow::Result<()> {
    let tokenizer = engine.text().tokenizer().ok();
    let mut out = BufWriter::new(stdout().lock());
    for (token, logprob) in tokens.iter().zip(logprobs) {
        let logprob = logprob.map_or("–".to_owned(), |l| format!("{l:.6}"));
        let piece = tokenizer.map(|t| format!("{:?}", t.piece(*token))).unwrap_or_default();
        writeln!(out, "{logprob:>12}  {:>7}  {}", token.0, terminal::for_stdout(&piece))?;
    }
    Ok(out.flush()?)
}

/// A safetensors file that grows row by row, and has its name when it is complete.
struct LogitsFile {
    out: Out,
    path: PathBuf,
}

/// Devices and pipes are written as they are.
enum Out {
    Whole(Whole),
    Special(BufWriter<File>),
}

impl LogitsFile {
    fn create(path: &Path, rows: usize, engine: &Engine) -> anyhow::Result<Self> {
        let special = fs::metadata(path).is_ok_and(|data| !data.is_file());
        let out = match special {
            true => File::create(path).map(BufWriter::new).map(Out::Special),
            false => Whole::create(path).map(Out::Whole),
        };
        let mut logits = Self { out: out.with_context(|| path.display().to_string())?, path: path.to_owned() };
        let cols = engine.card().config.vocab_size;
        let entry = json!({ "dtype": "F32", "shape": [rows, cols], "data_offsets": [0, rows * cols * 4] });
        let mut header = json!({ "logits": entry }).to_string();
        // The numbers begin at a multiple of eight.
        header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
        logits.add(&(header.len() as u64).to_le_bytes())?;
        logits.add(header.as_bytes())?;
        Ok(logits)
    }

    fn write(&mut self, row: &[f32]) -> anyhow::Result<()> {
        row.iter().try_for_each(|logit| self.add(&logit.to_le_bytes()))
    }

    fn add(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        let out: &mut dyn Write = match &mut self.out {
            Out::Whole(file) => file,
            Out::Special(file) => file,
        };
        out.write_all(bytes).with_context(|| self.path.display().to_string())
    }

    fn finish(self) -> anyhow::Result<()> {
        let finished = match self.out {
            Out::Whole(file) => file.keep(),
            Out::Special(mut file) => file.flush(),
        };
        finished.with_context(|| self.path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of the last row too, of which no log-probability is asked.
    #[test]
    fn rows_that_are_no_numbers() {
        let tokens = [TokenId(0), TokenId(1)];
        for (position, row, good) in
            [(0, [0.5, 0.5], true), (1, [0.5, 0.5], true), (0, [0.5, f32::NAN], false), (1, [f32::NAN, 0.5], false)]
        {
            let mut logprobs = vec![None; 2];
            let scored = score_row(&tokens, position, &row, &mut logprobs, None);
            assert_eq!(scored.is_ok(), good, "{position} {row:?}: {scored:?}");
            assert_eq!(logprobs[1].is_some(), good && position == 0, "{position} {row:?}");
        }
    }
}
