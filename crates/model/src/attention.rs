//! Grouped-query attention with rotary positions.

use compute::{AttentionShape, Backend, KvSpan, Product, RopeAngles};

/// The attention part of a layer. Matrices bear Mistral's names.
pub struct Attention<B: Backend> {
    pub(crate) wq: B::Matrix,
    pub(crate) wk: B::Matrix,
    pub(crate) wv: B::Matrix,
    pub(crate) wo: B::Matrix,
    pub(crate) shape: AttentionShape,
}

/// Where the rows of a batch stand: the same for every layer.
pub(crate) struct Placement<'a> {
    pub rows: usize,
    pub spans: Vec<KvSpan<'a>>,
    pub angles: RopeAngles,
    /// Multiplies each row's queries, where it is not 1 for all.
    pub query_factors: Option<Vec<f32>>,
}

impl<B: Backend> Attention<B> {
    /// `out = wo · attention(rope(wq · x), rope(wk · x), wv · x)`; the new keys and values are stored in `pool`.
    pub(crate) fn forward(
        &self,
        backend: &B,
        (pool, layer): (&mut B::KvPool, usize),
        at: &Placement<'_>,
        x: &B::Tensor,
        out: &mut B::Tensor,
    ) {
        let AttentionShape { n_heads, n_kv_heads, head_dim, .. } = self.shape;
        let mut q = backend.tensor(at.rows, n_heads * head_dim);
        let mut k = backend.tensor(at.rows, n_kv_heads * head_dim);
        let mut v = backend.tensor(at.rows, n_kv_heads * head_dim);
        backend.linear(
            x,
            &mut [
                Product { weight: &self.wq, out: &mut q },
                Product { weight: &self.wk, out: &mut k },
                Product { weight: &self.wv, out: &mut v },
            ],
        );
        backend.rope(&mut q, head_dim, &at.angles);
        backend.rope(&mut k, head_dim, &at.angles);
        if let Some(factors) = &at.query_factors {
            backend.scale_rows(&mut q, factors);
        }
        backend.kv_write(pool, layer, &at.spans, &k, &v);
        let mut mixed = backend.tensor(at.rows, n_heads * head_dim);
        backend.attention(pool, layer, &at.spans, &self.shape, &q, &mut mixed);
        backend.linear(&mixed, &mut [Product { weight: &self.wo, out }]);
    }
}
