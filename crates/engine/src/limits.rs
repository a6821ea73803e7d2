//! Every bound of this crate in one place.

/// Rows of one step: the chunk in which prompts are read.
pub(crate) const STEP_ROWS: usize = 512;
/// Sequences that run at once.
pub(crate) const RUNNING: usize = 64;
/// Sequences that wait for a place.
pub(crate) const WAITING: usize = 256;
/// Commands on their way to the worker thread.
pub(crate) const COMMANDS: usize = 64;
/// Keys and values may come to this where nobody says otherwise.
pub(crate) const KV_MEMORY_BYTES: u64 = 2 << 30;
/// Rows whose logits are held at once while a text is scored.
pub(crate) const SCORE_ROWS: usize = 32;
