//! One table for the names of all tensors: Mistral's own on the left, those of the other layouts beside them.
//!
//! A name is taken apart into what surrounds it (`model.layers.3.`), the row of the table, and what kind of companion
//! it is (a weight, a scale of a weight). Names that are known to belong to parts that this program does not run
//! are told from names that nobody knows.

use crate::Layout;

/// What a tensor is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// A weight: its canonical name.
    Weight(String),
    /// The experts' matrices of one layer in one tensor, expert by expert: canonical names, with `*` for the expert.
    Stacked(String),
    /// Like [`Meaning::Stacked`], but w1 and w3 one behind the other for each expert.
    StackedPair(String, String),
    /// Factor of a weight in fewer bits: the canonical name of the weight.
    Scale(String),
    /// Belongs to something that is known and not used: what it is.
    Unused(&'static str),
    /// Frequency factors of Llama 3's rotary embedding.
    RopeFactors,
    /// Nobody knows.
    Unknown,
}

/// One row: canonical name, GGUF names, Hugging Face names. `{e}` stands for an expert's number, `*` for all experts.
struct Row {
    canonical: &'static str,
    gguf: &'static [&'static str],
    hf: &'static [&'static str],
}

const fn row(canonical: &'static str, gguf: &'static [&'static str], hf: &'static [&'static str]) -> Row {
    Row { canonical, gguf, hf }
}

/// Tensors outside of the layers.
const OUTER: [Row; 3] = [
    row("tok_embeddings.weight", &["token_embd.weight"], &["model.embed_tokens.weight"]),
    row("norm.weight", &["output_norm.weight"], &["model.norm.weight"]),
    row("output.weight", &["output.weight"], &["lm_head.weight"]),
];

/// Tensors of a layer.
const LAYER: [Row; 16] = [
    row("attention_norm.weight", &["attn_norm.weight"], &["input_layernorm.weight"]),
    row("attention.wq.weight", &["attn_q.weight"], &["self_attn.q_proj.weight"]),
    row("attention.wk.weight", &["attn_k.weight"], &["self_attn.k_proj.weight"]),
    row("attention.wv.weight", &["attn_v.weight"], &["self_attn.v_proj.weight"]),
    row("attention.wo.weight", &["attn_output.weight"], &["self_attn.o_proj.weight"]),
    row("ffn_norm.weight", &["ffn_norm.weight"], &["post_attention_layernorm.weight"]),
    row("feed_forward.w1.weight", &["ffn_gate.weight"], &["mlp.gate_proj.weight"]),
    row("feed_forward.w2.weight", &["ffn_down.weight"], &["mlp.down_proj.weight"]),
    row("feed_forward.w3.weight", &["ffn_up.weight"], &["mlp.up_proj.weight"]),
    row("feed_forward.gate.weight", &["ffn_gate_inp.weight"], &["block_sparse_moe.gate.weight", "mlp.gate.weight"]),
    row("feed_forward.experts.{e}.w1.weight", &["ffn_gate.{e}.weight"], &["block_sparse_moe.experts.{e}.w1.weight"]),
    row("feed_forward.experts.{e}.w2.weight", &["ffn_down.{e}.weight"], &["block_sparse_moe.experts.{e}.w2.weight"]),
    row("feed_forward.experts.{e}.w3.weight", &["ffn_up.{e}.weight"], &["block_sparse_moe.experts.{e}.w3.weight"]),
    row("feed_forward.experts.*.w1.weight", &["ffn_gate_exps.weight"], &[]),
    row("feed_forward.experts.*.w2.weight", &["ffn_down_exps.weight"], &["mlp.experts.down_proj"]),
    row("feed_forward.experts.*.w3.weight", &["ffn_up_exps.weight"], &[]),
];

/// w1 and w3 of all experts in one tensor, as transformers 5 holds them.
const STACKED_PAIR: &str = "mlp.experts.gate_up_proj";

/// Endings that stand in place of `weight` for what multiplies the weight.
const SCALES: [&str; 3] = ["weight_scale_inv", "weight_scale", "qscale_weight"];
/// Endings of what was measured for activations in few bits. They are kept wider here.
const ACTIVATION_SCALES: [&str; 3] = ["activation_scale", "input_scale", "qscale_act"];

/// `(start of the name, what it belongs to)`, in any layout.
const UNUSED: [(&str, &str); 14] = [
    ("vision_tower.", "a vision tower"),
    ("model.vision_tower.", "a vision tower"),
    ("vision_encoder.", "a vision tower"),
    ("vision_language_adapter.", "a vision projector"),
    ("multi_modal_projector.", "a vision projector"),
    ("model.multi_modal_projector.", "a vision projector"),
    ("pre_mm_projector_norm.", "a vision projector"),
    ("patch_merger.", "a vision projector"),
    ("audio_tower.", "an audio encoder"),
    ("mm_whisper_embeddings.", "an audio encoder"),
    ("mm_streams_embeddings.", "an audio encoder"),
    ("v.", "a vision tower"),
    ("mm.", "a vision projector"),
    ("a.", "an audio encoder"),
];

/// What the tensor `name` of a file in `layout` is.
pub(crate) fn meaning(layout: Layout, name: &str) -> Meaning {
    if let Some((_, what)) = UNUSED.iter().find(|(start, _)| name.starts_with(start)) {
        return Meaning::Unused(what);
    }
    if name.ends_with("rotary_emb.inv_freq") {
        return Meaning::Unused("rotary frequencies");
    }
    if name == "rope_freqs.weight" || name.ends_with(".rope_freqs.weight") {
        return Meaning::RopeFactors;
    }
    let plain = if layout == Layout::HuggingFace { without_language_model(name) } else { name.to_owned() };
    if ACTIVATION_SCALES.iter().any(|ending| plain.ends_with(ending)) {
        return Meaning::Unused("scales for activations in 8 bits");
    }
    for ending in SCALES {
        if let Some(stem) = plain.strip_suffix(ending).filter(|stem| stem.ends_with('.')) {
            return match weight(layout, &format!("{stem}weight")) {
                Meaning::Weight(of) => Meaning::Scale(of),
                _ => Meaning::Unknown,
            };
        }
    }
    weight(layout, &plain)
}

/// Vision-language models hold the language model under a prefix, of which there have been three.
fn without_language_model(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("model.language_model.") {
        return format!("model.{rest}");
    }
    name.strip_prefix("language_model.").unwrap_or(name).to_owned()
}

/// Where a GGUF file holds a weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The tensor's name; of experts, that of all of them together.
    pub(crate) name: String,
    /// The layer, where it is in one.
    pub(crate) layer: Option<usize>,
    /// Which of the stacked experts it is, where it is one.
    pub(crate) expert: Option<usize>,
    /// Sorts tensors: the table of embeddings, the layers, the output.
    pub(crate) order: (usize, usize),
}

/// The way back: where a GGUF file holds the weight with this canonical name.
pub(crate) fn place(canonical: &str) -> Option<Place> {
    let Some((layer, part)) = canonical.strip_prefix("layers.").and_then(|rest| rest.split_once('.')) else {
        let at = OUTER.iter().position(|row| row.canonical == canonical)?;
        let name = (*OUTER.get(at)?.gguf.first()?).to_owned();
        let order = (if at == 0 { 0 } else { usize::MAX }, at);
        return Some(Place { name, layer: None, expert: None, order });
    };
    let (layer, found) = (number(layer)?.parse::<usize>().ok()?, LAYER.iter().find_map(|row| matched(row, part)));
    let (row, expert) = found?;
    let stacked = row.canonical.replace("{e}", "*");
    let at = LAYER.iter().position(|row| row.canonical == stacked)?;
    let name = format!("blk.{layer}.{}", LAYER.get(at)?.gguf.first()?);
    Some(Place { name, layer: Some(layer), expert, order: (layer.checked_add(1)?, at) })
}

/// The row, and the expert's number where it has one, if `part` fits it.
fn matched<'r>(row: &'r Row, part: &str) -> Option<(&'r Row, Option<usize>)> {
    Some((row, matches(row.canonical, part)?.parse().ok()))
}

fn weight(layout: Layout, name: &str) -> Meaning {
    let prefix = match layout {
        Layout::Gguf => "blk.",
        Layout::HuggingFace => "model.layers.",
        Layout::Mistral => "layers.",
    };
    let Some((layer, part)) = name.strip_prefix(prefix).and_then(|rest| rest.split_once('.')) else {
        return found(layout, &OUTER, name, "");
    };
    match number(layer) {
        Some(layer) if layout == Layout::HuggingFace && part == STACKED_PAIR => {
            let stacked = |matrix| format!("layers.{layer}.feed_forward.experts.*.{matrix}.weight");
            Meaning::StackedPair(stacked("w1"), stacked("w3"))
        }
        Some(layer) => found(layout, &LAYER, part, &format!("layers.{layer}.")),
        None => Meaning::Unknown,
    }
}

fn found(layout: Layout, rows: &[Row], name: &str, prefix: &str) -> Meaning {
    for row in rows {
        let names = match layout {
            Layout::Gguf => row.gguf,
            Layout::HuggingFace => row.hf,
            Layout::Mistral if row.canonical.contains('*') => &[],
            Layout::Mistral => std::slice::from_ref(&row.canonical),
        };
        for pattern in names {
            let Some(expert) = matches(pattern, name) else { continue };
            let canonical = format!("{prefix}{}", row.canonical.replace("{e}", &expert));
            return if canonical.contains('*') { Meaning::Stacked(canonical) } else { Meaning::Weight(canonical) };
        }
    }
    Meaning::Unknown
}

/// The expert's number where `name` fits `pattern`; an empty one where the pattern has none.
fn matches(pattern: &str, name: &str) -> Option<String> {
    let Some((before, after)) = pattern.split_once("{e}") else {
        return (pattern == name).then(String::new);
    };
    number(name.strip_prefix(before)?.strip_suffix(after)?)
}

/// A decimal number as it is written once only: no sign, no leading zeros, few digits.
fn number(text: &str) -> Option<String> {
    let canonical = text.parse::<u16>().ok()?.to_string();
    (canonical == text).then_some(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Layout::{Gguf, HuggingFace, Mistral};

    #[test]
    fn the_way_back() {
        let rows = [
            ("tok_embeddings.weight", Some(("token_embd.weight", None, None))),
            ("output.weight", Some(("output.weight", None, None))),
            ("layers.31.attention.wo.weight", Some(("blk.31.attn_output.weight", Some(31), None))),
            ("layers.2.feed_forward.experts.7.w2.weight", Some(("blk.2.ffn_down_exps.weight", Some(2), Some(7)))),
            ("layers.2.feed_forward.gate.weight", Some(("blk.2.ffn_gate_inp.weight", Some(2), None))),
            ("layers.2.feed_forward.w4.weight", None),
            ("layers.x.attention.wo.weight", None),
        ];
        testkit::check_table(rows, |expected| {
            let name = rows.iter().find(|row| row.1 == expected).unwrap().0;
            let place = place(name);
            let ours = place.as_ref().map(|place| (place.name.as_str(), place.layer, place.expert));
            if ours == expected { Ok(()) } else { Err(format!("{ours:?}")) }
        });
    }

    #[test]
    fn names_of_all_layouts_meet() {
        let weight = |name: &str| Meaning::Weight(name.to_owned());
        let rows = [
            (Gguf, "token_embd.weight", weight("tok_embeddings.weight")),
            (Gguf, "blk.31.attn_output.weight", weight("layers.31.attention.wo.weight")),
            (Gguf, "blk.0.ffn_up.7.weight", weight("layers.0.feed_forward.experts.7.w3.weight")),
            (Gguf, "blk.2.ffn_down_exps.weight", Meaning::Stacked("layers.2.feed_forward.experts.*.w2.weight".into())),
            (Gguf, "blk.02.ffn_down.weight", Meaning::Unknown),
            (Gguf, "blk.99999.ffn_down.weight", Meaning::Unknown),
            (Gguf, "blk.0.attn_q.bias", Meaning::Unknown),
            (Gguf, "rope_freqs.weight", Meaning::RopeFactors),
            (HuggingFace, "lm_head.weight", weight("output.weight")),
            (HuggingFace, "language_model.lm_head.weight", weight("output.weight")),
            (HuggingFace, "language_model.model.norm.weight", weight("norm.weight")),
            (
                HuggingFace,
                "model.language_model.layers.1.mlp.up_proj.weight",
                weight("layers.1.feed_forward.w3.weight"),
            ),
            (
                HuggingFace,
                "model.layers.1.block_sparse_moe.experts.3.w2.weight",
                weight("layers.1.feed_forward.experts.3.w2.weight"),
            ),
            (
                HuggingFace,
                "model.layers.1.mlp.experts.gate_up_proj",
                Meaning::StackedPair(
                    "layers.1.feed_forward.experts.*.w1.weight".into(),
                    "layers.1.feed_forward.experts.*.w3.weight".into(),
                ),
            ),
            (
                HuggingFace,
                "model.layers.1.self_attn.q_proj.weight_scale_inv",
                Meaning::Scale("layers.1.attention.wq.weight".into()),
            ),
            (HuggingFace, "vision_tower.patch_conv.weight", Meaning::Unused("a vision tower")),
            (HuggingFace, "model.layers.0.self_attn.q_proj.bias", Meaning::Unknown),
            (Mistral, "layers.0.attention.wk.weight", weight("layers.0.attention.wk.weight")),
            (Mistral, "layers.0.attention.wk.qscale_weight", Meaning::Scale("layers.0.attention.wk.weight".into())),
            (Mistral, "layers.0.feed_forward.experts.5.w1.weight", weight("layers.0.feed_forward.experts.5.w1.weight")),
            (Mistral, "layers.0.feed_forward.experts.*.w1.weight", Meaning::Unknown),
            (Mistral, "layers.0.attention.wq_a.weight", Meaning::Unknown),
        ];
        testkit::check_table(
            rows.map(|(layout, name, expected)| (name, (layout, name, expected))),
            |(l, name, expected)| {
                let ours = meaning(l, name);
                if ours == expected { Ok(()) } else { Err(format!("{ours:?}, not {expected:?}")) }
            },
        );
    }
}
