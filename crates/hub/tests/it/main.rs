//! The store against folders that other programs, or their enemies, could have written.

mod disk;
mod places;
mod remove;
mod resolve;
mod signing;
