//! Described in ARCHITECTURE.md.
