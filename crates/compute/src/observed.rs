//! A backend that lets somebody watch what its matrices are multiplied with.
//!
//! It is another type, not a switch: a model on [`crate::CpuBackend`] itself has nothing to ask.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use quant::RowSource;

use crate::{AttentionShape, Backend, Error, KvLayout, KvSpan, Product, RopeAngles};

/// Hears the names of the matrices that share an input, the length of its rows, and the rows one behind the other.
pub type Watch<'w> = dyn FnMut(&[&str], usize, &[f32]) + Send + 'w;

/// A backend that tells a watcher of each linear layer, before it runs. Results are those of the backend inside.
pub struct Observed<'w, B> {
    inner: B,
    watch: Mutex<Box<Watch<'w>>>,
}

/// A matrix that has kept its name.
pub struct ObservedMatrix<M> {
    name: String,
    cols: usize,
    inner: M,
}

impl<'w, B: Backend> Observed<'w, B> {
    /// Watches what runs on `inner`.
    pub fn new(inner: B, watch: Box<Watch<'w>>) -> Self {
        Self { inner, watch: Mutex::new(watch) }
    }
}

impl<B: fmt::Debug> fmt::Debug for Observed<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observed").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<B: Backend> Backend for Observed<'_, B> {
    type Matrix = ObservedMatrix<B::Matrix>;
    type Vector = B::Vector;
    type Tensor = B::Tensor;
    type KvPool = B::KvPool;

    fn matrix(&self, source: &dyn RowSource) -> Result<Self::Matrix, Error> {
        let (name, cols) = (source.name().to_owned(), source.cols());
        Ok(ObservedMatrix { name, cols, inner: self.inner.matrix(source)? })
    }

    fn vector(&self, source: &dyn RowSource) -> Result<Self::Vector, Error> {
        self.inner.vector(source)
    }

    fn kv_pool(&self, layout: &KvLayout, blocks: usize) -> Result<Self::KvPool, Error> {
        self.inner.kv_pool(layout, blocks)
    }

    fn tensor(&self, rows: usize, cols: usize) -> Self::Tensor {
        self.inner.tensor(rows, cols)
    }

    fn zeros(&self, rows: usize, cols: usize) -> Self::Tensor {
        self.inner.zeros(rows, cols)
    }

    fn read<'t>(&self, tensor: &'t Self::Tensor) -> Cow<'t, [f32]> {
        self.inner.read(tensor)
    }

    fn embed(&self, table: &Self::Matrix, rows: &[u32], out: &mut Self::Tensor) {
        self.inner.embed(&table.inner, rows, out);
    }

    fn rms_norm(&self, x: &Self::Tensor, weight: &Self::Vector, eps: f32, out: &mut Self::Tensor) {
        self.inner.rms_norm(x, weight, eps, out);
    }

    fn linear(&self, x: &Self::Tensor, products: &mut [Product<'_, Self>]) {
        let names: Vec<&str> = products.iter().map(|product| product.weight.name.as_str()).collect();
        let cols = products.first().map_or(0, |product| product.weight.cols);
        // A watcher that panicked once has lost no more than what it was told then.
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        watch(&names, cols, &self.inner.read(x));
        drop(watch);
        let mut products: Vec<Product<'_, B>> = products
            .iter_mut()
            .map(|product| Product { weight: &product.weight.inner, out: &mut *product.out })
            .collect();
        self.inner.linear(x, &mut products);
    }

    fn rope(&self, x: &mut Self::Tensor, head_dim: usize, angles: &RopeAngles) {
        self.inner.rope(x, head_dim, angles);
    }

    fn scale_rows(&self, x: &mut Self::Tensor, factors: &[f32]) {
        self.inner.scale_rows(x, factors);
    }

    fn kv_write(
        &self,
        pool: &mut Self::KvPool,
        layer: usize,
        spans: &[KvSpan<'_>],
        k: &Self::Tensor,
        v: &Self::Tensor,
    ) {
        self.inner.kv_write(pool, layer, spans, k, v);
    }

    fn kv_block(&self, pool: &Self::KvPool, block: u32) -> Vec<u8> {
        self.inner.kv_block(pool, block)
    }

    fn set_kv_block(&self, pool: &mut Self::KvPool, block: u32, bytes: &[u8]) {
        self.inner.set_kv_block(pool, block, bytes);
    }

    fn attention(
        &self,
        pool: &Self::KvPool,
        layer: usize,
        spans: &[KvSpan<'_>],
        shape: &AttentionShape,
        q: &Self::Tensor,
        out: &mut Self::Tensor,
    ) {
        self.inner.attention(pool, layer, spans, shape, q, out);
    }

    fn silu_mul(&self, gate: &mut Self::Tensor, up: &Self::Tensor) {
        self.inner.silu_mul(gate, up);
    }

    fn add(&self, x: &mut Self::Tensor, y: &Self::Tensor) {
        self.inner.add(x, y);
    }

    fn gather_rows(&self, x: &Self::Tensor, rows: &[usize], out: &mut Self::Tensor) {
        self.inner.gather_rows(x, rows, out);
    }

    fn scatter_add(&self, x: &Self::Tensor, rows: &[usize], weights: &[f32], out: &mut Self::Tensor) {
        self.inner.scatter_add(x, rows, weights, out);
    }
}
