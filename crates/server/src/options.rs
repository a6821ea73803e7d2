//! How a server is to run: what the command line, the environment and `config.toml` come to.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use engine::{Checkpoint, EngineOptions};

use crate::{limits, models};

/// How a server is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen.
    pub listen: Vec<Listen>,
    /// The models, the default one first.
    pub models: Vec<ModelSource>,
    /// Other names for them: what a client says → the name of a model.
    pub aliases: BTreeMap<String, String>,
    /// How each is loaded; `kv_memory_bytes` counts for each.
    pub engine: EngineOptions,
    /// Memory that can be had now, in bytes; `None` where the machine does not say.
    pub available_bytes: fn() -> Option<u64>,
    /// A model that nobody has used for this long leaves the memory; `None`: it stays until another needs the place.
    pub keep_alive: Option<Duration>,
    /// How long answers under way may go on when the server is told to end.
    pub drain: Duration,
    /// Connections at once.
    pub max_connections: usize,
    /// Where keys are kept; the file need not be there. Without keys everybody who reaches the server may use it.
    pub keys: Option<PathBuf>,
    /// Certificate chain and private key, as PEM files.
    pub tls: Option<Tls>,
    /// Listen off loopback without TLS: the network is trusted, or somebody in front does TLS.
    pub insecure_plain_http: bool,
    /// Names that a `Host` header may have besides `localhost` and addresses.
    pub allow_hosts: Vec<String>,
    /// Origins of pages that may ask: `https://chat.example.org`.
    pub allow_origins: Vec<String>,
    /// How long clients may take.
    pub deadlines: Deadlines,
    /// SIGTERM and SIGINT end the server; a second one ends the process at once.
    pub signals: bool,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// On an address; port 0 takes a free one.
    Tcp(SocketAddr),
    /// On a Unix socket, which only its owner may open.
    Unix(PathBuf),
    /// On the sockets that systemd passes (`LISTEN_FDS`).
    Systemd,
}

/// How long clients may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// To the end of a request's headers; the time that an idle connection is kept, too.
    pub headers: Duration,
    /// From there to the end of its body.
    pub body: Duration,
    /// To take some more of an answer.
    pub write: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { headers: limits::HEADER_DEADLINE, body: limits::BODY_DEADLINE, write: limits::WRITE_DEADLINE }
    }
}

/// Certificate chain and private key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The chain, the server's own certificate first.
    pub certificates: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

impl Options {
    /// On a free port of the loopback address, with nothing to serve.
    pub fn loopback() -> Self {
        Self {
            listen: vec![Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)))],
            models: Vec::new(),
            aliases: BTreeMap::new(),
            engine: EngineOptions::default(),
            available_bytes: engine::available_bytes,
            keep_alive: None,
            drain: Duration::from_secs(30),
            max_connections: limits::CONNECTIONS,
            keys: None,
            tls: None,
            insecure_plain_http: false,
            allow_hosts: Vec::new(),
            allow_origins: Vec::new(),
            deadlines: Deadlines::default(),
            signals: false,
        }
    }
}

/// How a model's files are opened, as often as it is loaded.
type Open = dyn Fn() -> Result<Checkpoint, engine::Error> + Send + Sync;

/// A model to serve.
#[derive(Clone)]
pub struct ModelSource {
    /// What requests call it.
    pub name: String,
    /// Bytes of its files.
    pub size_bytes: u64,
    /// When its files were written.
    pub modified: SystemTime,
    pub(crate) open: Arc<Open>,
}

impl ModelSource {
    /// A `.gguf` file or a folder.
    pub fn at(name: impl Into<String>, path: &Path) -> Self {
        let (size_bytes, modified) = models::files(path);
        let path = path.to_owned();
        Self::new(name, (size_bytes, modified), move || Ok(Checkpoint::open(&path)?))
    }

    /// Whatever `open` opens, of this size and age.
    pub fn new(
        name: impl Into<String>,
        (size_bytes, modified): (u64, SystemTime),
        open: impl Fn() -> Result<Checkpoint, engine::Error> + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), size_bytes, modified, open: Arc::new(open) }
    }
}

impl fmt::Debug for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModelSource").field("name", &self.name).field("size_bytes", &self.size_bytes).finish()
    }
}
