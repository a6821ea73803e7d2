//! How a server is to run: what the command line, the environment and `config.toml` come to.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use engine::EngineOptions;

use crate::limits;

/// How a server is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 takes a free one.
    pub address: SocketAddr,
    /// The models, the default one first.
    pub models: Vec<ModelSource>,
    /// Other names for them: what a client says → the name of a model.
    pub aliases: BTreeMap<String, String>,
    /// How each is loaded.
    pub engine: EngineOptions,
    /// Bytes for keys and values, a model. Default: half of what the weights leave free.
    pub kv_memory_bytes: Option<u64>,
    /// Memory that can be had now, in bytes; `None` where the machine does not say.
    pub available_bytes: fn() -> Option<u64>,
    /// A model that nobody has used for this long leaves the memory; `None`: it stays until another needs the place.
    pub keep_alive: Option<Duration>,
    /// How long answers under way may go on when the server is told to end.
    pub drain: Duration,
    /// Connections at once.
    pub max_connections: usize,
}

impl Options {
    /// On a free port of the loopback address, with nothing to serve.
    pub fn loopback() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            models: Vec::new(),
            aliases: BTreeMap::new(),
            engine: EngineOptions::default(),
            kv_memory_bytes: None,
            available_bytes: engine::available_bytes,
            keep_alive: None,
            drain: Duration::from_secs(30),
            max_connections: limits::CONNECTIONS,
        }
    }
}

/// A model to serve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSource {
    /// What requests call it.
    pub name: String,
    /// A `.gguf` file or a folder.
    pub path: PathBuf,
}
