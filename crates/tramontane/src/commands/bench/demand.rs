//! What a test asks of the machine: bytes from memory and operations, whoever computes it.

use engine::{Config, Measurement, ModelCard, Workload};
use serde::Serialize;

use crate::ceilings::Ceilings;

/// What fits in here is not bound by memory: larger than the last-level caches of most machines.
const CACHE_BYTES: f64 = (128 << 20) as f64;

/// What the timed part of a test needs at least.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Demand {
    /// Weights, keys and values, each as often as a step reads it.
    pub(super) bytes: f64,
    /// The same for one step: what a cache would have to hold.
    step_bytes: f64,
    /// Operations of linear layers on block formats; a multiply-add is two.
    pub(super) int8: f64,
    /// Operations in f32: attention, and linear layers on plain numbers.
    pub(super) f32: f64,
}

/// What a test cannot be faster than, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) seconds: f64,
    pub(super) bound: Bound,
}

/// What a limit is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Bound {
    /// Reading.
    Memory,
    /// int8 products, for the greater part.
    Int8,
    /// f32 products, for the greater part.
    F32,
}

impl Demand {
    /// Of experts, those that one token uses: a batch may use more.
    pub(super) fn of(card: &ModelCard, workload: Workload) -> Self {
        let model = Model::new(card);
        let Workload { depth, timed } = workload;
        match timed {
            Measurement::Prefill { tokens } => {
                let ends = (depth..depth + tokens).step_by(Workload::CHUNK);
                let chunks = ends.map(|first| {
                    let end = (first + Workload::CHUNK).min(depth + tokens);
                    let (rows, middle) = ((end - first) as f64, (first + end) as f64 / 2.0);
                    model
                        .step(rows, rows * model.seen(middle), model.seen(end as f64))
                        .with_head(&model, end == depth + tokens)
                });
                chunks.fold(Self::default(), Self::and)
            }
            Measurement::Decode { tokens, sequences } => {
                // Half of what is generated is there on average.
                let (sequences, stored) = (sequences as f64, depth as f64 + tokens as f64 / 2.0);
                let seen = sequences * model.seen(stored);
                let mut step = model.step(sequences, seen, seen).with_head(&model, true);
                // The head runs for every sequence, its weights come once.
                step.add_operations(&model, (sequences - 1.0) * model.head);
                let times = tokens as f64;
                let Self { bytes, step_bytes, int8, f32 } = step;
                Self { bytes: times * bytes, step_bytes, int8: times * int8, f32: times * f32 }
            }
        }
    }

    /// What the machine's ceilings make of it.
    pub(super) fn limit(&self, ceilings: &Ceilings) -> Limit {
        let (int8, f32) = (self.int8 / ceilings.int8_per_second, self.f32 / ceilings.f32_per_second);
        let bound = if int8 >= f32 { Bound::Int8 } else { Bound::F32 };
        let computing = Limit { seconds: int8 + f32, bound };
        let reading = ceilings.read_bytes_per_second.filter(|_| self.step_bytes > CACHE_BYTES);
        match reading.map(|rate| self.bytes / rate) {
            Some(seconds) if seconds > computing.seconds => Limit { seconds, bound: Bound::Memory },
            _ => computing,
        }
    }

    /// All operations.
    pub(super) fn operations(&self) -> f64 {
        self.int8 + self.f32
    }

    fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            step_bytes: self.step_bytes.max(other.step_bytes),
            int8: self.int8 + other.int8,
            f32: self.f32 + other.f32,
        }
    }

    fn with_head(mut self, model: &Model, there: bool) -> Self {
        if there {
            let bytes = model.head * model.bytes_each;
            (self.bytes, self.step_bytes) = (self.bytes + bytes, self.step_bytes + bytes);
            self.add_operations(model, model.head);
        }
        self
    }

    /// Of products with so many weights.
    fn add_operations(&mut self, model: &Model, weights: f64) {
        let operations = if model.plain { &mut self.f32 } else { &mut self.int8 };
        *operations += 2.0 * weights;
    }
}

/// Sizes of a model, in weights where nothing else is said.
struct Model<'a> {
    config: &'a Config,
    layers: f64,
    head: f64,
    /// Bytes of a weight.
    bytes_each: f64,
    kv_bytes_per_token: f64,
    /// All weights are plain numbers, which are multiplied in f32.
    plain: bool,
}

impl<'a> Model<'a> {
    fn new(card: &'a ModelCard) -> Self {
        let config = &card.config;
        let (dim, hidden) = (config.dim as f64, config.hidden_dim as f64);
        let heads = |count: usize| (count * config.head_dim) as f64;
        let attention = dim * (2.0 * heads(config.n_heads) + 2.0 * heads(config.n_kv_heads));
        let (experts, gate) = config.experts.map_or((1.0, 0.0), |e| (e.used as f64, dim * e.count as f64));
        let layer = attention + experts * 3.0 * dim * hidden + gate;
        Self {
            config,
            layers: config.n_layers as f64 * layer,
            head: config.vocab_size as f64 * dim,
            bytes_each: card.about.size_bytes as f64 / card.about.parameters.max(1) as f64,
            kv_bytes_per_token: card.kv_bytes_per_token as f64,
            plain: card.about.formats.iter().all(|(format, _)| format.block_weights() == 1),
        }
    }

    /// A step of `rows` rows, which see `seen` tokens all together, of which `read` come from memory.
    fn step(&self, rows: f64, seen: f64, read: f64) -> Demand {
        let Config { n_layers, n_heads, head_dim, .. } = *self.config;
        let bytes = self.layers * self.bytes_each + read * self.kv_bytes_per_token;
        let attention = 4.0 * seen * (n_layers * n_heads * head_dim) as f64;
        let mut demand = Demand { bytes, step_bytes: bytes, int8: 0.0, f32: attention };
        demand.add_operations(self, rows * self.layers);
        demand
    }

    /// How many of `tokens` a row sees, on average over the layers.
    fn seen(&self, tokens: f64) -> f64 {
        let windows = &self.config.windows;
        let seen = windows.iter().map(|window| window.map_or(tokens, |window| tokens.min(window.get() as f64)));
        seen.sum::<f64>() / windows.len().max(1) as f64
    }
}
