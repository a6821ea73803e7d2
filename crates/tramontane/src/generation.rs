//! One answer, from the request to its last event.

use std::io::{Write, stdout};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::prompt::ToolCall;
use engine::{Engine, Event, FinishReason, ModelCard, Prompt, Request, TextKind, Timings, Usage};
use serde_json::{Value, json};

use crate::flags::AnswerOptions;
use crate::{interrupt, terminal};

/// How often Ctrl-C is looked for while nothing comes.
const GLANCE: Duration = Duration::from_millis(50);

/// A complete answer, or what there was of it when Ctrl-C came.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) text: String,
    pub(crate) thinking: String,
    pub(crate) tool_calls: Vec<ToolCall>,
    /// `None`: stopped by Ctrl-C.
    pub(crate) reason: Option<FinishReason>,
    pub(crate) usage: Usage,
    pub(crate) timings: Timings,
}

/// A request for `prompt` with these options.
pub(crate) fn request(prompt: Prompt, options: &AnswerOptions) -> Request {
    Request {
        sampling: options.sampling.clone(),
        max_tokens: options.max_tokens,
        stop: options.stop.clone(),
        speculate: options.speculate,
        ..Request::new(prompt)
    }
}

/// Runs a request and hands each piece of text to `show` as it comes.
///
/// # Errors
/// The request is refused or fails, or the text cannot be written.
pub(crate) fn generate(
    engine: &Engine,
    request: Request,
    show: &mut dyn FnMut(&str, TextKind) -> std::io::Result<()>,
) -> anyhow::Result<Answer> {
    let start = Instant::now();
    let mut first = None;
    let mut stream = engine.submit(request)?;
    let mut answer = Answer::default();
    while !interrupt::taken() {
        let Ok(event) = stream.next_within(GLANCE) else { return Ok(answer) };
        match event {
            None => {}
            Some(Event::Started { prompt_tokens, .. }) => answer.usage.prompt_tokens = prompt_tokens,
            Some(Event::Text { text, kind, completion_tokens, .. }) => {
                first.get_or_insert_with(Instant::now);
                answer.usage.completion_tokens = completion_tokens;
                show(&text, kind).context("standard output")?;
                answer.add(&text, kind);
            }
            Some(Event::ToolCall(call)) => answer.tool_calls.push(call),
            Some(Event::Finished { reason, usage, timings, .. }) => {
                return Ok(Answer { reason: Some(reason), usage, timings, ..answer });
            }
            Some(Event::Failed(error)) => return Err(error.into()),
            Some(_) => {}
        }
    }
    stream.cancel();
    // As the engine would have reported it, seen from here.
    let first = first.unwrap_or_else(Instant::now);
    answer.timings = Timings { prefill: first - start, decode: first.elapsed() };
    Ok(answer)
}

impl Answer {
    fn add(&mut self, text: &str, kind: TextKind) {
        match kind {
            TextKind::Content => self.text.push_str(text),
            TextKind::Thinking => self.thinking.push_str(text),
        }
    }

    /// Tells people when the answer is not all there is.
    pub(crate) fn explain(&self, card: &ModelCard) {
        match self.reason {
            Some(FinishReason::Length) => {
                terminal::note(&format!("the answer was cut: --max-tokens is {}", self.usage.completion_tokens));
            }
            Some(FinishReason::Context) => terminal::note(&format!(
                "the answer was cut: the context of {} tokens is full (--context sets it, the model was made for {})",
                card.context, card.config.context_length
            )),
            _ => {}
        }
    }

    /// `load 0.21 s · prompt 120 tokens (96 cached), 350.1/s · answer 256 tokens (12 of 30 guesses right), 48.2/s ·
    /// seed 7 · avx512, 2 threads, tn-1-f16`.
    pub(crate) fn stats(&self, card: &ModelCard, seed: u64) -> String {
        let Usage { prompt_tokens, cached_tokens, completion_tokens, drafted_tokens, accepted_tokens } = self.usage;
        let cached = if cached_tokens > 0 { format!(" ({cached_tokens} cached)") } else { String::new() };
        let guesses = match drafted_tokens {
            0 => String::new(),
            _ => format!(" ({accepted_tokens} of {drafted_tokens} guesses right)"),
        };
        format!(
            "load {:.2} s · prompt {prompt_tokens} tokens{cached}, {} · answer {completion_tokens} tokens{guesses}, {} \
             · seed {seed} · {}, {} threads, {}",
            card.load.as_secs_f64(),
            rate(prompt_tokens - cached_tokens, self.timings.prefill),
            // The first token comes out of prefill.
            rate(completion_tokens.saturating_sub(1), self.timings.decode),
            card.isa,
            card.threads,
            card.numerics_id,
        )
    }

    /// The answer as `--json` prints it.
    pub(crate) fn json(&self, card: &ModelCard, seed: u64) -> Value {
        let calls = self.tool_calls.iter();
        let calls = calls.map(|call| json!({ "id": call.id, "name": call.name, "arguments": call.arguments }));
        json!({
            "text": self.text,
            "thinking": self.thinking,
            "tool_calls": calls.collect::<Vec<_>>(),
            "finish_reason": reason_name(self.reason),
            "usage": {
                "prompt_tokens": self.usage.prompt_tokens,
                "cached_tokens": self.usage.cached_tokens,
                "drafted_tokens": self.usage.drafted_tokens,
                "accepted_tokens": self.usage.accepted_tokens,
                "completion_tokens": self.usage.completion_tokens,
            },
            "timings": {
                "load_ms": milliseconds(card.load),
                "prefill_ms": milliseconds(self.timings.prefill),
                "decode_ms": milliseconds(self.timings.decode),
            },
            "seed": seed,
            "model": card.about.name,
            "numerics": card.numerics_id,
            "template": card.template,
        })
    }
}

/// Writes an answer as it comes: content to standard output, reasoning dimmed to standard error.
#[derive(Debug, Default)]
pub(crate) struct Printer {
    last: Option<TextKind>,
    ends_line: bool,
}

impl Printer {
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn show(&mut self, text: &str, kind: TextKind) -> std::io::Result<()> {
        let after_thinking = self.last == Some(TextKind::Thinking) && kind == TextKind::Content;
        self.last = Some(kind);
        self.ends_line = text.ends_with('\n');
        match kind {
            TextKind::Thinking => {
                let _ = write!(std::io::stderr(), "{}", terminal::dim(terminal::sanitise(text)));
                Ok(())
            }
            TextKind::Content => {
                if after_thinking {
                    let _ = writeln!(std::io::stderr(), "\n");
                }
                let mut out = stdout().lock();
                out.write_all(terminal::for_stdout(text).as_bytes())?;
                out.flush()
            }
        }
    }

    /// Ends the last line.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(crate) fn end(&self) -> std::io::Result<()> {
        if self.ends_line { Ok(()) } else { writeln!(stdout()) }
    }
}

pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

fn rate(tokens: usize, duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds > 0.0 && tokens > 0 => format!("{:.1}/s", tokens as f64 / seconds),
        _ => "–".to_owned(),
    }
}

fn reason_name(reason: Option<FinishReason>) -> &'static str {
    match reason {
        None => "interrupted",
        Some(FinishReason::Stop) => "stop",
        Some(FinishReason::Length) => "length",
        Some(FinishReason::Context) => "context",
        Some(FinishReason::ToolCalls) => "tool_calls",
        Some(_) => "other",
    }
}
