//! From logits to a token: penalties, filters, a seeded choice, stop strings.
//!
//! The result is a function of logits, parameters, history, seed and position alone: candidates are totally ordered by
//! (logit descending, token id ascending), sums run in a fixed order, exponentials are our own or `libm`'s, and the
//! random number comes from a counter-based generator, so that no state has to be carried from token to token.
//! No clock, no global randomness. Start at [`Sampler`].
#![forbid(unsafe_code)]

mod candidates;
mod error;
mod exponential;
pub mod limits;
mod params;
mod penalties;
mod philox;
mod sampler;
mod stop;

pub use error::Error;
pub use params::SamplingParams;
pub use philox::{philox4x32_10, uniform};
pub use sampler::{Sampled, Sampler, log_probability};
pub use stop::{Released, StopStrings};
pub use tokenizer::TokenMask;
