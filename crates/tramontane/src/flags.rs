//! Flags that several commands share, and what they come to together with config.toml.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;
use engine::{EngineOptions, KvType, Mix, ModelCard, PrefixCacheDir, SamplingParams, TemplateVersion};

use crate::exit::Usage;
use crate::settings::Settings;

/// How the model is loaded.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct ModelFlags {
    /// Threads that compute; changes no result [default: the physical cores]
    #[arg(long, value_name = "N", env = "TRAMONTANE_THREADS", hide_env = true)]
    threads: Option<usize>,
    /// Most tokens of prompt and answer together [default: the model's own, as far as memory goes]
    #[arg(long, value_name = "TOKENS", env = "TRAMONTANE_CONTEXT", hide_env = true)]
    context: Option<usize>,
    /// Memory for keys and values: 512M, 8G; how many tokens it holds is said at the start [default: half of what is free]
    #[arg(long, value_name = "SIZE", env = "TRAMONTANE_KV_MEMORY", hide_env = true)]
    kv_memory: Option<String>,
    /// Number type of keys and values [default: f32 for f32 models, else f16]
    #[arg(long, value_name = "TYPE", env = "TRAMONTANE_KV_TYPE", hide_env = true, value_parser = ["f16", "f32"])]
    kv_type: Option<String>,
    /// Round the weights while loading, as `quantize --type TYPE` would: q8_0, q4_k_m, …
    #[arg(long, value_name = "TYPE", env = "TRAMONTANE_QUANTIZE", hide_env = true)]
    quantize: Option<String>,
    /// Instruction set to use instead of the fastest: scalar, avx2, …; changes no result
    #[arg(long, value_name = "NAME", env = "TRAMONTANE_ISA", hide_env = true, hide = true)]
    isa: Option<String>,
}

impl ModelFlags {
    /// # Errors
    /// A word that stands for nothing.
    pub(crate) fn options(&self, settings: &Settings) -> anyhow::Result<EngineOptions> {
        let kv_type = self.kv_type.as_ref().or(settings.kv_type.as_ref());
        let quantize = self.quantize.as_ref().or(settings.quantize.as_ref());
        let kv_memory = self.kv_memory.as_ref().or(settings.kv_memory.as_ref());
        Ok(EngineOptions {
            threads: at_least_one("--threads", self.threads)?.or(settings.threads),
            isa: self.isa.as_deref().map(isa_named).transpose()?.or_else(|| settings.isa.clone()),
            context: at_least_one("--context", self.context)?.or(settings.context),
            kv_type: kv_type.map(|name| kv_type_named(name)).transpose()?,
            kv_memory_bytes: kv_memory.map(|text| size_of_flag("--kv-memory", text)).transpose()?,
            quantize: quantize.map(|name| mix_named(name)).transpose()?,
            ..EngineOptions::default()
        })
    }
}

/// Where computed prompts outlive the program.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct CacheFlags {
    /// Keep what was computed of prompts in this folder, for the next start; it tells of what was asked [default: nowhere]
    #[arg(long, value_name = "DIR", env = "TRAMONTANE_PREFIX_CACHE_DIR", hide_env = true)]
    prefix_cache_dir: Option<PathBuf>,
    /// What all files in that folder may come to [default: 8G]
    #[arg(long, value_name = "SIZE", env = "TRAMONTANE_PREFIX_CACHE_SIZE", hide_env = true)]
    prefix_cache_size: Option<String>,
}

impl CacheFlags {
    /// # Errors
    /// A word that stands for no size, or a size without a folder.
    pub(crate) fn folder(&self, settings: &Settings) -> anyhow::Result<Option<PrefixCacheDir>> {
        let path = self.prefix_cache_dir.as_ref().or(settings.prefix_cache_dir.as_ref());
        let size = self.prefix_cache_size.as_ref().or(settings.prefix_cache_size.as_ref());
        let bytes = size.map(|text| size_of_flag("--prefix-cache-size", text)).transpose()?;
        match path {
            Some(path) => Ok(Some(PrefixCacheDir { path: path.clone(), bytes: bytes.unwrap_or(PREFIX_CACHE_BYTES) })),
            None if self.prefix_cache_size.is_some() => {
                Err(Usage::error("--prefix-cache-size without --prefix-cache-dir: which folder is meant?"))
            }
            None => Ok(None),
        }
    }
}

/// What the prefix cache's folder may come to where nobody says otherwise.
const PREFIX_CACHE_BYTES: u64 = 8 << 30;

/// How conversations are rendered.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Model")]
pub(crate) struct TemplateFlags {
    /// Instruct template to use instead of the model's own: v1, v2, v3, v7, v11, v13, v15
    // Its environment variable is read with the settings: it must not count as a conflict with --raw.
    #[arg(long, value_name = "VERSION")]
    template: Option<String>,
}

impl TemplateFlags {
    /// # Errors
    /// There is no such version.
    pub(crate) fn version(&self, settings: &Settings) -> anyhow::Result<Option<TemplateVersion>> {
        let name = self.template.as_ref().or(settings.template.as_ref());
        name.map(|name| template_named(name)).transpose()
    }
}

/// How an answer is generated.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Answer")]
pub(crate) struct AnswerFlags {
    /// Same model, prompt, parameters and seed: same answer [default: a random one]
    #[arg(long, value_name = "N", env = "TRAMONTANE_SEED", hide_env = true)]
    seed: Option<u64>,
    /// How adventurous: 0 always takes the most probable token [default: the model's, or 0.7]
    #[arg(long, value_name = "X", env = "TRAMONTANE_TEMPERATURE", hide_env = true)]
    temperature: Option<f32>,
    /// Choose among the most probable tokens of this share [default: the model's, or 0.95]
    #[arg(long, value_name = "X", env = "TRAMONTANE_TOP_P", hide_env = true)]
    top_p: Option<f32>,
    /// Choose among this many most probable tokens, 0 is all [default: the model's, or 0]
    #[arg(long, value_name = "N", env = "TRAMONTANE_TOP_K", hide_env = true)]
    top_k: Option<usize>,
    /// Choose among tokens at least this share as probable as the best [default: the model's, or 0]
    #[arg(long, value_name = "X", env = "TRAMONTANE_MIN_P", hide_env = true)]
    min_p: Option<f32>,
    /// Choose among the most typical tokens that make up this share [default: 1]
    #[arg(long, value_name = "X", env = "TRAMONTANE_TYPICAL_P", hide_env = true)]
    typical_p: Option<f32>,
    /// Makes what was said before less probable; 1 is off [default: the model's, or 1]
    #[arg(long, value_name = "X", env = "TRAMONTANE_REPETITION_PENALTY", hide_env = true)]
    repetition_penalty: Option<f32>,
    /// Subtracted from the logit of each token of the answer so far [default: 0]
    #[arg(long, value_name = "X", env = "TRAMONTANE_PRESENCE_PENALTY", hide_env = true)]
    presence_penalty: Option<f32>,
    /// The same once for each time that the token was used [default: 0]
    #[arg(long, value_name = "X", env = "TRAMONTANE_FREQUENCY_PENALTY", hide_env = true)]
    frequency_penalty: Option<f32>,
    /// Most tokens of an answer [default: what the context holds]
    #[arg(long, value_name = "N", env = "TRAMONTANE_MAX_TOKENS", hide_env = true)]
    max_tokens: Option<usize>,
    /// Text that ends the answer; can be given several times
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// System prompt
    // Its environment variable is read with the settings: it must not count as a conflict with --raw.
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Guess tokens ahead: ngram (what followed the same words before) or off; changes no result [default: ngram]
    #[arg(long, value_name = "HOW", env = "TRAMONTANE_SPECULATE", hide_env = true, value_parser = ["ngram", "off"])]
    speculate: Option<String>,
    /// Say how long it took
    #[arg(long, env = "TRAMONTANE_STATS", hide_env = true, value_parser = BoolishValueParser::new())]
    stats: bool,
}

/// What the flags, the environment and config.toml come to.
#[derive(Clone, Debug)]
pub(crate) struct AnswerOptions {
    pub(crate) sampling: SamplingParams,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) stop: Vec<String>,
    /// Guess tokens ahead; `None`: as the engine does.
    pub(crate) speculate: Option<bool>,
    pub(crate) system: Option<String>,
    pub(crate) stats: bool,
}

impl AnswerOptions {
    /// The same for a loaded model, whose makers may recommend other numbers than ours; the seed stays.
    pub(crate) fn with(self, flags: &AnswerFlags, settings: &Settings, card: &ModelCard) -> anyhow::Result<Self> {
        let sampling = flags.sampling(settings, card.sampling.clone())?;
        Ok(Self { sampling: SamplingParams { seed: self.sampling.seed, ..sampling }, ..self })
    }
}

impl AnswerFlags {
    /// # Errors
    /// A number out of its range.
    pub(crate) fn options(&self, settings: &Settings) -> anyhow::Result<AnswerOptions> {
        if self.max_tokens.or(settings.max_tokens) == Some(0) {
            return Err(Usage::error("--max-tokens is 0: at least one token is needed for an answer"));
        }
        let stop = if self.stop.is_empty() { settings.stop.clone().unwrap_or_default() } else { self.stop.clone() };
        sampling::StopStrings::new(&stop).map_err(|error| Usage::error(error.to_string()))?;
        let speculate = self.speculate.as_ref().or(settings.speculate.as_ref());
        Ok(AnswerOptions {
            sampling: self.sampling(settings, SamplingParams::default())?,
            max_tokens: self.max_tokens.or(settings.max_tokens),
            stop,
            speculate: speculate.map(|how| speculation_named(how)).transpose()?,
            system: self.system.clone().or_else(|| settings.system.clone()),
            stats: self.stats || settings.stats.unwrap_or(false),
        })
    }

    /// What is asked for here, over `default`: what the model's makers recommend.
    fn sampling(&self, settings: &Settings, default: SamplingParams) -> anyhow::Result<SamplingParams> {
        let sampling = SamplingParams {
            temperature: self.temperature.or(settings.temperature).unwrap_or(default.temperature),
            top_p: self.top_p.or(settings.top_p).unwrap_or(default.top_p),
            top_k: self.top_k.or(settings.top_k).unwrap_or(default.top_k),
            min_p: self.min_p.or(settings.min_p).unwrap_or(default.min_p),
            typical_p: self.typical_p.or(settings.typical_p).unwrap_or(default.typical_p),
            repetition_penalty: self
                .repetition_penalty
                .or(settings.repetition_penalty)
                .unwrap_or(default.repetition_penalty),
            presence_penalty: self.presence_penalty.or(settings.presence_penalty).unwrap_or(default.presence_penalty),
            frequency_penalty: self
                .frequency_penalty
                .or(settings.frequency_penalty)
                .unwrap_or(default.frequency_penalty),
            seed: self.seed.or(settings.seed).unwrap_or_else(random_seed),
            ..default
        };
        // No bias here, so the size of the vocabulary does not matter.
        sampling.validate(usize::MAX).map_err(|error| Usage::error(error.to_string()))?;
        Ok(sampling)
    }
}

/// # Errors
/// There is no such mix of formats.
pub(crate) fn mix_named(name: &str) -> anyhow::Result<Mix> {
    Mix::named(name).ok_or_else(|| {
        let names = Mix::ALL.map(|mix| mix.name).join(", ");
        Usage::error(format!("{name} is no type: there are {names}"))
    })
}

fn kv_type_named(name: &str) -> anyhow::Result<KvType> {
    match name {
        "f16" => Ok(KvType::F16),
        "f32" => Ok(KvType::F32),
        _ => Err(Usage::error(format!("kv_type is {name}: it must be f16 or f32"))),
    }
}

fn isa_named(name: &str) -> anyhow::Result<String> {
    if kernels::Isa::from_name(name).is_some() {
        return Ok(name.to_owned());
    }
    let names: Vec<_> = kernels::Isa::available().iter().map(|isa| isa.name()).collect();
    Err(Usage::error(format!("--isa is {name}: this processor has {}", names.join(", "))))
}

/// # Errors
/// It is 0.
pub(crate) fn at_least_one(flag: &str, number: Option<usize>) -> anyhow::Result<Option<usize>> {
    match number {
        Some(0) => Err(Usage::error(format!("{flag} is 0: at least one is needed"))),
        number => Ok(number),
    }
}

fn size_of_flag(flag: &str, text: &str) -> anyhow::Result<u64> {
    bytes(text).map_err(|problem| Usage::error(format!("{flag} is {text}: {problem}")))
}

/// `1073741824`, `512M`, `8G`, `8GiB`: powers of 1024.
///
/// # Errors
/// It is none of these, or nothing.
pub(crate) fn bytes(text: &str) -> Result<u64, &'static str> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        "g" | "gb" | "gib" => Some(30),
        _ => None,
    };
    let bytes = shift.and_then(|shift| digits.parse::<u64>().ok()?.checked_mul(1 << shift)).filter(|&bytes| bytes > 0);
    bytes.ok_or("a size is expected, like 512M or 8G")
}

/// Whether to guess ahead.
///
/// # Errors
/// There is no such way.
pub(crate) fn speculation_named(name: &str) -> anyhow::Result<bool> {
    match name {
        "ngram" => Ok(true),
        "off" => Ok(false),
        _ => Err(Usage::error(format!("speculate is {name}: it must be ngram or off"))),
    }
}

fn template_named(name: &str) -> anyhow::Result<TemplateVersion> {
    TemplateVersion::from_name(name).ok_or_else(|| {
        let names = TemplateVersion::ALL.map(TemplateVersion::name).join(", ");
        Usage::error(format!("{name} is no template version: there are {names}"))
    })
}

/// 32 bits, so that people can type it again; the standard library's hasher is keyed by the system's randomness.
fn random_seed() -> u64 {
    RandomState::new().hash_one(0) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let rows = [("1024", Some(1024)), ("512M", Some(512 << 20)), ("8GiB", Some(8 << 30)), ("2kb", Some(2048))];
        let wrong = ["", "0", "G", "-1", "1.5G", "8T", "99999999999G"].map(|text| (text, None));
        for (text, size) in rows.into_iter().chain(wrong) {
            assert_eq!(bytes(text).ok(), size, "{text}");
        }
    }
}
