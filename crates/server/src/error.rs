//! Why a server does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::KeyError;

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be listened on.
    #[error("{address} cannot be listened on: {cause}; is another server running there? --port takes another")]
    Bind {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// The Unix socket cannot be made.
    #[error("the Unix socket {path} cannot be made: {cause}")]
    Unix {
        /// Where.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// systemd passes no sockets that could be used.
    #[error("systemd's sockets cannot be used: {why}")]
    Systemd {
        /// What is wrong with them.
        why: String,
    },
    /// Whoever reaches the port could use the server.
    #[error(
        "{address} is not the loopback address, and there is no key: anybody who reaches it could use this server; make \
         one with `tramontane key add NAME`, or listen on 127.0.0.1"
    )]
    NoKeys {
        /// Where it would listen.
        address: SocketAddr,
    },
    /// Keys and conversations would be readable on the network.
    #[error(
        "{address} is not the loopback address, and there is no TLS: keys and conversations could be read on the way; give \
         --tls-cert and --tls-key, or --insecure-plain-http where something in front does TLS"
    )]
    NoTls {
        /// Where it would listen.
        address: SocketAddr,
    },
    /// Certificate or key cannot be used.
    #[error("{path}: {why}")]
    Tls {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// An origin is not what browsers send.
    #[error("{origin:?} is no origin: write it as browsers do, like https://chat.example.org (no path, no *)")]
    Origin {
        /// What was given.
        origin: String,
    },
    /// Keys cannot be read.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The system grants no threads or sockets.
    #[error("the server's threads cannot be started: {0}")]
    Runtime(#[source] io::Error),
    /// An alias stands for a model that is not served.
    #[error("the alias {alias} stands for {model}, which is not served: there are {served}")]
    Alias {
        /// The alias.
        alias: String,
        /// What it stands for.
        model: String,
        /// The names that there are.
        served: String,
    },
    /// Two models have one name.
    #[error("two models are called {name}: give one of them another name, as NAME=PATH")]
    SameName {
        /// The name.
        name: String,
    },
    /// There is nothing to serve.
    #[error("no model was named: give a .gguf file or a folder with safetensors files")]
    NoModel,
    /// The first model cannot be loaded.
    #[error("{0}")]
    Load(String),
}
