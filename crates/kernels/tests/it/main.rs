//! The kernels against each other, bit for bit, and the pool under stress.

mod attention;
mod pool;
mod rows;
