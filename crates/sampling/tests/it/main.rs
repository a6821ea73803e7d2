//! Filters against transformers' own, choice against a naive twin, stop strings against `find`.

mod filters;
mod numbers;
mod params;
mod sampler;
mod stop;
