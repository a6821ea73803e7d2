//! The forward pass.

use checkpoint::{Checkpoint, Config};
use compute::{Backend, KvLayout, KvSpan, KvType, Product};
use sched::Batch;

use crate::attention::Placement;
use crate::{Error, Layer, Logits, Plan, Rotary, load};

/// A model in memory, ready to run.
pub struct Transformer<B: Backend> {
    pub(crate) backend: B,
    pub(crate) config: Config,
    pub(crate) rotary: Rotary,
    pub(crate) tok_embeddings: B::Matrix,
    pub(crate) layers: Vec<Layer<B>>,
    pub(crate) norm: B::Vector,
    /// `None`: the embedding table serves (tied embeddings).
    pub(crate) output: Option<B::Matrix>,
}

impl<B: Backend> Transformer<B> {
    /// Checks the whole checkpoint against its architecture, then reads its weights.
    ///
    /// `progress` is told the file bytes read so far, and of how many.
    ///
    /// # Errors
    /// See [`Error`]; everything that the file's headers can tell is refused before any weight is read.
    pub fn load(checkpoint: &Checkpoint, backend: B, progress: &mut dyn FnMut(u64, u64)) -> Result<Self, Error> {
        load::transformer(checkpoint, None, backend, progress)
    }

    /// As [`Transformer::load`], with the weights rounded to the formats of `plan` on their way into memory: the model that
    /// the file would be which `plan` writes, to the bit.
    ///
    /// # Errors
    /// As [`Transformer::load`]; or weights are rounded already, or damaged.
    pub fn load_as(
        checkpoint: &Checkpoint,
        plan: &Plan<'_>,
        backend: B,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Self, Error> {
        load::transformer(checkpoint, Some(plan), backend, progress)
    }

    /// Runs the rows of a batch through all layers and returns the logits that it asks for.
    ///
    /// Keys and values of all rows are stored in `kv`. A row's logits depend on its own sequence only, to the last bit.
    pub fn forward(&self, batch: &Batch, kv: &mut B::KvPool) -> Logits {
        self.forward_with_hidden(batch, kv).0
    }

    /// The same, and the hidden states behind the last norm of [`Batch::hidden_rows`]: f32 `[hidden_rows, dim]`.
    pub fn forward_with_hidden(&self, batch: &Batch, kv: &mut B::KvPool) -> (Logits, Vec<f32>) {
        let backend = &self.backend;
        let (rows, dim) = (batch.rows(), self.config.dim);
        let at = self.place(batch);

        let mut x = backend.tensor(rows, dim);
        let mut room = (backend.tensor(rows, dim), backend.tensor(rows, dim));
        let ids: Vec<u32> = batch.tokens.iter().map(|t| t.0).collect();
        backend.embed(&self.tok_embeddings, &ids, &mut x);
        for (index, layer) in self.layers.iter().enumerate() {
            layer.forward(backend, (kv, index), &at, &mut x, (&mut room.0, &mut room.1));
        }
        let hidden = match batch.hidden_rows.as_slice() {
            [] => Vec::new(),
            rows => backend.read(&self.normed(&x, rows)).into_owned(),
        };
        (self.head(&x, &batch.logits_rows), hidden)
    }

    /// Norm and output matrix, for the rows whose logits are wanted only.
    fn head(&self, x: &B::Tensor, rows: &[usize]) -> Logits {
        let backend = &self.backend;
        let normed = self.normed(x, rows);
        let mut logits = backend.tensor(rows.len(), self.config.vocab_size);
        let weight = self.output.as_ref().unwrap_or(&self.tok_embeddings);
        backend.linear(&normed, &mut [Product { weight, out: &mut logits }]);
        Logits::new(backend.read(&logits).into_owned(), self.config.vocab_size)
    }

    fn normed(&self, x: &B::Tensor, rows: &[usize]) -> B::Tensor {
        let mut last = self.backend.tensor(rows.len(), self.config.dim);
        let mut normed = self.backend.tensor(rows.len(), self.config.dim);
        self.backend.gather_rows(x, rows, &mut last);
        self.backend.rms_norm(&last, &self.norm, self.config.norm_eps, &mut normed);
        normed
    }

    fn place<'b>(&self, batch: &'b Batch) -> Placement<'b> {
        let span =
            |s: &'b sched::Span| KvSpan { rows: s.rows.clone(), first_position: s.first_position, blocks: &s.blocks };
        Placement {
            rows: batch.rows(),
            spans: batch.spans.iter().map(span).collect(),
            angles: self.rotary.angles(batch.positions()),
            query_factors: self.rotary.query_factors(batch.positions()),
        }
    }

    /// What a KV block holds, to be kept elsewhere; [`Transformer::set_kv_block`] puts it back.
    pub fn kv_block(&self, kv: &B::KvPool, block: u32) -> Vec<u8> {
        self.backend.kv_block(kv, block)
    }

    /// Puts back what [`Transformer::kv_block`] gave, into any block; as many bytes.
    pub fn set_kv_block(&self, kv: &mut B::KvPool, block: u32, bytes: &[u8]) {
        self.backend.set_kv_block(kv, block, bytes);
    }

    /// Room for the keys and values of `blocks` blocks of [`KvLayout::BLOCK_TOKENS`] tokens.
    ///
    /// # Errors
    /// Memory is short.
    pub fn kv_pool(&self, kv_type: KvType, blocks: usize) -> Result<B::KvPool, Error> {
        self.backend.kv_pool(&kv_layout(&self.config, kv_type), blocks).map_err(Error::KvPool)
    }

    /// The checkpoint's hyper-parameters.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it runs on.
    pub fn backend(&self) -> &B {
        &self.backend
    }
}

/// The shape of the keys and values of a model with this configuration.
pub fn kv_layout(config: &Config, kv_type: KvType) -> KvLayout {
    let Config { n_layers, n_kv_heads, head_dim, .. } = *config;
    KvLayout { n_layers, n_kv_heads, head_dim, kv_type }
}
