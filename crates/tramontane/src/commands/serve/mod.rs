//! `serve`: the HTTP server.

mod flags;
mod values;

use std::process;

use server::{Loading, Server};

use crate::settings::Settings;
use crate::{loading, terminal};

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
    let Some(first) = server.load_first()? else { return end(server) };
    introduce(&first);
    let keys = if server.needs_key() { "a key is needed" } else { "no key is needed: whoever reaches it may use it" };
    terminal::message(&format!("{keys}; nothing leaves this machine"));
    end(server)
}

/// Waits for the signal that ends the server. What the engine is doing then is nobody's any more: the process ends.
fn end(server: Server) -> anyhow::Result<()> {
    server.wait();
    process::exit(0)
}

fn introduce(first: &Loading) {
    let Loading { name, context, kv_tokens, kv_bytes, numerics_id, notes, .. } = first;
    let room = loading::room(*context, *kv_tokens, *kv_bytes);
    terminal::message(&format!("{name}: {room}; {numerics_id}"));
    notes.iter().for_each(|note| terminal::aside(note));
}
