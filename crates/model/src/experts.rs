//! A mixture of experts: a router chooses a few feed-forward parts for each token (Mixtral, arXiv 2401.04088).

use std::cmp::Ordering;

use compute::{Backend, Product};

use crate::Mlp;

/// A router and its experts.
pub struct Experts<B: Backend> {
    pub(crate) gate: B::Matrix,
    pub(crate) experts: Vec<Mlp<B>>,
    /// Experts that each token uses.
    pub(crate) used: usize,
    pub(crate) dim: usize,
}

/// The rows that one expert serves, with their weights.
#[derive(Clone, Default)]
struct Share {
    rows: Vec<usize>,
    weights: Vec<f32>,
}

impl<B: Backend> Experts<B> {
    /// `out[row] = Σ weight · expert(x[row])` over the row's experts, in the order of their numbers.
    ///
    /// That order is the same whatever else is in the batch, so a row's result is too.
    pub fn forward(&self, backend: &B, rows: usize, x: &B::Tensor, out: &mut B::Tensor) {
        *out = backend.zeros(rows, self.dim);
        for (expert, share) in self.experts.iter().zip(self.route(backend, rows, x)) {
            if share.rows.is_empty() {
                continue;
            }
            let mut input = backend.tensor(share.rows.len(), self.dim);
            let mut output = backend.tensor(share.rows.len(), self.dim);
            backend.gather_rows(x, &share.rows, &mut input);
            expert.forward(backend, share.rows.len(), &input, &mut output);
            backend.scatter_add(&output, &share.rows, &share.weights, out);
        }
    }

    fn route(&self, backend: &B, rows: usize, x: &B::Tensor) -> Vec<Share> {
        let count = self.experts.len();
        let mut logits = backend.tensor(rows, count);
        backend.linear(x, &mut [Product { weight: &self.gate, out: &mut logits }]);
        let mut shares = vec![Share::default(); count];
        for (row, logits) in backend.read(&logits).chunks_exact(count).enumerate() {
            for (expert, weight) in top_weights(logits, self.used) {
                shares[expert].rows.push(row);
                shares[expert].weights.push(weight);
            }
        }
        shares
    }
}

/// The `used` largest logits (ties: the lower number) and their softmax among themselves.
///
/// Where any logit is NaN, nothing can be said of the largest: all weights are NaN, whatever its sign, and the answer fails
/// by name.
fn top_weights(logits: &[f32], used: usize) -> Vec<(usize, f32)> {
    if logits.iter().any(|logit| logit.is_nan()) {
        return (0..used).map(|expert| (expert, f32::NAN)).collect();
    }
    let mut order: Vec<usize> = (0..logits.len()).collect();
    // -0 and +0 are a tie.
    order.sort_by(|a, b| logits[*b].partial_cmp(&logits[*a]).unwrap_or(Ordering::Equal).then(a.cmp(b)));
    order.truncate(used);
    let largest = f64::from(logits[order[0]]);
    let exps: Vec<f64> = order.iter().map(|e| libm::exp(f64::from(logits[*e]) - largest)).collect();
    let sum: f64 = exps.iter().sum();
    order.into_iter().zip(exps).map(|(expert, e)| (expert, (e / sum) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::top_weights;

    #[test]
    fn ties_go_to_the_lower_number() {
        assert_eq!(top_weights(&[1.0, 3.0, 3.0, 3.0], 2), [(1, 0.5), (2, 0.5)]);
        assert_eq!(top_weights(&[-1.0, -0.0, 0.0], 2), [(1, 0.5), (2, 0.5)]);
        assert_eq!(top_weights(&[-1.0, 0.0, -0.0], 2), [(1, 0.5), (2, 0.5)]);
    }

    #[test]
    fn a_nan_of_either_sign_makes_all_weights_nan() {
        for nan in [f32::NAN, -f32::NAN] {
            for at in 0..3 {
                let mut logits = [1.0, 2.0, f32::INFINITY];
                logits[at] = nan;
                let weights = top_weights(&logits, 2);
                assert_eq!(weights.len(), 2);
                assert!(weights.iter().all(|(_, weight)| weight.is_nan()), "{logits:?} {weights:?}");
            }
        }
    }
}
