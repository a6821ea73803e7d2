//! The vector instructions of AArch64.

pub(crate) mod neon;
