//! The model's shape, from a `config.json`.
//!
//! Values that the file leaves out are those of the configuration classes of `transformers` 5, which is what other programs
//! take. Both forms of the rotary embedding are read: `rope_theta` beside `rope_scaling`, and `rope_parameters`.

use std::num::NonZeroUsize;

use serde_json::Value;

use crate::json::{Fields, shown};
use crate::notes::Notes;
use crate::verify::{FieldNames, verify, yarn_magnitude};
use crate::{Config, Error, Experts, QueryScaling, Rope, RopeScaling, limits};

const FIELDS: FieldNames = FieldNames {
    n_heads: "num_attention_heads",
    n_kv_heads: "num_key_value_heads",
    head_dim: "head_dim",
    experts_used: "num_experts_per_tok",
    rope_theta: "rope_theta",
    rope_scaling: "rope_parameters",
    query_scaling: "rope_parameters.llama_4_scaling_beta",
    norm_eps: "rms_norm_eps",
};

/// What a configuration class of `transformers` takes where the file says nothing.
struct Class {
    model_type: &'static str,
    vocab_size: usize,
    dim: usize,
    hidden_dim: usize,
    n_layers: usize,
    n_heads: usize,
    /// Absent: as many as query heads.
    n_kv_heads: Option<usize>,
    /// Absent: what is left of `dim` for each head.
    head_dim: Option<usize>,
    context_length: usize,
    norm_eps: f64,
    theta: f64,
    window: Option<usize>,
}

const MISTRAL: Class = Class {
    model_type: "mistral",
    vocab_size: 32_000,
    dim: 4_096,
    hidden_dim: 14_336,
    n_layers: 32,
    n_heads: 32,
    n_kv_heads: Some(8),
    head_dim: None,
    context_length: 131_072,
    norm_eps: 1e-6,
    theta: 1e4,
    window: Some(4_096),
};

const CLASSES: [Class; 6] = [
    Class { model_type: "llama", hidden_dim: 11_008, n_kv_heads: None, context_length: 2_048, window: None, ..MISTRAL },
    MISTRAL,
    Class { model_type: "ministral", ..MISTRAL },
    Class {
        model_type: "ministral3",
        vocab_size: 131_072,
        n_layers: 34,
        head_dim: Some(128),
        context_length: 262_144,
        norm_eps: 1e-5,
        window: None,
        ..MISTRAL
    },
    Class { model_type: "mixtral", norm_eps: 1e-5, theta: 1e6, window: None, ..MISTRAL },
    Class {
        model_type: "helium",
        vocab_size: 48_000,
        dim: 2_560,
        hidden_dim: 7_040,
        n_layers: 24,
        n_heads: 20,
        n_kv_heads: Some(20),
        head_dim: Some(128),
        context_length: 4_096,
        norm_eps: 1e-8,
        theta: 1e5,
        window: None,
    },
];

/// The rotary embedding of `Ministral3Config` where the file says nothing of it.
const MINISTRAL3_YARN: RopeScaling = RopeScaling::Yarn {
    factor: 16.0,
    original_context: 16_384.0,
    beta_fast: 32.0,
    beta_slow: 1.0,
    attention_factor: 1.0,
};

/// The configuration in a `config.json`. `has_output`: the files hold an output matrix of their own.
pub(crate) fn config(fields: &Fields<'_>, has_output: bool, notes: &mut Notes) -> Result<Config, Error> {
    let (text, class) = text_model(fields)?;
    let reader = Reader { fields: text, class };
    reader.refuse_what_is_not_done()?;
    let config = reader.config(fields, has_output, notes)?;
    verify(&config, fields.file(), &FIELDS)?;
    Ok(config)
}

/// The fields of the language model, which may stand inside of those of a model that sees too, and their class.
fn text_model<'a>(fields: &Fields<'a>) -> Result<(Fields<'a>, &'static Class), Error> {
    let Some(model_type) = fields.text("model_type")? else { return fields.wrong("model_type", "is missing") };
    let inner = match model_type {
        "mistral3" => Some("mistral"),
        "llava" => Some("llama"),
        _ => None,
    };
    let Some(default) = inner else { return Ok((*fields, class(fields, model_type)?)) };
    match fields.object("text_config", "text_config.")? {
        Some(text) => Ok((text, class(&text, text.text("model_type")?.unwrap_or(default))?)),
        None => fields.wrong("text_config", "is missing"),
    }
}

fn class(fields: &Fields<'_>, model_type: &str) -> Result<&'static Class, Error> {
    let known = CLASSES.each_ref().map(|class| class.model_type).join(", ");
    match CLASSES.iter().find(|class| class.model_type == model_type) {
        Some(class) => Ok(class),
        None => fields.unsupported("model_type", format_args!("`{model_type:.60}` is not supported, only {known}")),
    }
}

struct Reader<'a> {
    fields: Fields<'a>,
    class: &'static Class,
}

impl Reader<'_> {
    /// Values that would change the result, and are not computed.
    fn refuse_what_is_not_done(&self) -> Result<(), Error> {
        let fields = &self.fields;
        for key in ["attention_bias", "mlp_bias"] {
            if fields.flag(key)? == Some(true) {
                return fields.unsupported(key, "biases are not supported");
            }
        }
        match fields.text("hidden_act")? {
            None | Some("silu") => {}
            Some(other) => {
                return fields.unsupported("hidden_act", format_args!("`{other:.60}` is not supported, only silu"));
            }
        }
        match fields.number("partial_rotary_factor")? {
            None | Some(1.0) => Ok(()),
            Some(part) => fields.unsupported("partial_rotary_factor", format_args!("{part} is not supported, only 1")),
        }
    }

    fn config(&self, outer: &Fields<'_>, has_output: bool, notes: &mut Notes) -> Result<Config, Error> {
        let Self { fields, class } = self;
        let n_heads = fields.size("num_attention_heads", limits::HEADS)?.unwrap_or(class.n_heads);
        let n_layers = fields.size("num_hidden_layers", limits::LAYERS)?.unwrap_or(class.n_layers);
        let dim = fields.size("hidden_size", limits::WIDTH)?.unwrap_or(class.dim);
        let context_length = fields.size("max_position_embeddings", limits::CONTEXT)?.unwrap_or(class.context_length);
        let (rope, query_scaling) = self.rope(context_length)?;
        Ok(Config {
            architecture: class.model_type.to_owned(),
            vocab_size: fields.size("vocab_size", limits::VOCABULARY)?.unwrap_or(class.vocab_size),
            dim,
            hidden_dim: fields.size("intermediate_size", limits::WIDTH)?.unwrap_or(class.hidden_dim),
            n_layers,
            n_heads,
            n_kv_heads: self.n_kv_heads(n_heads)?,
            head_dim: self.head_dim(dim, n_heads)?,
            norm_eps: fields.number("rms_norm_eps")?.unwrap_or(class.norm_eps) as f32,
            context_length,
            rope,
            query_scaling,
            windows: self.windows(n_layers, notes)?,
            experts: self.experts()?,
            tied_embeddings: self.tied(outer)? && !has_output,
            pooling: None,
        })
    }

    /// `null` means one for each query head in all classes; an absent key means the class's own number.
    fn n_kv_heads(&self, n_heads: usize) -> Result<usize, Error> {
        let key = "num_key_value_heads";
        match self.fields.size(key, limits::HEADS)? {
            Some(count) => Ok(count),
            None if self.fields.has(key) => Ok(n_heads),
            None => Ok(self.class.n_kv_heads.unwrap_or(n_heads)),
        }
    }

    fn head_dim(&self, dim: usize, n_heads: usize) -> Result<usize, Error> {
        let default = if self.fields.has("head_dim") { None } else { self.class.head_dim };
        match self.fields.size("head_dim", limits::WIDTH)?.or(default) {
            Some(head_dim) => Ok(head_dim),
            None if dim >= n_heads => Ok(dim / n_heads),
            None => {
                self.fields.wrong("num_attention_heads", format_args!("{dim} cannot be split into {n_heads} heads"))
            }
        }
    }

    /// A model that sees says it outside of its language model's fields, where its class takes yes for an answer that is missing.
    fn tied(&self, outer: &Fields<'_>) -> Result<bool, Error> {
        let key = "tie_word_embeddings";
        let inner = self.fields.flag(key)?;
        match outer.text("model_type")? {
            Some("mistral3") => Ok(outer.flag(key)?.unwrap_or(true)),
            _ => Ok(outer.flag(key)?.unwrap_or(false) || inner.unwrap_or(false)),
        }
    }

    fn experts(&self) -> Result<Option<Experts>, Error> {
        if self.class.model_type != "mixtral" {
            return Ok(None);
        }
        let count = match self.fields.size("num_local_experts", limits::EXPERTS)? {
            Some(count) => count,
            None => self.fields.size("num_experts", limits::EXPERTS)?.unwrap_or(8),
        };
        Ok(Some(Experts { count, used: self.fields.size("num_experts_per_tok", limits::EXPERTS)?.unwrap_or(2) }))
    }

    /// One window for all layers, unless the file gives each its kind. `LlamaConfig` and `HeliumConfig` know no window.
    fn windows(&self, n_layers: usize, notes: &mut Notes) -> Result<Vec<Option<NonZeroUsize>>, Error> {
        let Self { fields, class } = self;
        let given = fields.size("sliding_window", limits::CONTEXT)?;
        let default = if fields.has("sliding_window") { None } else { class.window };
        let window = given.or(default).and_then(NonZeroUsize::new);
        if ["llama", "helium"].contains(&class.model_type) {
            return Ok(vec![None; n_layers]);
        }
        let Some(kinds) = fields.array("layer_types")? else { return Ok(vec![window; n_layers]) };
        if kinds.len() != n_layers {
            return fields.wrong("layer_types", format_args!("{} kinds for {n_layers} layers", kinds.len()));
        }
        if class.model_type != "ministral" {
            notes.add("layer_types are obeyed, though the class that config.json names ignores them");
        }
        kinds.iter().map(|kind| self.layer_window(kind, window)).collect()
    }

    fn layer_window(&self, kind: &Value, window: Option<NonZeroUsize>) -> Result<Option<NonZeroUsize>, Error> {
        match (kind.as_str(), window) {
            (Some("full_attention"), _) => Ok(None),
            (Some("sliding_attention"), Some(window)) => Ok(Some(window)),
            (Some("sliding_attention"), None) => self.fields.wrong("sliding_window", "is missing, but layers slide"),
            _ => self.fields.unsupported("layer_types", format_args!("{} is not supported", shown(kind))),
        }
    }

    fn rope(&self, context_length: usize) -> Result<(Rope, Option<QueryScaling>), Error> {
        let outer_theta = self.fields.number("rope_theta")?.unwrap_or(self.class.theta);
        let Some(rope) = self.rope_fields()? else {
            return Ok(self.default_rope(outer_theta));
        };
        let scaling = RopeFields { rope, all: &self.fields, context_length };
        let theta = rope.number("rope_theta")?.unwrap_or(outer_theta);
        Ok((Rope { theta, scaling: scaling.scaling()? }, scaling.query_scaling()?))
    }

    fn default_rope(&self, theta: f64) -> (Rope, Option<QueryScaling>) {
        if self.class.model_type == "ministral3" {
            let query_scaling = QueryScaling { beta: 0.1, original_context: 16_384.0 };
            return (Rope { theta: 1e6, scaling: MINISTRAL3_YARN }, Some(query_scaling));
        }
        (Rope { theta, scaling: RopeScaling::None }, None)
    }

    /// The newer form may hold one set for each kind of layer: they have to be equal.
    fn rope_fields(&self) -> Result<Option<Fields<'_>>, Error> {
        if let Some(old) =
            self.fields.object("rope_scaling", "rope_scaling.")?.filter(|old| old.keys().next().is_some())
        {
            return Ok(Some(old));
        }
        let Some(new) = self.fields.object("rope_parameters", "rope_parameters.")? else { return Ok(None) };
        if new.keys().next().is_none() {
            return Ok(None);
        }
        let sets = ["full_attention", "sliding_attention"].map(|kind| (kind, new.value(kind)));
        match sets {
            [(_, None), (_, None)] => Ok(Some(new)),
            [(_, Some(full)), (_, Some(sliding))] if full != sliding => self
                .fields
                .unsupported("rope_parameters", "another rotary embedding for layers that slide is not supported"),
            [(_, Some(_)), _] => new.object("full_attention", "rope_parameters.full_attention."),
            [(_, None), (_, Some(_))] => new.object("sliding_attention", "rope_parameters.sliding_attention."),
        }
    }
}

/// `rope_parameters` or `rope_scaling`, with what stands beside it.
struct RopeFields<'a> {
    rope: Fields<'a>,
    all: &'a Fields<'a>,
    context_length: usize,
}

impl RopeFields<'_> {
    fn scaling(&self) -> Result<RopeScaling, Error> {
        let rope = &self.rope;
        match rope.number("partial_rotary_factor")? {
            None | Some(1.0) => {}
            Some(part) => {
                return rope.unsupported("partial_rotary_factor", format_args!("{part} is not supported, only 1"));
            }
        }
        let kind = match rope.text("rope_type")? {
            Some(kind) => Some(kind),
            None => rope.text("type")?,
        };
        match kind.unwrap_or("default") {
            "default" => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor: rope.need_number("factor")? }),
            "yarn" => self.yarn(),
            other => rope.unsupported(
                "rope_type",
                format_args!("`{other:.60}` is not supported, only default, linear and yarn"),
            ),
        }
    }

    fn yarn(&self) -> Result<RopeScaling, Error> {
        let rope = &self.rope;
        if rope.flag("truncate")? == Some(false) {
            return rope.unsupported("truncate", "false is not supported");
        }
        let original_context = self.original_context()?;
        let factor = match rope.number("factor")? {
            Some(factor) => factor,
            None => self.context_length as f64 / original_context,
        };
        // Zero counts as absent there.
        let or_default = |key, default| Ok(rope.number(key)?.filter(|beta| *beta != 0.0).unwrap_or(default));
        Ok(RopeScaling::Yarn {
            factor,
            original_context,
            beta_fast: or_default("beta_fast", 32.0)?,
            beta_slow: or_default("beta_slow", 1.0)?,
            attention_factor: self.attention_factor(factor)?,
        })
    }

    /// As given; or from two weights, where both are there and not zero; or the paper's.
    fn attention_factor(&self, factor: f64) -> Result<f64, Error> {
        if let Some(given) = self.rope.number("attention_factor")? {
            return Ok(given);
        }
        let weight = |key| Ok::<_, Error>(self.rope.number(key)?.filter(|weight| *weight != 0.0));
        match (weight("mscale")?, weight("mscale_all_dim")?) {
            (Some(mscale), Some(all_dim)) => Ok(yarn_magnitude(factor, mscale) / yarn_magnitude(factor, all_dim)),
            _ => Ok(yarn_magnitude(factor, 1.0)),
        }
    }

    /// Outside of the set it goes before inside; where neither has it, nothing was stretched.
    fn original_context(&self) -> Result<f64, Error> {
        let key = "original_max_position_embeddings";
        let outer = self.all.number(key)?;
        let context = if outer.is_some() { outer } else { self.rope.number(key)? };
        Ok(context.unwrap_or(self.context_length as f64))
    }

    fn query_scaling(&self) -> Result<Option<QueryScaling>, Error> {
        match self.rope.number("llama_4_scaling_beta")?.filter(|beta| *beta != 0.0) {
            Some(beta) => Ok(Some(QueryScaling { beta, original_context: self.original_context()? })),
            None => Ok(None),
        }
    }
}
