//! Connections: where they come from, accepting them, and bounding what one can cost.

mod accept;
mod listen;
mod patient;
mod tls;

pub(crate) use accept::{Places, Service, accept};
pub(crate) use listen::Listener;
pub(crate) use tls::acceptor;
