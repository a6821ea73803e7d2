//! The kernels against each other, bit for bit, and the pool under stress.

mod attention;
mod linear;
mod packed;
mod pool;
mod probe;
mod rows;
mod weights;
