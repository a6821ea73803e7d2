//! What the server writes about its work: on standard error, a line a request, never what was asked or answered, never a
//! key. Text from outside is written as a quoted string, so that it cannot look like a line of ours.

use std::io::{IsTerminal as _, stderr};

use tracing::level_filters::LevelFilter;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// A JSON object a line.
    Json,
}

/// From now on this process writes what happens, down to `level`: `error`, `warn`, `info`, `debug`, `trace`, `off`.
/// A second call changes nothing. False where there is no such level.
pub fn start_log(format: LogFormat, level: &str) -> bool {
    let Ok(level) = level.parse::<LevelFilter>() else { return false };
    let builder = tracing_subscriber::fmt().with_writer(stderr).with_max_level(level).with_target(false);
    // Somebody else's subscriber stays.
    let _ = match format {
        LogFormat::Human => tracing::subscriber::set_global_default(builder.with_ansi(stderr().is_terminal()).finish()),
        LogFormat::Json => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
    };
    true
}
