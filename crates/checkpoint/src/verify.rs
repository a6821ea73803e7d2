//! Checks that hold for every configuration, whichever file it was read from.

use crate::{Config, Error, RopeScaling, limits};

/// How one kind of file calls the values that are compared with one another here.
pub(crate) struct FieldNames {
    pub(crate) n_heads: &'static str,
    pub(crate) n_kv_heads: &'static str,
    pub(crate) head_dim: &'static str,
    pub(crate) experts_used: &'static str,
    pub(crate) rope_theta: &'static str,
    pub(crate) rope_scaling: &'static str,
    pub(crate) query_scaling: &'static str,
    pub(crate) norm_eps: &'static str,
}

/// An error naming the first value that makes no sense beside the others.
pub(crate) fn verify(config: &Config, file: &str, names: &FieldNames) -> Result<(), Error> {
    let wrong = |field: &str, problem: String| Err(Error::config(file, field, problem));
    let Config { dim, n_heads, n_kv_heads, head_dim, .. } = *config;
    if n_heads % n_kv_heads != 0 {
        let problem = format!("{n_heads} heads cannot share {n_kv_heads} ({}) evenly", names.n_kv_heads);
        return wrong(names.n_heads, problem);
    }
    if head_dim % 2 != 0 {
        return wrong(names.head_dim, format!("{head_dim} is odd, but rotary embedding turns pairs"));
    }
    let width = n_heads.checked_mul(head_dim).filter(|width| *width <= limits::WIDTH);
    if width.is_none() || dim > limits::WIDTH {
        return wrong(names.head_dim, format!("{n_heads} heads of {head_dim} are wider than any model"));
    }
    if let Some(experts) = config.experts.filter(|experts| experts.used > experts.count) {
        let problem = format!("{} experts for a token, but a layer has {}", experts.used, experts.count);
        return wrong(names.experts_used, problem);
    }
    if !(config.norm_eps > 0.0 && config.norm_eps < 1.0) {
        return wrong(names.norm_eps, format!("{} is not a small positive number", config.norm_eps));
    }
    // The model computes logarithms of it, and divides by them.
    if !(config.rope.theta > 1.0 && config.rope.theta <= 1e30) {
        return wrong(names.rope_theta, format!("{} is not a number above 1", config.rope.theta));
    }
    scaling(config, names).or_else(|(field, problem)| wrong(field, problem))
}

fn scaling(config: &Config, names: &FieldNames) -> Result<(), (&'static str, String)> {
    let positive = |field: &'static str, what: &str, value: f64| {
        let sound = value > 0.0 && value <= 1e30;
        if sound { Ok(()) } else { Err((field, format!("{what} {value} is not a positive number"))) }
    };
    match config.rope.scaling {
        RopeScaling::None => {}
        RopeScaling::Linear { factor } => positive(names.rope_scaling, "factor", factor)?,
        RopeScaling::Yarn { factor, original_context, beta_fast, beta_slow, attention_factor } => {
            for (what, value) in [
                ("factor", factor),
                ("original context", original_context),
                ("beta_fast", beta_fast),
                ("beta_slow", beta_slow),
                ("attention factor", attention_factor),
            ] {
                positive(names.rope_scaling, what, value)?;
            }
        }
    }
    if let Some(scaling) = config.query_scaling {
        positive(names.query_scaling, "beta", scaling.beta)?;
        positive(names.query_scaling, "original context", scaling.original_context)?;
    }
    Ok(())
}

/// YaRN's factor of cosines and sines where the file does not give it: `0.1 · weight · ln(factor) + 1`, 1 for no stretching.
/// (arXiv 2309.00071, equation 22; `weight` is DeepSeek's addition.)
pub(crate) fn yarn_magnitude(factor: f64, weight: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 }
}
