//! Hyper-parameters of a model, as all three file layouts state them in their own words.

use std::num::NonZeroUsize;

/// What a checkpoint says of its model's shape. Names are those of Mistral's `params.json` where it has one.
///
/// Parsed and checked: no zero, no NaN, no size whose products overflow.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The file's own word: `llama`, `mistral`, `ministral`, `ministral3`, `mistral3`, `mixtral`, `helium`.
    pub architecture: String,
    /// Rows of the embedding table.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub dim: usize,
    /// Width inside the feed-forward part (of one expert, where there are experts).
    pub hidden_dim: usize,
    /// Number of layers.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key-value heads.
    pub n_kv_heads: usize,
    /// Width of a head; not always `dim / n_heads`.
    pub head_dim: usize,
    /// RMSNorm's epsilon.
    pub norm_eps: f32,
    /// Longest sequence that the model was made for, in tokens.
    pub context_length: usize,
    /// Rotary embedding.
    pub rope: Rope,
    /// Llama 4's scaling of queries by position, where the model has it.
    pub query_scaling: Option<QueryScaling>,
    /// Attention window of each layer; `None` sees everything. `n_layers` entries.
    pub windows: Vec<Option<NonZeroUsize>>,
    /// Mixture of experts, where the model has it.
    pub experts: Option<Experts>,
    /// The output matrix is the embedding table.
    pub tied_embeddings: bool,
    /// How hidden states become an embedding, where the files say.
    pub pooling: Option<Pooling>,
}

/// How the hidden states of a text become its embedding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The last one.
    Last,
}

/// Rotary position embedding: base, and how it was stretched to longer contexts.
#[derive(Clone, Debug, PartialEq)]
pub struct Rope {
    /// Base of the geometric series of wavelengths.
    pub theta: f64,
    /// Stretching.
    pub scaling: RopeScaling,
}

/// How rotary frequencies were stretched.
#[derive(Clone, Debug, PartialEq)]
pub enum RopeScaling {
    /// Not at all.
    None,
    /// All frequencies divided by `factor`.
    Linear {
        /// Ratio of new to old context.
        factor: f64,
    },
    /// YaRN (arXiv 2309.00071): slow frequencies interpolated, fast ones kept, a ramp between.
    Yarn {
        /// Ratio of new to old context.
        factor: f64,
        /// Context before stretching, in tokens.
        original_context: f64,
        /// Rotations within the original context above which a frequency is kept.
        beta_fast: f64,
        /// Rotations within the original context below which a frequency is interpolated.
        beta_slow: f64,
        /// Multiplies cosines and sines. Already resolved from the file's way of saying it.
        attention_factor: f64,
    },
}

/// `q *= 1 + beta · ln(1 + floor(position / original_context))`, after the rotation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueryScaling {
    /// Strength.
    pub beta: f64,
    /// Context before stretching, in tokens.
    pub original_context: f64,
}

/// A router over several feed-forward parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Experts {
    /// Experts of a layer.
    pub count: usize,
    /// Experts that each token uses.
    pub used: usize,
}
