//! A bar over bytes, for work that reads whole files: only where somebody watches, and only if it takes a while.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt;

/// A bar for something quicker would only flicker.
const PATIENCE: Duration = Duration::from_secs(1);

/// Bytes done of a total, told by several threads.
pub(crate) struct Bytes {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    stopped: AtomicBool,
    start: Instant,
    watched: bool,
    bar: OnceLock<ProgressBar>,
}

impl Bytes {
    /// `what` stands before the bar. From now on Ctrl-C stops the work.
    ///
    /// # Errors
    /// Ctrl-C cannot be watched.
    pub(crate) fn new(what: &'static str, total: u64) -> anyhow::Result<Self> {
        interrupt::install()?;
        Ok(Self {
            what,
            total,
            done: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            start: Instant::now(),
            watched: stderr().is_terminal(),
            bar: OnceLock::new(),
        })
    }

    /// More bytes are done. Whether to go on.
    pub(crate) fn add(&self, bytes: u64) -> bool {
        let done = self.done.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if self.watched && self.start.elapsed() >= PATIENCE {
            self.bar.get_or_init(|| self.begin(done)).set_position(done.min(self.total));
        }
        if interrupt::taken() {
            self.stopped.store(true, Ordering::Relaxed);
        }
        !self.stopped.load(Ordering::Relaxed)
    }

    fn begin(&self, done: u64) -> ProgressBar {
        let template =
            format!("{} {{wide_bar}} {{bytes}} of {{total_bytes}}, {{bytes_per_sec}}, {{eta}} left", self.what);
        bar_at(done.min(self.total), self.total, &template)
    }
}

/// A bar that stands at `done` and counts what comes from then on as speed. `template` is ours: were it wrong, a plain bar
/// would do.
pub(crate) fn bar_at(done: u64, total: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden()).with_position(done);
    // Looks at the position, and forgets how quickly it seemed to get there.
    bar.tick();
    bar.reset_eta();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}
