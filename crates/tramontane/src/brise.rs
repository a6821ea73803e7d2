//! Brise, the small model that comes inside the program: what answers when no model is named.
//!
//! Its bytes are `models/brise/brise-q8_0.gguf`; the folder `brise/` makes them. They are read like any other GGUF file.

use std::sync::Arc;

use checkpoint::{Checkpoint, Error};

use crate::terminal;

/// What MODEL is called.
pub(crate) const NAME: &str = "brise";

/// The whole GGUF file.
static GGUF: &[u8] = include_bytes!("../../../models/brise/brise-q8_0.gguf");

/// # Errors
/// None, unless the file that was compiled in is broken.
pub(crate) fn open() -> Result<Checkpoint, Error> {
    Checkpoint::from_gguf(Arc::new(GGUF), NAME)
}

/// Bytes of the file.
pub(crate) fn size_bytes() -> u64 {
    GGUF.len() as u64
}

/// Tells people whom they talk to, where they named nobody.
pub(crate) fn introduce() {
    terminal::note(
        "this is Brise, the small model that comes with the program; for a larger one: tramontane pull ministral-3:3b",
    );
}
