//! Ctrl-C as a question: has somebody pressed it?

use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;

/// Presses that nobody has asked about yet.
static PRESSED: AtomicUsize = AtomicUsize::new(0);

/// From now on Ctrl-C is counted; a second press that comes before anybody asked about the first ends the program.
///
/// # Errors
/// The system refuses a signal handler.
pub(crate) fn install() -> anyhow::Result<()> {
    ctrlc::set_handler(|| {
        if PRESSED.fetch_add(1, Ordering::SeqCst) > 0 {
            std::process::exit(1);
        }
    })
    .context("Ctrl-C cannot be watched")
}

/// Whether Ctrl-C was pressed since the last time this was asked.
pub(crate) fn taken() -> bool {
    PRESSED.swap(0, Ordering::SeqCst) > 0
}
