//! Metadata keys for a model from any layout: the way back of `config.rs` and `vocab.rs`.

use std::collections::HashSet;
use std::path::Path;

use super::{Array, GgufVocab, Keys, Value, parse};
use crate::source::DiskFile;
use crate::verify::yarn_magnitude;
use crate::{AddedTokens, Checkpoint, Config, Error, Layout, RopeScaling};

/// What says how a file was made, not what model it holds: whoever writes tensors says it anew.
const MADE: [&str; 3] = ["general.file_type", "general.quantization_version", "general.alignment"];

/// The keys of a GGUF file that holds this model. From a GGUF file they are taken as they are, all but those on how it
/// was made and split; from the other layouts they are written from the configuration, the template, and `vocab`, which
/// is what the `tokenizer` crate made of the tokenizer file.
///
/// # Errors
/// The file cannot be read a second time; or a value has no GGUF key that means the same.
pub fn keys(checkpoint: &Checkpoint, vocab: Option<&GgufVocab>) -> Result<Keys, Error> {
    if checkpoint.layout == Layout::Gguf {
        return kept(checkpoint);
    }
    let mut keys = Keys::default();
    let config = &checkpoint.config;
    keys.set("general.architecture", text(architecture(config)));
    keys.set("general.type", text("model"));
    if let Some(name) = &checkpoint.about.name {
        keys.set("general.name", text(name));
    }
    if let Some(license) = &checkpoint.about.license {
        keys.set("general.license", text(license));
    }
    let mut writer = Writer { prefix: architecture(config), keys: &mut keys };
    shape(config, &mut writer);
    rope(config, &mut writer).map_err(|(field, problem)| Error::unsupported(&checkpoint.file, field, problem))?;
    match vocab {
        Some(vocab) => vocabulary(&with_added(vocab, &checkpoint.added_tokens), config.vocab_size, &mut keys),
        // llama.cpp's word for it.
        None => keys.set("tokenizer.ggml.model", text("no_vocab")),
    }
    if let Some(template) = &checkpoint.chat_template {
        keys.set("tokenizer.chat_template", text(template));
    }
    Ok(keys)
}

/// The keys of the GGUF file that `checkpoint` was opened from.
fn kept(checkpoint: &Checkpoint) -> Result<Keys, Error> {
    let first = checkpoint.about.files.first().map_or("", String::as_str);
    let gguf = parse(&DiskFile::open(Path::new(first))?, first)?;
    let mut keys = Keys::default();
    let stays = |key: &str| !key.starts_with("split.") && !MADE.contains(&key);
    gguf.keys.iter().filter(|(key, _)| stays(key)).for_each(|(key, value)| keys.set(key, value.clone()));
    Ok(keys)
}

/// `mistral3` is `llama` with YaRN's weights and scaled queries.
fn architecture(config: &Config) -> &'static str {
    let scaled = config.query_scaling.is_some() || ["ministral3", "mistral3"].contains(&config.architecture.as_str());
    if scaled { "mistral3" } else { "llama" }
}

/// Sets keys of the architecture.
struct Writer<'a> {
    prefix: &'static str,
    keys: &'a mut Keys,
}

impl Writer<'_> {
    fn set(&mut self, key: &str, value: Value) {
        self.keys.set(&format!("{}.{key}", self.prefix), value);
    }

    /// Sizes have been held to limits that fit when they were read.
    fn size(&mut self, key: &str, size: usize) {
        self.set(key, Value::U32(u32::try_from(size).unwrap_or(u32::MAX)));
    }

    fn number(&mut self, key: &str, number: f64) {
        self.set(key, Value::F32(number as f32));
    }

    /// A context in tokens, which the other layouts allow to be a fraction.
    fn context(&mut self, key: &'static str, tokens: f64) -> Result<(), (&'static str, String)> {
        if tokens.fract() != 0.0 || !(1.0..=f64::from(u32::MAX)).contains(&tokens) {
            return Err((key, format!("{tokens} tokens cannot be written: it must be a whole number")));
        }
        self.set(key, Value::U32(tokens as u32));
        Ok(())
    }
}

fn shape(config: &Config, writer: &mut Writer<'_>) {
    writer.size("vocab_size", config.vocab_size);
    writer.size("context_length", config.context_length);
    writer.size("embedding_length", config.dim);
    writer.size("block_count", config.n_layers);
    writer.size("feed_forward_length", config.hidden_dim);
    writer.size("attention.head_count", config.n_heads);
    writer.size("attention.head_count_kv", config.n_kv_heads);
    writer.size("attention.key_length", config.head_dim);
    writer.size("attention.value_length", config.head_dim);
    writer.set("attention.layer_norm_rms_epsilon", Value::F32(config.norm_eps));
    if let Some(experts) = config.experts {
        writer.size("expert_count", experts.count);
        writer.size("expert_used_count", experts.used);
    }
    if let Some(window) = config.windows.iter().flatten().next() {
        writer.size("attention.sliding_window", window.get());
        if config.windows.contains(&None) {
            let slides: Vec<bool> = config.windows.iter().map(Option::is_some).collect();
            writer.set("attention.sliding_window_pattern", Value::Array(Array::of_bool(&slides)));
        }
    }
}

fn rope(config: &Config, writer: &mut Writer<'_>) -> Result<(), (&'static str, String)> {
    writer.size("rope.dimension_count", config.head_dim);
    writer.number("rope.freq_base", config.rope.theta);
    match config.rope.scaling {
        RopeScaling::None => {}
        RopeScaling::Linear { factor } => {
            writer.set("rope.scaling.type", text("linear"));
            writer.number("rope.scaling.factor", factor);
        }
        RopeScaling::Yarn { factor, original_context, beta_fast, beta_slow, attention_factor } => {
            writer.set("rope.scaling.type", text("yarn"));
            writer.number("rope.scaling.factor", factor);
            writer.context("rope.scaling.original_context_length", original_context)?;
            writer.number("rope.scaling.yarn_beta_fast", beta_fast);
            writer.number("rope.scaling.yarn_beta_slow", beta_slow);
            attention(writer, attention_factor, yarn_magnitude(factor, 1.0));
        }
    }
    if let Some(scaling) = config.query_scaling {
        writer.number("attention.temperature_scale", scaling.beta);
        writer.context("attention.temperature_length", scaling.original_context)?;
    }
    Ok(())
}

/// The factor of cosines and sines: the paper's, which readers take by themselves; none, which published files say by the
/// weight 1; or another, as a share of the paper's.
fn attention(writer: &mut Writer<'_>, factor: f64, of_paper: f64) {
    if factor == 1.0 && writer.prefix == "mistral3" {
        writer.number("rope.scaling.yarn_log_multiplier", 1.0);
    } else if factor != of_paper {
        writer.number("rope.scaling.attn_factor", factor / of_paper);
    }
}

/// The vocabulary with what the folder adds to it, as the `tokenizer` crate adds it; nothing changes where it has done so.
fn with_added(vocab: &GgufVocab, added: &AddedTokens) -> GgufVocab {
    const CONTROL: i32 = 3;
    const USER_DEFINED: i32 = 4;
    let known: HashSet<&str> = vocab.tokens.iter().map(String::as_str).collect();
    let mut vocab = vocab.clone();
    for (id, content, special) in &added.tokens {
        let is_control =
            *special || added.eos_id == Some(*id) || (content.starts_with("<|") && content.ends_with("|>"));
        let content = if vocab.model == "llama" { content.replace(' ', "▁") } else { content.clone() };
        let at = *id as usize;
        if at == vocab.tokens.len() {
            vocab.tokens.push(content);
            vocab.token_types.push(if is_control { CONTROL } else { USER_DEFINED });
            if !vocab.scores.is_empty() {
                vocab.scores.push(0.0);
            }
        } else if vocab.token_types.get(at) == Some(&CONTROL) && !known.contains(content.as_str()) {
            // A place that nobody had named.
            vocab.tokens.get_mut(at).into_iter().for_each(|token| content.clone_into(token));
        }
    }
    vocab.eos_id = added.eos_id.filter(|id| (*id as usize) < vocab.tokens.len()).or(vocab.eos_id);
    vocab
}

/// Rows of the table of embeddings that no token has get one that no text becomes: llama.cpp wants as many.
fn vocabulary(vocab: &GgufVocab, rows: usize, keys: &mut Keys) {
    const UNUSED: i32 = 5;
    let count = vocab.tokens.len();
    let fill = (count..rows).map(|id| format!("[PAD{id}]"));
    let tokens = Array::of_strings(vocab.tokens.iter().cloned().chain(fill));
    let padded = tokens.len();
    let mut set = |key: &str, value| keys.set(&format!("tokenizer.ggml.{key}"), value);
    set("model", text(&vocab.model));
    if let Some(pre) = &vocab.pre {
        set("pre", text(pre));
    }
    set("tokens", Value::Array(tokens));
    if !vocab.scores.is_empty() {
        let mut scores = vocab.scores.clone();
        scores.resize(padded, 0.0);
        set("scores", Value::Array(Array::of_f32(&scores)));
    }
    let mut types = vocab.token_types.clone();
    types.resize(padded, UNUSED);
    set("token_type", Value::Array(Array::of_i32(&types)));
    if !vocab.merges.is_empty() {
        set("merges", Value::Array(Array::of_strings(&vocab.merges)));
    }
    let ids = [
        ("bos_token_id", vocab.bos_id),
        ("eos_token_id", vocab.eos_id),
        ("unknown_token_id", vocab.unknown_id),
        ("padding_token_id", vocab.padding_id),
    ];
    let flags = [
        ("add_bos_token", vocab.add_bos),
        ("add_eos_token", vocab.add_eos),
        ("add_space_prefix", vocab.add_space_prefix),
    ];
    ids.into_iter().filter_map(|(key, id)| Some((key, id?))).for_each(|(key, id)| set(key, Value::U32(id)));
    flags.into_iter().filter_map(|(key, flag)| Some((key, flag?))).for_each(|(key, flag)| set(key, Value::Bool(flag)));
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}
