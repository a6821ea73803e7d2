//! The twins of `scalar/`: the same bits, sixteen numbers at a time, for every instruction set at once.

pub(crate) mod attention;
pub(crate) mod convert;
pub(crate) mod elementwise;
pub(crate) mod exp;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod rope;
pub(crate) mod silu;
