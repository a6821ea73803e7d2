//! The HTTP server: four dialects over one engine.
//!
//! ```text
//! connection (http/) → gate.rs: id, Host, Origin, key → routes.rs → a dialect: parse → app.model → Generation → encode
//! ```
//!
//! A dialect is a folder; wire types end there. What goes wrong is a `Refusal` (`refusal.rs`) until the gate writes it in the
//! words of the dialect. The server never opens a connection: it answers those that come. Limits: `limits.rs`.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod answers;
mod anthropic;
mod app;
mod body;
mod bounds;
mod caller;
mod dialect;
mod drain;
mod error;
mod form;
mod gate;
mod generation;
mod http;
mod keys;
mod limits;
mod log;
mod metrics;
mod mistral;
mod models;
mod ollama;
mod on_thread;
mod openai;
mod options;
mod parts;
mod plain;
mod refusal;
mod request_id;
mod routes;
mod server;
mod shared_paths;
mod signals;
mod stream;
mod text_or;
mod timestamp;
mod turns;
mod vectors;

pub use error::Error;
pub use keys::{Key, KeyError, KeyFile, KeyLimits};
pub use log::{LogFormat, start_log};
pub use options::{Deadlines, Listen, ModelSource, Options, Tls};
pub use routes::{RouteSummary, route_table};
pub use server::{Loading, Server};
