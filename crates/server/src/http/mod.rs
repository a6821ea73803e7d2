//! Connections: accepting them, and bounding what one can cost.

mod accept;
mod patient;

pub(crate) use accept::{Places, accept};
