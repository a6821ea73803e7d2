//! Loading a model, with a progress bar where somebody watches and it takes more than a second.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use engine::{Engine, EngineOptions, ModelCard};
use indicatif::ProgressBar;

use crate::machine::readable;
use crate::model_source::ModelSource;
use crate::progress::bar_at;
use crate::settings::Settings;

/// A bar for something quicker would only flicker.
const PATIENCE: Duration = Duration::from_secs(1);

/// Loads the model that MODEL means.
///
/// # Errors
/// There is no such model, or it cannot be run.
pub(crate) fn load(word: Option<&str>, options: EngineOptions, settings: &Settings) -> anyhow::Result<Engine> {
    let source = ModelSource::find(word, settings)?;
    let checkpoint = source.open()?;
    let mut progress = Progress::new();
    let engine = Engine::of(&checkpoint, &options, &mut |done, total| progress.report(done, total));
    progress.finish();
    engine.with_context(|| source.to_string())
}

/// What conversations have room in: a line for the start.
pub(crate) fn room(context: usize, kv_tokens: usize, kv_bytes: u64) -> String {
    let memory = readable(kv_bytes);
    format!("context {context} tokens; keys and values up to {memory}, which hold {kv_tokens} tokens")
}

/// The same, of a loaded model.
pub(crate) fn room_of(card: &ModelCard) -> String {
    room(card.context, card.kv_tokens, (card.kv_tokens * card.kv_bytes_per_token) as u64)
}

struct Progress {
    start: Instant,
    bar: Option<ProgressBar>,
    watched: bool,
}

impl Progress {
    fn new() -> Self {
        Self { start: Instant::now(), bar: None, watched: stderr().is_terminal() }
    }

    fn report(&mut self, done: u64, total: u64) {
        if !self.watched || self.start.elapsed() < PATIENCE {
            return;
        }
        let template = "loading {wide_bar} {bytes} of {total_bytes}, {eta} left";
        self.bar.get_or_insert_with(|| bar_at(done, total, template)).set_position(done);
    }

    fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}
