//! The model's shape, from a `params.json`.

use std::num::NonZeroUsize;

use crate::json::{Fields, shown};
use crate::notes::Notes;
use crate::verify::{FieldNames, verify, yarn_magnitude};
use crate::{Config, Error, Experts, QueryScaling, Rope, RopeScaling, limits};

const FIELDS: FieldNames = FieldNames {
    n_heads: "n_heads",
    n_kv_heads: "n_kv_heads",
    head_dim: "head_dim",
    experts_used: "moe.num_experts_per_tok",
    rope_theta: "rope_theta",
    rope_scaling: "yarn",
    query_scaling: "llama_4_scaling",
    norm_eps: "norm_eps",
};

/// Keys of models that compute something else, with what that is.
const OTHER_MODELS: [(&str, &str); 7] = [
    ("q_lora_rank", "latent attention"),
    ("kv_lora_rank", "latent attention"),
    ("qk_nope_head_dim", "latent attention"),
    ("ssmax_scaling", "learned scaling of queries"),
    ("lerope", "learned rotary frequencies"),
    ("rope_scaling", "another stretching than YaRN"),
    ("ada_rms_norm_t_cond", "norms conditioned on time"),
];

/// Keys that are read, or have no bearing on the result of the language model.
const KNOWN: [&str; 29] = [
    "dim",
    "n_layers",
    "head_dim",
    "hidden_dim",
    "n_heads",
    "n_kv_heads",
    "norm_eps",
    "vocab_size",
    "rope_theta",
    "max_position_embeddings",
    "max_seq_len",
    "tied_embeddings",
    "sliding_window",
    "_sliding_window",
    "moe",
    "yarn",
    "llama_4_scaling",
    "quantization",
    "quantization_config",
    "vision_encoder",
    "multimodal",
    "model_type",
    "model_parallel",
    "use_biases",
    "use_cache",
    "activation",
    "causal",
    "v_head_dim",
    "max_batch_size",
];

/// The configuration in a `params.json`. `has_output`: the files hold an output matrix of their own.
pub(crate) fn config(fields: &Fields<'_>, has_output: bool, notes: &mut Notes) -> Result<Config, Error> {
    let reader = Reader { fields };
    reader.refuse_what_is_not_done(notes)?;
    let config = reader.config(has_output, notes)?;
    verify(&config, fields.file(), &FIELDS)?;
    Ok(config)
}

struct Reader<'a> {
    fields: &'a Fields<'a>,
}

impl Reader<'_> {
    fn refuse_what_is_not_done(&self, notes: &mut Notes) -> Result<(), Error> {
        let fields = self.fields;
        match fields.text("model_type")? {
            None | Some("transformer") => {}
            Some(other) => return fields.unsupported("model_type", format_args!("`{other:.60}` is not supported")),
        }
        match fields.text("activation")? {
            None | Some("silu") => {}
            Some(other) => {
                return fields.unsupported("activation", format_args!("`{other:.60}` is not supported, only silu"));
            }
        }
        if fields.flag("use_biases")? == Some(true) {
            return fields.unsupported("use_biases", "biases are not supported");
        }
        if fields.flag("causal")? == Some(false) {
            return fields.unsupported("causal", "attention to later tokens is not supported");
        }
        if let Some((key, what)) = OTHER_MODELS.iter().find(|(key, _)| fields.value(key).is_some()) {
            return fields.unsupported(key, format_args!("{what} is not supported"));
        }
        let unknown: Vec<&str> = fields.keys().filter(|key| !KNOWN.contains(key)).collect();
        if !unknown.is_empty() {
            notes.add(format!("keys of params.json that are not known and were not used: {}", unknown.join(", ")));
        }
        Ok(())
    }

    fn config(&self, has_output: bool, notes: &mut Notes) -> Result<Config, Error> {
        let fields = self.fields;
        let dim = fields.need_size("dim", limits::WIDTH)?;
        let n_heads = fields.need_size("n_heads", limits::HEADS)?;
        let n_layers = fields.need_size("n_layers", limits::LAYERS)?;
        let query_scaling = self.query_scaling()?;
        let experts = self.experts()?;
        let scaling = self.scaling()?;
        Ok(Config {
            architecture: architecture(experts.is_some(), query_scaling.is_some()).to_owned(),
            vocab_size: fields.need_size("vocab_size", limits::VOCABULARY)?,
            dim,
            hidden_dim: fields.need_size("hidden_dim", limits::WIDTH)?,
            n_layers,
            n_heads,
            n_kv_heads: fields.size("n_kv_heads", limits::HEADS)?.unwrap_or(n_heads),
            head_dim: self.head_dim(dim, n_heads)?,
            norm_eps: fields.need_number("norm_eps")? as f32,
            context_length: self.context_length(&scaling, notes)?,
            rope: Rope { theta: fields.number("rope_theta")?.unwrap_or(1e4), scaling },
            query_scaling,
            windows: self.windows(n_layers)?,
            experts,
            tied_embeddings: fields.flag("tied_embeddings")?.unwrap_or(false) && !has_output,
            pooling: None,
        })
    }

    fn head_dim(&self, dim: usize, n_heads: usize) -> Result<usize, Error> {
        let head_dim = match self.fields.size("head_dim", limits::WIDTH)? {
            Some(head_dim) => head_dim,
            None if dim >= n_heads => dim / n_heads,
            None => return self.fields.wrong("n_heads", format_args!("{dim} cannot be split into {n_heads} heads")),
        };
        match self.fields.size("v_head_dim", limits::WIDTH)? {
            Some(other) if other != head_dim => {
                self.fields.unsupported("v_head_dim", "another width than head_dim is not supported")
            }
            _ => Ok(head_dim),
        }
    }

    /// The older files do not give it.
    fn context_length(&self, scaling: &RopeScaling, notes: &mut Notes) -> Result<usize, Error> {
        for key in ["max_position_embeddings", "max_seq_len"] {
            if let Some(length) = self.fields.size(key, limits::CONTEXT)? {
                return Ok(length);
            }
        }
        let length = match scaling {
            RopeScaling::Yarn { factor, original_context, .. } => {
                (factor * original_context).clamp(1.0, limits::CONTEXT as f64) as usize
            }
            _ => 32_768,
        };
        notes.add(format!("params.json gives no context length: {length} tokens are taken"));
        Ok(length)
    }

    /// Of all layers, or one for each; `null` sees everything.
    fn windows(&self, n_layers: usize) -> Result<Vec<Option<NonZeroUsize>>, Error> {
        let fields = self.fields;
        let Some(key) = ["sliding_window", "_sliding_window"].into_iter().find(|key| fields.value(key).is_some())
        else {
            return Ok(vec![None; n_layers]);
        };
        let Some(list) = fields.value(key).and_then(|value| value.as_array()) else {
            return Ok(vec![fields.size(key, limits::CONTEXT)?.and_then(NonZeroUsize::new); n_layers]);
        };
        if list.is_empty() || !n_layers.is_multiple_of(list.len()) {
            return fields.wrong(key, format_args!("{} windows for {n_layers} layers", list.len()));
        }
        let window = |value: &serde_json::Value| match value.as_u64().and_then(|size| usize::try_from(size).ok()) {
            _ if value.is_null() => Ok(None),
            Some(size) if size > 0 && size <= limits::CONTEXT => Ok(NonZeroUsize::new(size)),
            _ => fields.wrong(key, format_args!("{} is not a window between 1 and {}", shown(value), limits::CONTEXT)),
        };
        // A list shorter than the layers is a pattern that repeats.
        list.iter().cycle().take(n_layers).map(window).collect()
    }

    fn experts(&self) -> Result<Option<Experts>, Error> {
        let Some(moe) = self.fields.object("moe", "moe.")? else { return Ok(None) };
        let neutral: [(&str, &[f64]); 6] = [
            ("num_shared_experts", &[0.0]),
            ("first_k_dense_replace", &[0.0]),
            ("route_every_n", &[1.0]),
            ("routed_scale", &[1.0]),
            ("num_expert_groups", &[0.0, 1.0]),
            ("num_expert_groups_per_tok", &[0.0, 1.0]),
        ];
        for (key, neutral) in neutral {
            match moe.number(key)? {
                Some(number) if !neutral.contains(&number) => {
                    return moe.unsupported(key, format_args!("{number} is not supported"));
                }
                _ => {}
            }
        }
        let hidden_dim = self.fields.size("hidden_dim", limits::WIDTH)?;
        if moe.size("expert_hidden_dim", limits::WIDTH)?.is_some_and(|width| Some(width) != hidden_dim) {
            return moe.unsupported("expert_hidden_dim", "another width than hidden_dim is not supported");
        }
        let count = moe.need_size("num_experts", limits::EXPERTS)?;
        Ok(Some(Experts { count, used: moe.need_size("num_experts_per_tok", limits::EXPERTS)? }))
    }

    /// `apply_scale` says whether cosines and sines are multiplied by YaRN's magnitude; it is, where nothing is said.
    fn scaling(&self) -> Result<RopeScaling, Error> {
        let Some(yarn) = self.fields.object("yarn", "yarn.")? else { return Ok(RopeScaling::None) };
        let factor = yarn.need_number("factor")?;
        let scales = yarn.flag("apply_scale")?.unwrap_or(true);
        Ok(RopeScaling::Yarn {
            factor,
            original_context: yarn.need_number("original_max_position_embeddings")?,
            beta_fast: yarn.number("beta")?.unwrap_or(32.0),
            beta_slow: yarn.number("alpha")?.unwrap_or(1.0),
            attention_factor: if scales { yarn_magnitude(factor, 1.0) } else { 1.0 },
        })
    }

    fn query_scaling(&self) -> Result<Option<QueryScaling>, Error> {
        let Some(scaling) = self.fields.object("llama_4_scaling", "llama_4_scaling.")? else { return Ok(None) };
        let original_context = scaling.need_number("original_max_position_embeddings")?;
        Ok(Some(QueryScaling { beta: scaling.need_number("beta")?, original_context }))
    }
}

/// `params.json` has one word for all; these are the ones that the other layouts would use.
fn architecture(experts: bool, query_scaling: bool) -> &'static str {
    match (experts, query_scaling) {
        (true, _) => "mixtral",
        (false, true) => "ministral3",
        (false, false) => "mistral",
    }
}
