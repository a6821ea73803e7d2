//! Tiny models: those in `vectors/`, and ones that are made on the spot with a tokenizer and a template.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;

const HIDDEN: usize = 128;
/// Of `vectors/tokenizer/tekken_v13.json`: template v13, with tools and reasoning.
const VOCAB: usize = 1100;
const CONTEXT: usize = 2048;
/// Control tokens come first.
const CONTROL: usize = 100;

/// A model of `vectors/models`, which has no tokenizer: for token ids only.
pub(crate) fn vector_model() -> PathBuf {
    testkit::vectors("models/ministral3/hf")
}

/// A model that says nothing of sense and does not stop, in a vocabulary of 1,100 tokens, template v13, 2,048 tokens of
/// context. Control tokens are beyond it.
pub(crate) fn chat_model() -> PathBuf {
    scripted_model(&[])
}

/// The same, but after the first token of `script` comes the second with near certainty, and so on; after its last, the end
/// of the answer. The prompt's last token leads to the script's first. Each token may stand in the script once.
pub(crate) fn scripted_model(script: &[u32]) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("model-{}-{number}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::copy(testkit::vectors("tokenizer/tekken_v13.json"), folder.join("tekken.json")).unwrap();
    fs::write(folder.join("config.json"), config().to_string()).unwrap();
    write_weights(&folder.join("model.safetensors"), &successors(script));
    folder
}

fn config() -> serde_json::Value {
    json!({
        "architectures": ["MistralForCausalLM"], "model_type": "mistral", "bos_token_id": 1, "eos_token_id": 2,
        "head_dim": 32, "hidden_act": "silu", "hidden_size": HIDDEN, "intermediate_size": 64,
        "max_position_embeddings": CONTEXT, "num_attention_heads": 4, "num_hidden_layers": 1, "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": null, "tie_word_embeddings": false,
        "torch_dtype": "float32", "vocab_size": VOCAB,
    })
}

/// `[/INST]` (4) ends a prompt, 2 ends an answer.
fn successors(script: &[u32]) -> Vec<(usize, usize)> {
    let Some(first) = script.first() else { return Vec::new() };
    let mut pairs = vec![(4, *first as usize)];
    pairs.extend(script.windows(2).map(|two| (two[0] as usize, two[1] as usize)));
    pairs.push((script[script.len() - 1] as usize, 2));
    pairs
}

/// Embeddings are random signs; with silent attention and feed-forward parts, an output row that is the embedding of a
/// token makes its own token follow that one.
fn write_weights(path: &Path, successors: &[(usize, usize)]) {
    let mut embeddings: Vec<f32> = testkit::Random::new(7).floats(VOCAB * HIDDEN).iter().map(|x| x.signum()).collect();
    let mut output: Vec<f32> = testkit::Random::new(8).floats(VOCAB * HIDDEN).iter().map(|x| x * 0.1).collect();
    // One place is the same in all embeddings, and speaks against control tokens.
    embeddings.iter_mut().step_by(HIDDEN).for_each(|x| *x = 4.0);
    for (token, row) in output.chunks_mut(HIDDEN).enumerate() {
        row[0] = if token < CONTROL { -20.0 } else { 0.0 };
    }
    for &(token, next) in successors {
        let row = &embeddings[token * HIDDEN..(token + 1) * HIDDEN];
        output[next * HIDDEN..(next + 1) * HIDDEN].copy_from_slice(row);
    }
    let quiet = if successors.is_empty() { 0.05 } else { 0.0 };
    let weights = |seed: u64, count: usize| -> Vec<f32> {
        testkit::Random::new(seed).floats(count).iter().map(|x| x * quiet).collect()
    };
    let layer = "model.layers.0";
    let tensors = [
        ("model.embed_tokens.weight".to_owned(), [VOCAB, HIDDEN], embeddings),
        ("lm_head.weight".to_owned(), [VOCAB, HIDDEN], output),
        (format!("{layer}.self_attn.q_proj.weight"), [128, HIDDEN], weights(1, 128 * HIDDEN)),
        (format!("{layer}.self_attn.k_proj.weight"), [64, HIDDEN], weights(2, 64 * HIDDEN)),
        (format!("{layer}.self_attn.v_proj.weight"), [64, HIDDEN], weights(3, 64 * HIDDEN)),
        (format!("{layer}.self_attn.o_proj.weight"), [HIDDEN, 128], weights(4, HIDDEN * 128)),
        (format!("{layer}.mlp.gate_proj.weight"), [64, HIDDEN], weights(5, 64 * HIDDEN)),
        (format!("{layer}.mlp.up_proj.weight"), [64, HIDDEN], weights(6, 64 * HIDDEN)),
        (format!("{layer}.mlp.down_proj.weight"), [HIDDEN, 64], weights(9, HIDDEN * 64)),
        (format!("{layer}.input_layernorm.weight"), [HIDDEN, 0], vec![1.0; HIDDEN]),
        (format!("{layer}.post_attention_layernorm.weight"), [HIDDEN, 0], vec![1.0; HIDDEN]),
        ("model.norm.weight".to_owned(), [HIDDEN, 0], vec![1.0; HIDDEN]),
    ];
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let shape: Vec<usize> = shape.into_iter().filter(|&extent| extent > 0).collect();
        header.insert(name, json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let header = serde_json::Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend(data);
    fs::write(path, file).unwrap();
}
