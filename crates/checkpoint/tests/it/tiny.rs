//! A tiny model to break: two layers, written by our own writer.

use checkpoint::gguf::{Array, Keys, TensorSpec, Value, Writer};
use quant::Format;

/// Keys of a llama-shaped model: width 8, 2 heads over 1, 4 tokens.
pub(crate) fn keys() -> Keys {
    let mut keys = Keys::default();
    keys.set("general.architecture", Value::String("llama".to_owned()));
    keys.set("general.name", Value::String("tiny".to_owned()));
    for (key, value) in [
        ("block_count", 1),
        ("context_length", 64),
        ("embedding_length", 8),
        ("feed_forward_length", 6),
        ("attention.head_count", 2),
        ("attention.head_count_kv", 1),
    ] {
        keys.set(&format!("llama.{key}"), Value::U32(value));
    }
    keys.set("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5));
    keys.set("llama.rope.freq_base", Value::F32(1e4));
    keys.set("tokenizer.ggml.model", Value::String("llama".to_owned()));
    keys.set("tokenizer.ggml.tokens", Value::Array(Array::of_strings(["<unk>", "<s>", "</s>", "é"])));
    keys.set("tokenizer.ggml.scores", Value::Array(Array::of_f32(&[0.0, 0.0, 0.0, -1.0])));
    keys.set("tokenizer.ggml.token_type", Value::Array(Array::of_i32(&[2, 3, 3, 1])));
    keys.set("tokenizer.ggml.bos_token_id", Value::U32(1));
    keys.set("tokenizer.ggml.add_bos_token", Value::Bool(true));
    keys
}

/// Its tensors; the embeddings are tied.
pub(crate) fn tensors() -> Vec<TensorSpec> {
    let matrices: [(&str, &[usize]); 11] = [
        ("token_embd.weight", &[8, 4]),
        ("blk.0.attn_norm.weight", &[8]),
        ("blk.0.attn_q.weight", &[8, 8]),
        ("blk.0.attn_k.weight", &[8, 4]),
        ("blk.0.attn_v.weight", &[8, 4]),
        ("blk.0.attn_output.weight", &[8, 8]),
        ("blk.0.ffn_norm.weight", &[8]),
        ("blk.0.ffn_gate.weight", &[8, 6]),
        ("blk.0.ffn_down.weight", &[6, 8]),
        ("blk.0.ffn_up.weight", &[8, 6]),
        ("output_norm.weight", &[8]),
    ];
    matrices.map(|(name, dims)| spec(name, dims)).to_vec()
}

/// An f32 tensor; sizes innermost first.
pub(crate) fn spec(name: &str, dims: &[usize]) -> TensorSpec {
    TensorSpec { name: name.to_owned(), dims: dims.to_vec(), format: Format::F32 }
}

/// A GGUF file in memory; every weight is its place in its tensor.
pub(crate) fn file(keys: &Keys, tensors: &[TensorSpec]) -> Vec<u8> {
    let mut writer = Writer::start(Vec::new(), keys, tensors).unwrap();
    for tensor in tensors {
        let bytes = tensor.bytes().unwrap() as usize;
        let weights: Vec<u8> = (0..bytes / 4).flat_map(|n| (n as f32).to_le_bytes()).collect();
        // In pieces, as it is meant to be used; a tensor of whole f32 takes no remainder.
        weights.chunks(40).for_each(|piece| writer.append(piece).unwrap());
        (weights.len()..bytes).for_each(|_| writer.append(&[0]).unwrap());
    }
    writer.finish().unwrap()
}

/// The tiny model, whole.
pub(crate) fn whole() -> Vec<u8> {
    file(&keys(), &tensors())
}
