//! From a checkpoint to a model in memory.
//!
//! Names and shapes of all tensors are compared with what the configuration implies before a byte of weights is read.

use std::io;

use checkpoint::{Checkpoint, Config, Expected, Tensor};
use compute::{AttentionShape, Backend};
use quant::{Encoded, RowSource};

use crate::{Architecture, Attention, Error, Experts, FeedForward, Layer, Mlp, Plan, Rotary, Transformer};

pub(crate) fn transformer<B: Backend>(
    checkpoint: &Checkpoint,
    plan: Option<&Plan<'_>>,
    backend: B,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Transformer<B>, Error> {
    let config = &checkpoint.config;
    check_tensors(checkpoint)?;
    if let Some((tensor, from)) = plan.and_then(Plan::rounded_twice) {
        return Err(Error::Rounded { tensor: tensor.to_owned(), from });
    }
    let total_bytes = checkpoint.weight_bytes();
    let mut loader = Loader { checkpoint, plan, backend: &backend, config, progress, done_bytes: 0, total_bytes };
    let tok_embeddings = loader.matrix("tok_embeddings.weight")?;
    let layers = (0..config.n_layers).map(|n| loader.layer(n)).collect::<Result<_, _>>()?;
    let norm = loader.vector("norm.weight")?;
    let output = if config.tied_embeddings { None } else { Some(loader.matrix("output.weight")?) };
    Ok(Transformer {
        rotary: Rotary::new(&config.rope, config.head_dim, config.query_scaling),
        config: config.clone(),
        tok_embeddings,
        layers,
        norm,
        output,
        backend,
    })
}

/// Whether this is a model that can be run: its architecture is known, and its tensors are those that its configuration
/// implies. Reads no weights.
///
/// # Errors
/// The first thing that is wrong.
pub fn check_tensors(checkpoint: &Checkpoint) -> Result<(), Error> {
    Architecture::of(&checkpoint.config)?;
    Ok(checkpoint.expect(&expected_tensors(&checkpoint.config))?)
}

/// Bytes that a model's weights take in memory, a little more at most; its embeddings are a matrix too.
pub fn memory_bytes(checkpoint: &Checkpoint, plan: Option<&Plan<'_>>) -> u64 {
    let bytes = |tensor: &Tensor| {
        let format = plan.and_then(|plan| plan.format(tensor.name())).unwrap_or(tensor.format());
        compute::packed_bytes(format, tensor.rows(), tensor.cols())
    };
    // Vectors are numbers of their own, and few.
    checkpoint.tensors().filter(|tensor| !tensor.name().ends_with("norm.weight")).map(bytes).sum()
}

/// Every tensor that a configuration implies, with its shape, under its canonical name.
fn expected_tensors(config: &Config) -> Vec<Expected> {
    let Config { dim, hidden_dim, head_dim, .. } = *config;
    let (q, kv) = (config.n_heads * head_dim, config.n_kv_heads * head_dim);
    let mut all = vec![Expected::new("tok_embeddings.weight", config.vocab_size, dim)];
    for n in 0..config.n_layers {
        let mut add =
            |name: String, rows, cols| all.push(Expected::new(&format!("layers.{n}.{name}.weight"), rows, cols));
        add("attention_norm".into(), 1, dim);
        add("attention.wq".into(), q, dim);
        add("attention.wk".into(), kv, dim);
        add("attention.wv".into(), kv, dim);
        add("attention.wo".into(), dim, q);
        add("ffn_norm".into(), 1, dim);
        let parts = match config.experts {
            None => vec!["feed_forward".to_owned()],
            Some(experts) => {
                add("feed_forward.gate".into(), experts.count, dim);
                (0..experts.count).map(|e| format!("feed_forward.experts.{e}")).collect()
            }
        };
        for part in parts {
            add(format!("{part}.w1"), hidden_dim, dim);
            add(format!("{part}.w2"), dim, hidden_dim);
            add(format!("{part}.w3"), hidden_dim, dim);
        }
    }
    all.push(Expected::new("norm.weight", 1, dim));
    if !config.tied_embeddings {
        all.push(Expected::new("output.weight", config.vocab_size, dim));
    }
    all
}

struct Loader<'a, B> {
    checkpoint: &'a Checkpoint,
    plan: Option<&'a Plan<'a>>,
    backend: &'a B,
    config: &'a Config,
    progress: &'a mut dyn FnMut(u64, u64),
    done_bytes: u64,
    /// Counted once: a model may have a quarter of a million tensors.
    total_bytes: u64,
}

impl<B: Backend> Loader<'_, B> {
    fn layer(&mut self, n: usize) -> Result<Layer<B>, Error> {
        Ok(Layer {
            attention_norm: self.vector(&format!("layers.{n}.attention_norm.weight"))?,
            attention: self.attention(n)?,
            ffn_norm: self.vector(&format!("layers.{n}.ffn_norm.weight"))?,
            feed_forward: self.feed_forward(n)?,
            norm_eps: self.config.norm_eps,
        })
    }

    fn attention(&mut self, n: usize) -> Result<Attention<B>, Error> {
        let Config { n_heads, n_kv_heads, head_dim, .. } = *self.config;
        let window = self.config.windows[n];
        let scale = (1.0 / (head_dim as f64).sqrt()) as f32;
        let name = |matrix: &str| format!("layers.{n}.attention.{matrix}.weight");
        Ok(Attention {
            wq: self.matrix(&name("wq"))?,
            wk: self.matrix(&name("wk"))?,
            wv: self.matrix(&name("wv"))?,
            wo: self.matrix(&name("wo"))?,
            shape: AttentionShape { n_heads, n_kv_heads, head_dim, scale, window },
        })
    }

    fn feed_forward(&mut self, n: usize) -> Result<FeedForward<B>, Error> {
        let part = format!("layers.{n}.feed_forward");
        let Some(experts) = self.config.experts else {
            return Ok(FeedForward::Dense(self.mlp(&part)?));
        };
        Ok(FeedForward::Experts(Experts {
            gate: self.matrix(&format!("{part}.gate.weight"))?,
            experts: (0..experts.count).map(|e| self.mlp(&format!("{part}.experts.{e}"))).collect::<Result<_, _>>()?,
            used: experts.used,
            dim: self.config.dim,
        }))
    }

    fn mlp(&mut self, part: &str) -> Result<Mlp<B>, Error> {
        Ok(Mlp {
            w1: self.matrix(&format!("{part}.w1.weight"))?,
            w2: self.matrix(&format!("{part}.w2.weight"))?,
            w3: self.matrix(&format!("{part}.w3.weight"))?,
            hidden_dim: self.config.hidden_dim,
        })
    }

    fn matrix(&mut self, name: &str) -> Result<B::Matrix, Error> {
        let tensor = self.checkpoint.tensor(name)?;
        let matrix = match self.plan.and_then(|plan| plan.format(name)) {
            None => self.backend.matrix(tensor),
            Some(format) => Encoded::new(tensor, format, None)
                .map_err(|problem| io::Error::other(problem).into())
                .and_then(|encoded| self.backend.matrix(&encoded)),
        };
        let matrix = matrix.map_err(|cause| Error::Tensor { name: name.to_owned(), cause })?;
        self.count(tensor);
        Ok(matrix)
    }

    fn vector(&mut self, name: &str) -> Result<B::Vector, Error> {
        let tensor = self.checkpoint.tensor(name)?;
        let vector = self.backend.vector(tensor).map_err(|cause| Error::Tensor { name: name.to_owned(), cause })?;
        self.count(tensor);
        Ok(vector)
    }

    fn count(&mut self, tensor: &dyn RowSource) {
        let row_bytes = tensor.format().row_bytes(tensor.cols()).unwrap_or(0);
        self.done_bytes += (tensor.rows() * row_bytes) as u64;
        (self.progress)(self.done_bytes, self.total_bytes);
    }
}
