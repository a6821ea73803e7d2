//! Integration tests of the crate, one binary.

mod gguf_round;
mod stories;
mod tiny;
mod vectors;
