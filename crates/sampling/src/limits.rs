//! The bounds of this crate, in one place.

/// Highest temperature; above it every model writes noise.
pub const TEMPERATURE: f32 = 10.0;
/// Highest repetition penalty.
pub const REPETITION_PENALTY: f32 = 10.0;
/// Largest magnitude of presence and frequency penalty (the range of OpenAI's API).
pub const PENALTY: f32 = 2.0;
/// Largest magnitude of a logit bias (the range of OpenAI's API).
pub const LOGIT_BIAS: f32 = 100.0;
/// Most entries of a logit bias.
pub const LOGIT_BIAS_ENTRIES: usize = 1024;
/// Most alternatives reported with a token.
pub const TOP_LOGPROBS: usize = 100;
/// Most stop strings of a request.
pub const STOP_STRINGS: usize = 16;
/// Longest stop string, in bytes.
pub const STOP_STRING_BYTES: usize = 1024;
