//! The built binary, from the outside: what it prints, and how it ends.

mod brise;
mod chat;
mod configuration;
#[allow(dead_code, reason = "shared with the tests of the hub, which use more of it")]
#[path = "../../../hub/tests/it/disk.rs"]
mod disk;
mod exits;
mod generated;
#[allow(dead_code, reason = "shared with the tests of the hub, which use more of it")]
#[path = "../../../hub/tests/it/hub.rs"]
mod hub;
mod models;
mod program;
mod pull;
mod quantize;
mod run;
mod serve;
mod store;
mod tokenize;
