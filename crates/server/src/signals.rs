//! Signals that end the server.

use std::io;

use crate::drain::{Drain, Phase};

/// The first SIGTERM or SIGINT drains the server, the second ends the process at once. Must be called within the runtime.
///
/// # Errors
/// The system grants no handler.
#[cfg(unix)]
pub(crate) fn watch(drain: Drain) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::spawn(async move {
        loop {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            obey(&drain);
        }
    });
    Ok(())
}

/// As on Unix, with Ctrl-C alone.
#[cfg(not(unix))]
pub(crate) fn watch(drain: Drain) -> io::Result<()> {
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            obey(&drain);
        }
    });
    Ok(())
}

fn obey(drain: &Drain) {
    if drain.phase() > Phase::Open {
        tracing::warn!("told to end a second time: answers under way are cut");
        std::process::exit(1);
    }
    tracing::info!("told to end: answers under way may finish");
    drain.advance(Phase::Draining);
}
