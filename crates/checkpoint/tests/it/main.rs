//! Integration tests of the crate, one binary.

#[global_allocator]
static MEMORY: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

mod configs;
mod folder;
mod gguf_round;
mod hostile;
mod hostile_folders;
mod importance;
mod layouts;
mod python_gguf;
mod smoke;
mod stories;
mod tiny;
mod vectors;
