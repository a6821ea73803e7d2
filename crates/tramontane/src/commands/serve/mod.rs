//! `serve`: the HTTP server.

mod flags;
mod values;

use std::process;

use server::{Loading, Server};

use crate::machine::readable;
use crate::settings::Settings;
use crate::terminal;

pub(crate) use flags::Args;

/// # Errors
/// The address cannot be had, whoever reaches it could misuse the server, or the first model cannot be loaded.
pub(crate) fn run(args: &Args, settings: &Settings) -> anyhow::Result<()> {
    args.start_log(settings)?;
    let options = args.options(settings)?;
    let names: Vec<_> = options.models.iter().map(|model| model.name.clone()).collect();
    let (tls, unix) = (options.tls.is_some(), options.listen.clone());
    let server = Server::start(options)?;
    let scheme = if tls { "https" } else { "http" };
    server.addresses().iter().for_each(|address| terminal::message(&format!("listening on {scheme}://{address}")));
    for listen in unix {
        if let server::Listen::Unix(path) = listen {
            terminal::message(&format!("listening on {}", path.display()));
        }
    }
    terminal::message(&format!("models: {}", names.join(", ")));
    let Some(loading) = server.load_first()? else { return end(server) };
    introduce(&loading);
    let keys = if server.needs_key() { "a key is needed" } else { "no key is needed: whoever reaches it may use it" };
    terminal::message(&format!("{keys}; nothing leaves this machine"));
    end(server)
}

/// Waits for the signal that ends the server. What the engine is doing then is nobody's any more: the process ends.
fn end(server: Server) -> anyhow::Result<()> {
    server.wait();
    process::exit(0)
}

fn introduce(loading: &Loading) {
    let Loading { name, context, kv_tokens, kv_bytes, numerics_id, notes, .. } = loading;
    terminal::message(&format!(
        "{name}: context {context} tokens; keys and values up to {}, which hold {kv_tokens} tokens; {numerics_id}",
        readable(*kv_bytes)
    ));
    notes.iter().for_each(|note| terminal::aside(note));
}
