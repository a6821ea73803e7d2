//! The model's shape, from the metadata keys of a GGUF file.
//!
//! Keys are read as llama.cpp reads them, including its defaults. A key of the architecture that is not known here does not
//! pass in silence: [`unknown_keys`] lists them for the notes.

use std::num::NonZeroUsize;

use super::{Gguf, TensorInfo, Value};
use crate::verify::{FieldNames, verify, yarn_magnitude};
use crate::{Config, Error, Experts, Pooling, QueryScaling, Rope, RopeScaling, limits};

const ARCHITECTURES: [&str; 2] = ["llama", "mistral3"];

const FIELDS: FieldNames = FieldNames {
    n_heads: "attention.head_count",
    n_kv_heads: "attention.head_count_kv",
    head_dim: "attention.key_length",
    experts_used: "expert_used_count",
    rope_theta: "rope.freq_base",
    rope_scaling: "rope.scaling",
    query_scaling: "attention.temperature_scale",
    norm_eps: "attention.layer_norm_rms_epsilon",
};

/// Keys behind `{architecture}.` that are read, or have no bearing on the result.
const KNOWN: [&str; 33] = [
    "vocab_size",
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "expert_feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.value_length",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.temperature_scale",
    "attention.temperature_length",
    "attention.causal",
    "rope.dimension_count",
    "rope.freq_base",
    "rope.scale_linear",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scaling.original_context_length",
    "rope.scaling.attn_factor",
    "rope.scaling.finetuned",
    "rope.scaling.yarn_attn_factor",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_log_multiplier",
    "expert_count",
    "expert_used_count",
    "pooling_type",
    "use_parallel_residual",
    "tensor_data_layout",
];

/// The configuration of a GGUF file.
///
/// # Errors
/// A key is missing or makes no sense, or asks for something that is not done.
pub fn config(gguf: &Gguf, file: &str) -> Result<Config, Error> {
    of_tensors(gguf, &gguf.tensors, file)
}

/// The same, where tensors lie in other parts too.
pub(super) fn of_tensors<'a>(
    gguf: &'a Gguf,
    tensors: impl IntoIterator<Item = &'a TensorInfo>,
    file: &str,
) -> Result<Config, Error> {
    let fields = Fields::new(gguf, tensors.into_iter().collect(), file)?;
    fields.refuse_what_is_not_done()?;
    let n_heads = fields.need("attention.head_count", limits::HEADS)?;
    let dim = fields.need("embedding_length", limits::WIDTH)?;
    let n_layers = fields.need("block_count", limits::LAYERS)?;
    let head_dim = fields.head_dim(dim, n_heads)?;
    let context_length = fields.need("context_length", limits::CONTEXT)?;
    let config = Config {
        architecture: fields.architecture.to_owned(),
        vocab_size: fields.vocab_size()?,
        dim,
        hidden_dim: fields.hidden_dim()?,
        n_layers,
        n_heads,
        n_kv_heads: fields.size("attention.head_count_kv", limits::HEADS)?.unwrap_or(n_heads),
        head_dim,
        norm_eps: fields.need_number("attention.layer_norm_rms_epsilon")? as f32,
        context_length,
        rope: Rope {
            theta: fields.number("rope.freq_base")?.unwrap_or(10_000.0),
            scaling: fields.rope_scaling(context_length)?,
        },
        query_scaling: fields.query_scaling(context_length)?,
        windows: fields.windows(n_layers)?,
        experts: fields.experts()?,
        tied_embeddings: fields.tensor("output.weight").is_none(),
        pooling: fields.pooling()?,
    };
    verify(&config, file, &FIELDS)?;
    Ok(config)
}

/// Keys of the architecture that this program has never heard of.
pub(crate) fn unknown_keys(gguf: &Gguf, architecture: &str) -> Vec<String> {
    let known = |key: &str| KNOWN.contains(&key) || NEUTRAL.iter().any(|(neutral, _)| *neutral == key);
    let of_architecture = |key: &str| Some(key.strip_prefix(architecture)?.strip_prefix('.')?.to_owned());
    gguf.keys.iter().filter_map(|(key, _)| of_architecture(key)).filter(|key| !known(key)).collect()
}

/// `(key, values at which it changes nothing)`: other values are refused.
const NEUTRAL: [(&str, &[f64]); 11] = [
    ("attention.clamp_kqv", &[0.0]),
    ("attention.max_alibi_bias", &[0.0]),
    ("attention.scale", &[0.0]),
    ("expert_shared_count", &[0.0]),
    ("expert_weights_scale", &[0.0, 1.0]),
    ("expert_gating_func", &[0.0, 1.0]),
    ("logit_scale", &[0.0, 1.0]),
    ("embedding_scale", &[0.0, 1.0]),
    ("residual_scale", &[0.0, 1.0]),
    ("leading_dense_block_count", &[0.0]),
    ("rope.scaling.yarn_ext_factor", &[1.0, -1.0]),
];

struct Fields<'a> {
    gguf: &'a Gguf,
    tensors: Vec<&'a TensorInfo>,
    file: &'a str,
    architecture: &'a str,
}

impl<'a> Fields<'a> {
    fn new(gguf: &'a Gguf, tensors: Vec<&'a TensorInfo>, file: &'a str) -> Result<Self, Error> {
        let key = "general.architecture";
        let Some(architecture) = gguf.keys.text(key) else {
            return Err(Error::config(file, key, "is missing: not the file of a model"));
        };
        if !ARCHITECTURES.contains(&architecture) {
            let problem = format!("`{architecture}` is not supported, only {}", ARCHITECTURES.join(" and "));
            return Err(Error::unsupported(file, key, problem));
        }
        Ok(Self { gguf, tensors, file, architecture })
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.gguf.keys.value(&format!("{}.{key}", self.architecture))
    }

    fn tensor(&self, name: &str) -> Option<&'a TensorInfo> {
        self.tensors.iter().copied().find(|tensor| tensor.name == name)
    }

    fn wrong<T>(&self, key: &str, problem: impl std::fmt::Display) -> Result<T, Error> {
        Err(Error::config(self.file, format_args!("{}.{key}", self.architecture), problem))
    }

    fn unsupported<T>(&self, key: &str, problem: impl std::fmt::Display) -> Result<T, Error> {
        Err(Error::unsupported(self.file, format_args!("{}.{key}", self.architecture), problem))
    }

    /// A count that is not zero. Some files give one for each layer: they have to be equal.
    fn size(&self, key: &str, limit: usize) -> Result<Option<usize>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let integer = match value.array() {
            None => value.integer(),
            Some(array) => {
                let mut values = array.values();
                let first = values.next().and_then(|value| value.integer());
                if values.any(|value| value.integer() != first) {
                    return self.unsupported(key, "layers that differ from one another are not supported");
                }
                first
            }
        };
        match integer.and_then(|x| usize::try_from(x).ok()) {
            Some(size) if size > 0 && size <= limit => Ok(Some(size)),
            _ => self.wrong(key, format_args!("{} is not a whole number between 1 and {limit}", shown(value))),
        }
    }

    fn need(&self, key: &str, limit: usize) -> Result<usize, Error> {
        self.size(key, limit)?.map_or_else(|| self.wrong(key, "is missing"), Ok)
    }

    /// A finite number. An f32 becomes the number that was meant: 0.1, and not 0.10000000149, as the other layouts have it.
    fn number(&self, key: &str) -> Result<Option<f64>, Error> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let number = match value {
            Value::F32(x) => x.to_string().parse().ok(),
            other => other.number(),
        };
        match number.filter(|x: &f64| x.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => self.wrong(key, format_args!("{} is not a finite number", shown(value))),
        }
    }

    fn need_number(&self, key: &str) -> Result<f64, Error> {
        self.number(key)?.map_or_else(|| self.wrong(key, "is missing"), Ok)
    }

    /// Values of known keys that would change the result, and are not computed.
    fn refuse_what_is_not_done(&self) -> Result<(), Error> {
        if self.value("attention.causal").and_then(Value::flag) == Some(false) {
            return self.unsupported("attention.causal", "attention to later tokens is not supported");
        }
        for (key, neutral) in NEUTRAL {
            let Some(number) = self.number(key)? else { continue };
            if !neutral.contains(&number) {
                return self.unsupported(key, format_args!("{number} is not supported"));
            }
        }
        Ok(())
    }

    fn head_dim(&self, dim: usize, n_heads: usize) -> Result<usize, Error> {
        let head_dim = match self.size("attention.key_length", limits::WIDTH)? {
            Some(head_dim) => head_dim,
            None if dim.is_multiple_of(n_heads) => dim / n_heads,
            None => {
                return self.wrong("attention.head_count", format_args!("{dim} cannot be split into {n_heads} heads"));
            }
        };
        for key in ["attention.value_length", "rope.dimension_count"] {
            if self.size(key, limits::WIDTH)?.is_some_and(|other| other != head_dim) {
                return self
                    .unsupported(key, format_args!("another width than that of a head, {head_dim}, is not supported"));
            }
        }
        Ok(head_dim)
    }

    fn vocab_size(&self) -> Result<usize, Error> {
        if let Some(size) = self.size("vocab_size", limits::VOCABULARY)? {
            return Ok(size);
        }
        match self.tensor("token_embd.weight").and_then(|table| table.dims.get(1)) {
            Some(rows) if *rows <= limits::VOCABULARY => Ok(*rows),
            _ => self.wrong("vocab_size", "is missing, and so is a table of embeddings to count"),
        }
    }

    /// Experts may have a width of their own.
    fn hidden_dim(&self) -> Result<usize, Error> {
        match self.size("expert_feed_forward_length", limits::WIDTH)? {
            Some(width) if self.experts()?.is_some() => Ok(width),
            _ => self.need("feed_forward_length", limits::WIDTH),
        }
    }

    /// llama.cpp's numbers of the ways to pool; 0 is "not at all", which is to say nothing.
    fn pooling(&self) -> Result<Option<Pooling>, Error> {
        match self.value("pooling_type").and_then(Value::integer) {
            None | Some(0) => Ok(None),
            Some(1) => Ok(Some(Pooling::Mean)),
            Some(3) => Ok(Some(Pooling::Last)),
            Some(_) => self.unsupported("pooling_type", "embeddings are the mean (1) or the last (3) hidden state"),
        }
    }

    fn experts(&self) -> Result<Option<Experts>, Error> {
        let none = self.value("expert_count").is_none_or(|value| value.integer() == Some(0));
        if none {
            return Ok(None);
        }
        let count = self.need("expert_count", limits::EXPERTS)?;
        Ok(Some(Experts { count, used: self.need("expert_used_count", limits::EXPERTS)? }))
    }

    /// llama.cpp multiplies cosines and sines by `attn_factor · ms(1) / ms(yarn_log_multiplier)` where the multiplier is
    /// there and not zero, by `attn_factor · ms(1)` where not, with `ms(w) = 0.1 · w · ln(factor) + 1`. (It divides by `ms(1)` when
    /// the context is made, and its rotary kernel multiplies by it again.) That is what `config.json` says by `mscale: 1,
    /// mscale_all_dim: yarn_log_multiplier`. A `config.json` with `attention_factor` has it written to `yarn_attn_factor`, where it
    /// takes the place of `ms`, as it does there.
    fn rope_scaling(&self, context_length: usize) -> Result<RopeScaling, Error> {
        let kind = match self.value("rope.scaling.type") {
            None => "linear",
            Some(value) => match value.text() {
                Some(kind) => kind,
                None => return self.wrong("rope.scaling.type", "is not text"),
            },
        };
        // Zero stands for "not stretched" in files of llama.cpp.
        let linear = self.number("rope.scale_linear")?;
        let factor = self.number("rope.scaling.factor")?.or(linear).filter(|factor| *factor != 0.0).unwrap_or(1.0);
        match kind {
            "none" => Ok(RopeScaling::None),
            "linear" if factor == 1.0 => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor }),
            "yarn" => Ok(RopeScaling::Yarn {
                factor,
                original_context: self.original_context(context_length)?,
                beta_fast: self.number("rope.scaling.yarn_beta_fast")?.unwrap_or(32.0),
                beta_slow: self.number("rope.scaling.yarn_beta_slow")?.unwrap_or(1.0),
                attention_factor: self.attention_factor(factor)?,
            }),
            other => self.unsupported(
                "rope.scaling.type",
                format_args!("`{other}` is not supported, only none, linear and yarn"),
            ),
        }
    }

    fn attention_factor(&self, factor: f64) -> Result<f64, Error> {
        let magnitude = match self.number("rope.scaling.yarn_attn_factor")? {
            Some(given) => given,
            None => match self.number("rope.scaling.yarn_log_multiplier")? {
                Some(weight) if weight != 0.0 => yarn_magnitude(factor, 1.0) / yarn_magnitude(factor, weight),
                _ => yarn_magnitude(factor, 1.0),
            },
        };
        Ok(magnitude * self.number("rope.scaling.attn_factor")?.unwrap_or(1.0))
    }

    fn original_context(&self, context_length: usize) -> Result<f64, Error> {
        let key = "rope.scaling.original_context_length";
        Ok(self.size(key, limits::CONTEXT)?.unwrap_or(context_length) as f64)
    }

    /// Files of the first months have no `temperature_length`: the context before stretching was meant.
    fn query_scaling(&self, context_length: usize) -> Result<Option<QueryScaling>, Error> {
        let Some(beta) = self.number("attention.temperature_scale")?.filter(|beta| *beta != 0.0) else {
            return Ok(None);
        };
        let original_context = match self.size("attention.temperature_length", limits::CONTEXT)? {
            Some(length) => length as f64,
            None => self.original_context(context_length)?,
        };
        Ok(Some(QueryScaling { beta, original_context }))
    }

    fn windows(&self, n_layers: usize) -> Result<Vec<Option<NonZeroUsize>>, Error> {
        let window = self.size("attention.sliding_window", limits::CONTEXT)?.and_then(NonZeroUsize::new);
        let key = "attention.sliding_window_pattern";
        let Some(pattern) = self.value(key).filter(|_| window.is_some()) else { return Ok(vec![window; n_layers]) };
        if let Some(array) = pattern.array() {
            let slides: Option<Vec<bool>> =
                array.values().map(|value| value.flag().or_else(|| Some(value.integer()? != 0))).collect();
            return match slides.filter(|slides| slides.len() == n_layers) {
                Some(slides) => Ok(slides.into_iter().map(|slides| window.filter(|_| slides)).collect()),
                None => self.wrong(key, format_args!("is not a yes or no for each of the {n_layers} layers")),
            };
        }
        // A period: the last layer of each sees everything. With 0, all layers slide.
        match pattern.integer().and_then(|period| usize::try_from(period).ok()) {
            Some(period) => {
                let slides = |n: usize| period == 0 || n % period < period - 1;
                Ok((0..n_layers).map(|n| window.filter(|_| slides(n))).collect())
            }
            None => self.wrong(key, format_args!("{} is not a number of layers", shown(pattern))),
        }
    }
}

/// A value as an error shows it: short, whatever it is.
fn shown(value: &Value) -> String {
    match (value.number(), value.array()) {
        (Some(number), _) => number.to_string(),
        (None, Some(array)) => format!("an array of {}", array.len()),
        (None, None) => format!("{:?}", value.kind()),
    }
}
