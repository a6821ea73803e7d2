//! The hub on the network: Hugging Face's protocol over HTTPS, and nothing beyond reading from it.
//!
//! [`Endpoint`] is what the environment says, `address.rs` which addresses are ever asked, `client.rs` the one place that
//! sends a request, `listing.rs` what a repository holds. Fetching files is `crate::pull`.

mod address;
mod client;
mod endpoint;
mod listing;
mod retry;
mod roots;

pub(crate) use address::Address;
pub(crate) use client::{Answer, Client, Fault};
pub use endpoint::Endpoint;
pub(crate) use listing::{ListedFile, Listing};
pub use retry::Patience;
