//! Arithmetic: the scalar kernels are the specification (docs/numerics.md), the others its twins.

