//! The store against folders that other programs, or their enemies, could have written, and against hubs that fail or lie.

mod bundle;
mod disk;
mod hub;
mod names;
mod places;
mod pull;
mod pull_again;
mod remove;
mod resolve;
mod signing;
mod smoke;
mod verify;
