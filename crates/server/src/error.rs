//! Why a server does not start.

use std::io;
use std::net::SocketAddr;

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
}
