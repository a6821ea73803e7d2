//! How a model is to be loaded.

use std::num::NonZeroUsize;

use compute::KvType;
use model::Mix;
use tokenizer::TemplateVersion;

use crate::PrefixCacheDir;

/// How a model is to be loaded; the default suits the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineOptions {
    /// Threads that compute. Default: the physical cores that this process may use. Never changes a result.
    pub threads: Option<usize>,
    /// Instruction set to force, by name (`scalar`, `avx2`, …). Default: the fastest there is. Never changes a result.
    pub isa: Option<String>,
    /// The most tokens of a conversation, prompt and answer. Default: what the model was made for, as far as
    /// `kv_memory_bytes` goes.
    pub context: Option<usize>,
    /// Number type of keys and values; part of the numerics id. Default: f32 for f32 checkpoints, f16 for all others.
    pub kv_type: Option<KvType>,
    /// What keys and values may come to fill. Default: half of the memory that is free beside the weights.
    pub kv_memory_bytes: Option<u64>,
    /// Where computed prefixes outlive the program. The weights are read once more at the start, to know the model.
    pub prefix_cache_dir: Option<PrefixCacheDir>,
    /// Round the weights to this mix on their way into memory: the model is then the one that `quantize` would write.
    pub quantize: Option<Mix>,
    /// Rows of one step, which is the chunk in which prompts are read; at most 4,096. Default: 512. Never changes a result.
    pub chunk: Option<NonZeroUsize>,
    /// How tokens are guessed ahead, where a request does not say whether. Never changes a result.
    pub speculate: Speculation,
    /// Instruct template to use instead of the one that the files ask for.
    pub template: Option<TemplateVersion>,
}

/// How tokens are guessed ahead. Never changes a result, only how soon it comes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speculation {
    /// Not at all, but where a request asks for it or predicts its answer.
    Off,
    /// What followed the same words before, in the prompt or in the answer, is run along and kept where it is right.
    #[default]
    Ngram,
}
