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
/// (arXiv 2309.00071, equation 22; `weight` is DeepSeek's addition.) It is part of the result: not the platform's logarithm.
pub(crate) fn yarn_magnitude(factor: f64, weight: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * libm::log(factor) + 1.0 }
}

#[cfg(test)]
mod tests {
    use super::yarn_magnitude;

    /// The factors of published models. glibc's logarithm gives another last bit for 48.
    #[test]
    fn the_same_magnitude_on_every_platform() {
        let rows: [(f64, u64); 8] = [
            (2.0, 0x3ff1_1be9_bff2_e94c),
            (4.0, 0x3ff2_37d3_7fe5_d298),
            (8.0, 0x3ff3_53bd_3fd8_bbe4),
            (16.0, 0x3ff4_6fa6_ffcb_a530),
            (32.0, 0x3ff5_8b90_bfbe_8e7c),
            (40.0, 0x3ff5_e6f7_0bd6_e39c),
            (48.0, 0x3ff6_31a4_d8dc_f24a),
            (64.0, 0x3ff6_a77a_7fb1_77c8),
        ];
        testkit::check_table(rows.map(|row| (row.0, row)), |(factor, bits)| {
            let found = yarn_magnitude(factor, 1.0).to_bits();
            if found == bits { Ok(()) } else { Err(format!("{found:#x}")) }
        });
    }
}
