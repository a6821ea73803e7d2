//! The feed-forward slot of a layer: one SwiGLU part, or a router over several.

use compute::{Backend, Product};

use crate::Experts;

/// What stands in the feed-forward slot of a layer.
pub enum FeedForward<B: Backend> {
    /// One part for every token.
    Dense(Mlp<B>),
    /// A few of many, chosen for each token.
    Experts(Experts<B>),
}

/// SwiGLU (arXiv 2002.05202): `w2 · (silu(w1 · x) ⊙ w3 · x)`.
pub struct Mlp<B: Backend> {
    pub(crate) w1: B::Matrix,
    pub(crate) w2: B::Matrix,
    pub(crate) w3: B::Matrix,
    pub(crate) hidden_dim: usize,
}

impl<B: Backend> FeedForward<B> {
    /// `out = feed_forward(x)`, row by row; `x` and `out` are `[rows, dim]`.
    pub fn forward(&self, backend: &B, rows: usize, x: &B::Tensor, out: &mut B::Tensor) {
        match self {
            Self::Dense(mlp) => mlp.forward(backend, rows, x, out),
            Self::Experts(experts) => experts.forward(backend, rows, x, out),
        }
    }
}

impl<B: Backend> Mlp<B> {
    /// `out = w2 · (silu(w1 · x) ⊙ w3 · x)`.
    pub fn forward(&self, backend: &B, rows: usize, x: &B::Tensor, out: &mut B::Tensor) {
        let mut gate = backend.tensor(rows, self.hidden_dim);
        let mut up = backend.tensor(rows, self.hidden_dim);
        backend
            .linear(x, &mut [Product { weight: &self.w1, out: &mut gate }, Product { weight: &self.w3, out: &mut up }]);
        backend.silu_mul(&mut gate, &up);
        backend.linear(&gate, &mut [Product { weight: &self.w2, out }]);
    }
}
