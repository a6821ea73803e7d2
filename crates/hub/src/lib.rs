//! The model store: what is on this machine, where it came from, and how more comes.

#![forbid(unsafe_code)]
