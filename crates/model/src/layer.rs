//! One layer: attention, then feed-forward, each behind its norm and added to the stream.

use compute::Backend;

use crate::attention::Placement;
use crate::{Attention, FeedForward};

/// One layer of the transformer.
pub struct Layer<B: Backend> {
    pub(crate) attention_norm: B::Vector,
    pub(crate) attention: Attention<B>,
    pub(crate) ffn_norm: B::Vector,
    pub(crate) feed_forward: FeedForward<B>,
    pub(crate) norm_eps: f32,
}

impl<B: Backend> Layer<B> {
    /// `x += attention(norm(x))`, then `x += feed_forward(norm(x))`. `normed` and `out` are room to work in, `[rows, dim]`.
    pub(crate) fn forward(
        &self,
        backend: &B,
        kv: (&mut B::KvPool, usize),
        at: &Placement<'_>,
        x: &mut B::Tensor,
        (normed, out): (&mut B::Tensor, &mut B::Tensor),
    ) {
        backend.rms_norm(x, &self.attention_norm, self.norm_eps, normed);
        self.attention.forward(backend, kv, at, normed, out);
        backend.add(x, out);

        backend.rms_norm(x, &self.ffn_norm, self.norm_eps, normed);
        self.feed_forward.forward(backend, at.rows, normed, out);
        backend.add(x, out);
    }
}
