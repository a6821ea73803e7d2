//! `--replay`: texts that the model says once more, guessed ahead and not, in turns: what guessing gives for such texts, here.

use std::io::{Write, stdout};
use std::path::Path;

use anyhow::Context as _;
use engine::{Bench, Engine, Replay, Replayed, TokenId};
use serde::{Deserialize, Serialize};

use super::{Rates, spread};
use crate::exit::{Interrupted, Usage};
use crate::{commands, interrupt};

/// A line of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    prompt: Words,
    answer: Words,
}

/// A text, or the ids of its tokens.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    Tokens(Vec<u32>),
}

#[derive(Debug, Serialize)]
struct Row {
    test: String,
    tokens: usize,
    tokens_per_second: Rates,
    unguessed_tokens_per_second: Rates,
    /// Guessed ahead to not, of neighbouring runs.
    ratio: Rates,
    drafted_tokens: usize,
    accepted_tokens: usize,
}

/// Says each text of the file `1 + repetitions` times with guesses and without; the first time counts for nothing.
///
/// # Errors
/// The file does not hold such texts, or one does not fit into the memory for keys and values.
pub(super) fn run(engine: &Engine, file: &Path, repetitions: usize, json: bool) -> anyhow::Result<()> {
    interrupt::install()?;
    let texts = texts(engine, file)?;
    let bench = engine.bench()?;
    let mut rows = Vec::new();
    for (name, replay) in &texts {
        let Some(row) = measure(&bench, name, replay, repetitions)? else { return Err(Interrupted.into()) };
        if !json {
            row.print()?;
        }
        rows.push(row);
    }
    if json { commands::print_json(&rows) } else { Ok(()) }
}

fn texts(engine: &Engine, file: &Path) -> anyhow::Result<Vec<(String, Replay)>> {
    let name = commands::input_name(file);
    let lines = commands::read_file(file)?;
    let lines = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let texts: Vec<_> = lines
        .map(|(index, line)| {
            let place = || format!("{name}:{} is not {{\"name\", \"prompt\", \"answer\"}}", index + 1);
            let line: Line = serde_json::from_str(line).with_context(place)?;
            let (prompt, answer) = (tokens(engine, &line.prompt, true)?, tokens(engine, &line.answer, false)?);
            if answer.len() < 2 {
                return Err(Usage::error(format!("{name}:{}: an answer has at least two tokens", index + 1)));
            }
            Ok((line.name, Replay { prompt, answer, speculate: true }))
        })
        .collect::<anyhow::Result<_>>()?;
    if texts.is_empty() { Err(Usage::error(format!("{name} has no texts"))) } else { Ok(texts) }
}

fn tokens(engine: &Engine, words: &Words, first: bool) -> anyhow::Result<Vec<TokenId>> {
    Ok(match words {
        Words::Tokens(ids) => ids.iter().copied().map(TokenId).collect(),
        Words::Text(text) if first => engine.text().complete(text)?,
        Words::Text(text) => engine.text().tokenizer()?.encode(text),
    })
}

fn measure(bench: &Bench<'_>, name: &str, replay: &Replay, repetitions: usize) -> anyhow::Result<Option<Row>> {
    let plain = Replay { speculate: false, ..replay.clone() };
    let (mut guessed, mut unguessed, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let mut last = Replayed::default();
    for round in 0..=repetitions {
        let rate = |replayed: Replayed| (replay.answer.len() - 1) as f64 / replayed.elapsed.as_secs_f64().max(1e-9);
        let without = rate(bench.replay(plain.clone())?);
        last = bench.replay(replay.clone())?;
        if interrupt::taken() {
            return Ok(None);
        }
        if round > 0 {
            guessed.push(rate(last));
            unguessed.push(without);
            ratios.push(rate(last) / without);
        }
    }
    Ok(Some(Row {
        test: name.to_owned(),
        tokens: replay.answer.len(),
        tokens_per_second: spread(guessed),
        unguessed_tokens_per_second: spread(unguessed),
        ratio: spread(ratios),
        drafted_tokens: last.drafted_tokens,
        accepted_tokens: last.accepted_tokens,
    }))
}

impl Row {
    fn print(&self) -> std::io::Result<()> {
        let Self { test, tokens, ratio, drafted_tokens, accepted_tokens, .. } = self;
        let (median, without) = (self.tokens_per_second.median, self.unguessed_tokens_per_second.median);
        let how =
            format!("{:.2} times the {without:.2} without guesses, {:.2} to {:.2}", ratio.median, ratio.min, ratio.max);
        let guesses = format!("{accepted_tokens} of {drafted_tokens} guesses right, {tokens} tokens");
        writeln!(stdout(), "{test:24} {median:8.2} tokens/s  ({how}; {guesses})")
    }
}
