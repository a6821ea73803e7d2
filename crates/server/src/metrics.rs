//! What `/metrics` says: counts and durations, no text of anybody.
//!
//! Counted by the server: requests, answers, durations. Read from the engines at each scrape: what runs, waits and is
//! cached ([`Engines`]).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use engine::{Status, Usage};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::http::Places;
use crate::models::Entry;

/// One histogram a model.
type Durations = Family<ModelLabel, Histogram, fn() -> Histogram>;

/// What the server counts itself, and the way to the rest.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    answers: Family<AnswerLabels, Counter>,
    prompt_tokens: Family<ModelLabel, Counter>,
    cached_tokens: Family<ModelLabel, Counter>,
    completion_tokens: Family<ModelLabel, Counter>,
    first_token: Durations,
    between_tokens: Durations,
    whole: Durations,
}

/// A path of the table (or `-`) and a status: nothing that a client can make up.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabel {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    model: String,
    end: &'static str,
}

/// What the endpoint picker's prefix scorer wants to know, as labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CacheLabels {
    model: String,
    block_size: u64,
    num_gpu_blocks: u64,
}

impl CacheLabels {
    fn of(model: &str, status: &Status) -> Self {
        let (block_size, num_gpu_blocks) = (status.kv_block_tokens as u64, status.kv_blocks_total as u64);
        Self { model: model.to_owned(), block_size, num_gpu_blocks }
    }
}

impl Metrics {
    pub(crate) fn new(models: &[Arc<Entry>], places: Places) -> Self {
        let mut registry = Registry::default();
        let metrics = Self {
            requests: Family::default(),
            answers: Family::default(),
            prompt_tokens: Family::default(),
            cached_tokens: Family::default(),
            completion_tokens: Family::default(),
            first_token: durations(),
            between_tokens: durations(),
            whole: durations(),
            registry: Registry::default(),
        };
        let requests = metrics.requests.clone();
        registry.register("tramontane_http_requests", "Requests answered, by route and status", requests);
        let answers = metrics.answers.clone();
        registry.register("tramontane_answers", "Answers of models, by how they ended", answers);
        let tokens = [
            ("tramontane_prompt_tokens", "Tokens of prompts", &metrics.prompt_tokens),
            ("tramontane_prompt_tokens_cached", "Tokens of prompts that were found computed", &metrics.cached_tokens),
            ("tramontane_completion_tokens", "Tokens of answers", &metrics.completion_tokens),
        ];
        tokens.into_iter().for_each(|(name, help, family)| registry.register(name, help, family.clone()));
        let seconds = [
            ("tramontane_time_to_first_token_seconds", "From the request to the first token", &metrics.first_token),
            ("tramontane_time_between_tokens_seconds", "From one token to the next", &metrics.between_tokens),
            ("tramontane_answer_seconds", "From the request to the end of its answer", &metrics.whole),
        ];
        seconds.into_iter().for_each(|(name, help, family)| registry.register(name, help, family.clone()));
        registry.register_collector(Box::new(Engines { models: models.to_vec(), places }));
        Self { registry, ..metrics }
    }

    /// All of it, in the text form of OpenMetrics.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    pub(crate) fn request(&self, route: &str, status: u16) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status }).inc();
    }

    pub(crate) fn first_token(&self, model: &str, after: Duration) {
        self.first_token.get_or_create(&label(model)).observe(after.as_secs_f64());
    }

    /// A text may hold several tokens: each took its share of the time.
    pub(crate) fn later_tokens(&self, model: &str, count: usize, after: Duration) {
        let each = after.as_secs_f64() / count.max(1) as f64;
        let durations = self.between_tokens.get_or_create(&label(model));
        (0..count).for_each(|_| durations.observe(each));
    }

    /// An answer has ended: `stop`, `length`, …, `error` or `cancelled`.
    pub(crate) fn answer(&self, model: &str, end: &'static str, usage: &Usage, after: Duration) {
        self.answers.get_or_create(&AnswerLabels { model: model.to_owned(), end }).inc();
        self.prompt_tokens.get_or_create(&label(model)).inc_by(usage.prompt_tokens as u64);
        self.cached_tokens.get_or_create(&label(model)).inc_by(usage.cached_tokens as u64);
        self.completion_tokens.get_or_create(&label(model)).inc_by(usage.completion_tokens as u64);
        self.whole.get_or_create(&label(model)).observe(after.as_secs_f64());
    }
}

fn label(model: &str) -> ModelLabel {
    ModelLabel { model: model.to_owned() }
}

/// From a millisecond to two minutes and beyond.
fn durations() -> Durations {
    Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 18)))
}

/// What the engines say when they are asked.
struct Engines {
    models: Vec<Arc<Entry>>,
    places: Places,
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Engines")
    }
}

/// A number of an engine.
enum Reading {
    /// What is now.
    Level(fn(&Status) -> f64),
    /// What has been done since the model was loaded.
    Sum(fn(&Status) -> u64),
}

/// Names that begin with `vllm:` are those that the endpoint picker of the Kubernetes inference gateway reads where nobody
/// configures others (its model server protocol); the two for the cache are its newer and its older name.
const READINGS: [(&str, &str, Reading); 18] = {
    use Reading::{Level, Sum};
    [
        ("tramontane_requests_running", "Requests that are being computed", Level(|s| s.running as f64)),
        ("tramontane_requests_waiting", "Requests that wait for a place", Level(|s| s.waiting as f64)),
        ("tramontane_kv_usage_ratio", "Share of the KV memory that running requests use", Level(kv_usage)),
        (
            "tramontane_kv_blocks_cached",
            "KV blocks kept for prompts that begin alike",
            Level(|s| s.kv_blocks_cached as f64),
        ),
        ("tramontane_kv_blocks", "KV blocks in all", Level(|s| s.kv_blocks_total as f64)),
        ("tramontane_engine_steps", "Steps of the engine", Sum(|s| s.counters.steps)),
        ("tramontane_prefill_tokens", "Tokens of prompts computed", Sum(|s| s.counters.prefill_tokens)),
        ("tramontane_decode_tokens", "Tokens generated", Sum(|s| s.counters.decode_tokens)),
        ("tramontane_prefix_cache_hit_tokens", "Tokens of prompts found computed", Sum(|s| s.counters.cached_tokens)),
        (
            "tramontane_prefix_cache_stored_blocks",
            "KV blocks written to the prefix cache's folder",
            Sum(|s| s.counters.stored_blocks),
        ),
        (
            "tramontane_prefix_cache_restored_blocks",
            "KV blocks read back from there",
            Sum(|s| s.counters.restored_blocks),
        ),
        ("tramontane_drafted_tokens", "Tokens guessed ahead", Sum(|s| s.counters.drafted_tokens)),
        ("tramontane_accepted_tokens", "Guessed tokens that were right", Sum(|s| s.counters.accepted_tokens)),
        ("tramontane_preemptions", "Requests that made room for others", Sum(|s| s.counters.preemptions)),
        ("vllm:num_requests_running", "As tramontane_requests_running", Level(|s| s.running as f64)),
        ("vllm:num_requests_waiting", "As tramontane_requests_waiting", Level(|s| s.waiting as f64)),
        ("vllm:kv_cache_usage_perc", "As tramontane_kv_usage_ratio", Level(kv_usage)),
        ("vllm:gpu_cache_usage_perc", "As tramontane_kv_usage_ratio", Level(kv_usage)),
    ]
};

fn kv_usage(status: &Status) -> f64 {
    status.kv_blocks_used as f64 / status.kv_blocks_total.max(1) as f64
}

impl Collector for Engines {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let loaded: Vec<_> =
            self.models.iter().filter_map(|entry| Some((label(&entry.name), entry.status()?))).collect();
        let connections = ConstGauge::new(self.places.taken() as f64);
        let help = "Connections that are open";
        connections.encode(encoder.encode_descriptor("tramontane_connections", help, None, MetricType::Gauge)?)?;
        let mut in_memory =
            encoder.encode_descriptor("tramontane_model_loaded", "Models in memory", None, MetricType::Gauge)?;
        for entry in &self.models {
            let here = f64::from(u8::from(loaded.iter().any(|(label, _)| label.model == entry.name)));
            ConstGauge::new(here).encode(in_memory.encode_family(&label(&entry.name))?)?;
        }
        let mut caches = encoder.encode_descriptor("vllm:cache_config_info", "KV blocks", None, MetricType::Gauge)?;
        for (label, status) in &loaded {
            ConstGauge::new(1.0).encode(caches.encode_family(&CacheLabels::of(&label.model, status))?)?;
        }
        for (name, help, reading) in READINGS {
            match reading {
                Reading::Level(read) => {
                    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                    for (label, status) in &loaded {
                        ConstGauge::new(read(status)).encode(metric.encode_family(label)?)?;
                    }
                }
                Reading::Sum(read) => {
                    let mut metric = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
                    for (label, status) in &loaded {
                        ConstCounter::new(read(status)).encode(metric.encode_family(label)?)?;
                    }
                }
            }
        }
        Ok(())
    }
}
