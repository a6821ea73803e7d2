//! Every bound of this crate in one place.

use std::time::Duration;

/// Rows of one step: the chunk in which prompts are read while nobody is being answered.
pub(crate) const STEP_ROWS: usize = 512;
/// As many at most, whatever is asked for.
pub(crate) const LONGEST_CHUNK: usize = 4096;
/// Rows of prompts in a step that answers somebody too: nobody's next token waits longer than these rows take.
pub(crate) const PREFILL_ROWS: usize = 64;
/// Sequences that run at once.
pub(crate) const RUNNING: usize = 64;
/// Sequences that wait for a place.
pub(crate) const WAITING: usize = 256;
/// Requests between their submission and their end; one more is refused before it is queued.
pub(crate) const PLACES: usize = RUNNING + WAITING;
/// Commands on their way to the worker thread: never fewer than requests, so that submitting never blocks.
pub(crate) const COMMANDS: usize = PLACES + 64;
/// Texts of one call that become vectors at once.
pub(crate) const EMBEDDINGS: usize = 32;
/// Guesses that one answer runs in a step.
pub(crate) const LONGEST_DRAFT: usize = 32;
/// Guesses that all answers together run in a step, however well they pay.
pub(crate) const ALL_DRAFTS: usize = 64;
/// Tokens in which a text is compared with what was said before.
pub(crate) const LONGEST_PHRASE: usize = 32;
/// Places at which the same words were said that are compared.
pub(crate) const PLACES_LOOKED_AT: usize = 16;
/// Keys and values may always come to this.
pub(crate) const LEAST_KV_BYTES: u64 = 256 << 20;
/// They come to no more than this where nobody says otherwise.
pub(crate) const MOST_KV_BYTES: u64 = 64 << 30;
/// The same where the machine does not say what is free.
pub(crate) const UNKNOWN_KV_BYTES: u64 = 2 << 30;
/// Rows whose logits are held at once while a text is scored.
pub(crate) const SCORE_ROWS: usize = 32;
/// Tokens that are read together while importance is measured: llama.cpp's default, so that matrices compare.
pub(crate) const IMPORTANCE_TOKENS: usize = 512;
/// Blocks on their way to the disk: more stay in memory until there is room.
pub(crate) const SHELF_WRITING: usize = 8;
/// Blocks that were read and wait for the engine.
pub(crate) const SHELF_READING: usize = 4;
/// Files of a model in the prefix cache's folder; more are not looked at.
pub(crate) const SHELF_FILES: usize = 4_000_000;
/// How long the engine waits for the disk at a time when there is nothing else to do.
pub(crate) const SHELF_PAUSE: Duration = Duration::from_millis(2);
/// How long nothing is written after a file could not be.
pub(crate) const SHELF_AFTER_FAILURE: Duration = Duration::from_secs(30);
/// A file that was begun longer ago will not be finished.
pub(crate) const SHELF_UNFINISHED: Duration = Duration::from_secs(3600);
/// How long the end of the engine waits for blocks that are to be written.
pub(crate) const SHELF_END: Duration = Duration::from_secs(10);
