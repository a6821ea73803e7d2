//! What is loaded, and how it will run: the facts that commands show.

use std::time::Duration;

use checkpoint::{About, Checkpoint, Config, Layout, Pooling, Recommended};
use compute::{CpuBackend, KvType};
use model::{Architecture, Transformer};
use quant::Format;
use sampling::SamplingParams;

use crate::Template;
use crate::context::Context;

/// What is loaded, and how it will run.
#[derive(Clone, Debug)]
pub struct ModelCard {
    /// What the files say of themselves.
    pub about: About,
    /// In whose arrangement they are.
    pub layout: Layout,
    /// The model's shape.
    pub config: Config,
    /// Which models share its architecture.
    pub models: &'static str,
    /// Which instruct template conversations go through, and why, as a sentence.
    pub template: String,
    /// Tokens of one conversation, prompt and answer.
    pub context: usize,
    /// How a prompt that is longer can be answered, as a half-sentence: by the bound that applied.
    pub more_context: String,
    /// Number type of keys and values.
    pub kv_type: KvType,
    /// Tokens of all conversations together whose keys and values fit in memory at once.
    pub kv_tokens: usize,
    /// How hidden states become an embedding: as the files say, else the last one.
    pub pooling: Pooling,
    /// Bytes that keys and values of one token take.
    pub kv_bytes_per_token: usize,
    /// What was left out, chosen or bounded while loading, in sentences.
    pub notes: Vec<String>,
    /// How tokens are chosen where nobody says: what the model's makers recommend, over our own defaults.
    pub sampling: SamplingParams,
    /// Instruction set of the kernels.
    pub isa: &'static str,
    /// Threads that compute.
    pub threads: usize,
    /// Names the arithmetic: equal ids give equal bytes.
    pub numerics_id: String,
    /// From the opened files (their headers are read) to the readiness to answer.
    pub load: Duration,
}

impl ModelCard {
    pub(crate) fn new(
        (checkpoint, about): (&Checkpoint, About),
        model: &Transformer<CpuBackend>,
        template: &Template,
        (context, kv_type): (&Context, KvType),
        load: Duration,
    ) -> Self {
        Self {
            about,
            layout: checkpoint.layout,
            config: checkpoint.config.clone(),
            models: Architecture::of(&checkpoint.config).map_or("", |row| row.models),
            template: template.reason().to_owned(),
            context: context.tokens,
            more_context: context.more.clone(),
            kv_type,
            kv_tokens: context.blocks as usize * compute::KvLayout::BLOCK_TOKENS,
            pooling: checkpoint.config.pooling.unwrap_or(Pooling::Last),
            kv_bytes_per_token: model::kv_layout(&checkpoint.config, kv_type).block_bytes()
                / compute::KvLayout::BLOCK_TOKENS,
            notes: checkpoint.notes.iter().chain(&context.note).cloned().collect(),
            sampling: sampling(&checkpoint.about.recommended),
            isa: model.backend().isa_name(),
            threads: model.backend().num_threads(),
            numerics_id: model.backend().numerics_id(kv_type).to_owned(),
            load,
        }
    }
}

fn sampling(recommended: &Recommended) -> SamplingParams {
    let default = SamplingParams::default();
    SamplingParams {
        temperature: recommended.temperature.unwrap_or(default.temperature),
        top_k: recommended.top_k.unwrap_or(default.top_k),
        top_p: recommended.top_p.unwrap_or(default.top_p),
        min_p: recommended.min_p.unwrap_or(default.min_p),
        repetition_penalty: recommended.repetition_penalty.unwrap_or(default.repetition_penalty),
        ..default
    }
}

/// Keys and values are as exact as the weights: f32 where all weights are, f16 otherwise.
pub(crate) fn default_kv_type(about: &About) -> KvType {
    let exact = about.formats.iter().all(|(format, _)| *format == Format::F32);
    if exact { KvType::F32 } else { KvType::F16 }
}
