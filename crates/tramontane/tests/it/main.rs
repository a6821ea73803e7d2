//! The built binary, from the outside: what it prints, and how it ends.

mod chat;
mod configuration;
mod exits;
mod generated;
mod models;
mod program;
mod quantize;
mod run;
mod store;
mod tokenize;
