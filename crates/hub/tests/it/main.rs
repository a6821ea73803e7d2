//! The store against folders that other programs, or their enemies, could have written.

mod disk;
mod places;
mod signing;
