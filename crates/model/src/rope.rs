//! Rotary position embedding: the angles of a batch.
//!
//! Angles are computed in f64 by the `libm` crate and rounded to f32 once, so that they are the same on every machine and
//! stay exact at positions where f32 products would not be. Pairs are adjacent elements of a head, as in Mistral's own
//! files and in GGUF; the rotate-half order of Hugging Face files is undone when they are read (`checkpoint`).

use checkpoint::{QueryScaling, Rope, RopeScaling};
use compute::RopeAngles;

/// The frequencies of a model, and what multiplies its queries.
#[derive(Debug)]
pub struct Rotary {
    /// Radians per position, one for each pair of a head.
    frequencies: Vec<f64>,
    /// Multiplies cosines and sines (YaRN's attention factor).
    factor: f64,
    query_scaling: Option<QueryScaling>,
}

impl Rotary {
    /// Frequencies `theta^(-2i/head_dim)`, stretched as the checkpoint says.
    pub fn new(rope: &Rope, head_dim: usize, query_scaling: Option<QueryScaling>) -> Self {
        let plain = |i: usize| libm::pow(rope.theta, -(2.0 * i as f64) / head_dim as f64);
        let pairs = 0..head_dim / 2;
        let (frequencies, factor) = match &rope.scaling {
            RopeScaling::None => (pairs.map(plain).collect(), 1.0),
            RopeScaling::Linear { factor } => (pairs.map(|i| plain(i) / factor).collect(), 1.0),
            RopeScaling::Yarn { factor, original_context, beta_fast, beta_slow, attention_factor } => {
                let ramp = YarnRamp::new(rope.theta, head_dim, *original_context, *beta_fast, *beta_slow);
                let stretched = pairs.map(|i| ramp.mix(i, plain(i) / factor, plain(i)));
                (stretched.collect(), *attention_factor)
            }
        };
        Self { frequencies, factor, query_scaling }
    }

    /// Cosines and sines of the given positions, `[positions, head_dim / 2]`.
    pub fn angles(&self, positions: impl Iterator<Item = usize>) -> RopeAngles {
        let mut angles = RopeAngles { cos: Vec::new(), sin: Vec::new() };
        for position in positions {
            for frequency in &self.frequencies {
                let (sin, cos) = libm::sincos(position as f64 * frequency);
                angles.cos.push((cos * self.factor) as f32);
                angles.sin.push((sin * self.factor) as f32);
            }
        }
        angles
    }

    /// What multiplies the queries of the given positions; `None` where it would be 1 for all of them.
    pub fn query_factors(&self, positions: impl Iterator<Item = usize>) -> Option<Vec<f32>> {
        let QueryScaling { beta, original_context } = self.query_scaling?;
        let factor = |p: usize| (1.0 + beta * libm::log1p((p as f64 / original_context).floor())) as f32;
        let factors: Vec<f32> = positions.map(factor).collect();
        factors.iter().any(|f| *f != 1.0).then_some(factors)
    }
}

/// YaRN (arXiv 2309.00071, §3.2): which pairs keep their frequency. 1 below `low`, 0 above `high`, linear between.
struct YarnRamp {
    low: f64,
    high: f64,
}

impl YarnRamp {
    fn new(theta: f64, head_dim: usize, original_context: f64, beta_fast: f64, beta_slow: f64) -> Self {
        // The pair that turns `rotations` times within the original context.
        let pair = |rotations: f64| {
            let turns = original_context / (rotations * 2.0 * std::f64::consts::PI);
            head_dim as f64 * libm::log(turns) / (2.0 * libm::log(theta))
        };
        let low = pair(beta_fast).floor().max(0.0);
        let high = pair(beta_slow).ceil().min(head_dim as f64 - 1.0);
        // The reference widens an empty ramp by this much rather than divide by zero.
        Self { low, high: if low == high { high + 0.001 } else { high } }
    }

    fn mix(&self, pair: usize, interpolated: f64, kept: f64) -> f64 {
        let slow = ((pair as f64 - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        interpolated * slow + kept * (1.0 - slow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_pair_turns_one_radian_per_position() {
        let rope = Rope { theta: 10_000.0, scaling: RopeScaling::None };
        let angles = Rotary::new(&rope, 4, None).angles([0, 1, 7].into_iter());
        assert_eq!(angles.cos[0], 1.0);
        assert_eq!(angles.sin[2], 1f64.sin() as f32);
        assert_eq!(angles.sin[5], (7.0f64 / 100.0).sin() as f32);
    }

    #[test]
    fn queries_are_scaled_only_beyond_the_original_context() {
        let rope = Rope { theta: 1e6, scaling: RopeScaling::None };
        let scaling = QueryScaling { beta: 0.1, original_context: 16.0 };
        let rotary = Rotary::new(&rope, 8, Some(scaling));
        assert_eq!(rotary.query_factors(0..16), None);
        assert_eq!(rotary.query_factors(15..17), Some(vec![1.0, (1.0 + 0.1 * 2f64.ln()) as f32]));
    }
}
