//! The operations that a model is composed of.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::ops::Range;

use quant::RowSource;

use crate::Error;

/// A place where tensors live and operations on them run.
///
/// All activations are f32, `[rows, cols]`, row after row. The result of a row never depends on the other rows of a
/// batch, to the last bit (docs/numerics.md). Shapes are the caller's duty: a mismatch is a bug and panics.
pub trait Backend: Send + Sync + Sized {
    /// A weight matrix in the layout that the backend multiplies from.
    type Matrix: Send + Sync;
    /// A row of f32 weights (a norm's gain).
    type Vector: Send + Sync;
    /// Activations, f32 `[rows, cols]`.
    type Tensor: Send;
    /// Keys and values of all layers, in blocks.
    type KvPool: Send;

    /// Reads, packs and keeps a weight matrix.
    ///
    /// # Errors
    /// The source cannot be read, or memory is short.
    fn matrix(&self, source: &dyn RowSource) -> Result<Self::Matrix, Error>;

    /// Reads a matrix of one row as f32.
    ///
    /// # Errors
    /// As [`Backend::matrix`].
    fn vector(&self, source: &dyn RowSource) -> Result<Self::Vector, Error>;

    /// Storage for `blocks` blocks of keys and values.
    ///
    /// # Errors
    /// Memory is short.
    fn kv_pool(&self, layout: &KvLayout, blocks: usize) -> Result<Self::KvPool, Error>;

    /// Activations; what is in them is void until an operation has written it.
    fn tensor(&self, rows: usize, cols: usize) -> Self::Tensor;

    /// Activations, all zero.
    fn zeros(&self, rows: usize, cols: usize) -> Self::Tensor;

    /// The numbers of a tensor, row after row.
    fn read<'t>(&self, tensor: &'t Self::Tensor) -> Cow<'t, [f32]>;

    /// `out[i] = table[rows[i]]`, decoded: token embeddings.
    fn embed(&self, table: &Self::Matrix, rows: &[u32], out: &mut Self::Tensor);

    /// `out = x / sqrt(mean(x²) + eps) · weight`, row by row (RMSNorm).
    fn rms_norm(&self, x: &Self::Tensor, weight: &Self::Vector, eps: f32, out: &mut Self::Tensor);

    /// `out = x · weightᵀ` for several matrices that share their input, so that it is quantised once.
    fn linear(&self, x: &Self::Tensor, products: &mut [Product<'_, Self>]);

    /// Rotates adjacent pairs of every head of every row.
    fn rope(&self, x: &mut Self::Tensor, head_dim: usize, angles: &RopeAngles);

    /// Multiplies row `i` by `factors[i]`.
    fn scale_rows(&self, x: &mut Self::Tensor, factors: &[f32]);

    /// Stores the keys and values `[rows, n_kv_heads · head_dim]` of the spans' rows at their positions.
    fn kv_write(&self, pool: &mut Self::KvPool, layer: usize, spans: &[KvSpan<'_>], k: &Self::Tensor, v: &Self::Tensor);

    /// The numbers of a KV block in all layers, to be kept elsewhere: [`KvLayout::block_bytes`] bytes, the same on every machine.
    fn kv_block(&self, pool: &Self::KvPool, block: u32) -> Vec<u8>;

    /// Puts back what [`Backend::kv_block`] gave; as many bytes.
    fn set_kv_block(&self, pool: &mut Self::KvPool, block: u32, bytes: &[u8]);

    /// Causal attention of each row over the keys of its own sequence, up to its own position.
    fn attention(
        &self,
        pool: &Self::KvPool,
        layer: usize,
        spans: &[KvSpan<'_>],
        shape: &AttentionShape,
        q: &Self::Tensor,
        out: &mut Self::Tensor,
    );

    /// `gate = silu(gate) · up`, element by element (SwiGLU).
    fn silu_mul(&self, gate: &mut Self::Tensor, up: &Self::Tensor);

    /// `x = x + y`, element by element.
    fn add(&self, x: &mut Self::Tensor, y: &Self::Tensor);

    /// `out[i] = x[rows[i]]`.
    fn gather_rows(&self, x: &Self::Tensor, rows: &[usize], out: &mut Self::Tensor);

    /// `out[rows[i]] = fma(weights[i], x[i], out[rows[i]])`, in the order of `i`. No row stands twice in `rows`.
    fn scatter_add(&self, x: &Self::Tensor, rows: &[usize], weights: &[f32], out: &mut Self::Tensor);
}

/// One linear layer of a shared input: `out = x · weightᵀ`.
pub struct Product<'a, B: Backend> {
    /// `[outputs, inputs]`.
    pub weight: &'a B::Matrix,
    /// `[rows, outputs]`, overwritten.
    pub out: &'a mut B::Tensor,
}

/// Cosines and sines of the rotations of a batch: `[rows, head_dim / 2]` each, one angle per adjacent pair.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeAngles {
    /// Already multiplied by YaRN's attention factor, where there is one.
    pub cos: Vec<f32>,
    /// As `cos`.
    pub sin: Vec<f32>,
}

/// What attention needs to know of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttentionShape {
    /// Query heads; a whole multiple of `n_kv_heads`, neighbours share a key-value head.
    pub n_heads: usize,
    /// Key-value heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Multiplies `q·k`; usually `1 / sqrt(head_dim)`.
    pub scale: f32,
    /// A row at position `p` sees positions `p - window + 1 ..= p`; `None` sees all.
    pub window: Option<NonZeroUsize>,
}

/// The rows of one sequence in a batch, and where its keys and values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvSpan<'a> {
    /// Rows of the batch.
    pub rows: Range<usize>,
    /// Position of the first row.
    pub first_position: usize,
    /// KV blocks of the sequence, up to the last row.
    pub blocks: &'a [u32],
}

/// How keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvLayout {
    /// Layers of the model.
    pub n_layers: usize,
    /// Key-value heads of a layer.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Number type. Part of the numerics id.
    pub kv_type: KvType,
}

/// Number type of stored keys and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KvType {
    /// Exact; twice the memory.
    F32,
    /// Rounded to nearest even: the default for all but f32 checkpoints.
    F16,
}

impl KvLayout {
    /// Tokens in a block.
    pub const BLOCK_TOKENS: usize = kernels::KV_BLOCK_TOKENS;

    /// Bytes of one block over all layers.
    pub const fn block_bytes(&self) -> usize {
        let size = match self.kv_type {
            KvType::F32 => 4,
            KvType::F16 => 2,
        };
        self.n_layers * self.n_kv_heads * kernels::kv_block_numbers(self.head_dim) * size
    }
}
