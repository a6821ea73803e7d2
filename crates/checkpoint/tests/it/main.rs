//! Integration tests of the crate, one binary.

mod stories;
mod vectors;
