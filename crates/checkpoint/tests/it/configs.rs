//! Configurations, compared with what `transformers` makes of them (`vectors/checkpoint/configs.json`), and what is refused.

use std::num::NonZeroUsize;

use checkpoint::{Checkpoint, Config, Experts, QueryScaling, Rope, RopeScaling};
use serde_json::Value;

use crate::folder::Folder;

/// A safetensors file without tensors.
const EMPTY: &[u8] = b"\x08\0\0\0\0\0\0\0{}      ";

#[test]
fn configurations_are_those_of_transformers() {
    let rows = testkit::json(&testkit::vectors("checkpoint/configs.json"));
    let rows = rows.as_array().unwrap().iter().map(|row| (row["name"].as_str().unwrap(), row));
    testkit::check_table(rows, |row| {
        let folder =
            Folder::new(&[("config.json", row["config"].to_string().as_bytes()), ("model.safetensors", EMPTY)]);
        let ours = Checkpoint::open(folder.path()).map_err(|error| error.to_string())?.config;
        let theirs = theirs(&row["resolved"]);
        if close(&ours, &theirs) { Ok(()) } else { Err(format!("\n{ours:?}, transformers has\n{theirs:?}")) }
    });
}

/// The attention factor goes through f64 there and here, but not through the same operations.
fn close(ours: &Config, theirs: &Config) -> bool {
    let mut ours = ours.clone();
    if let (RopeScaling::Yarn { attention_factor: a, .. }, RopeScaling::Yarn { attention_factor: b, .. }) =
        (&mut ours.rope.scaling, &theirs.rope.scaling)
        && (*a - *b).abs() <= 1e-15 * *b
    {
        *a = *b;
    }
    ours == *theirs
}

fn theirs(row: &Value) -> Config {
    let size = |key: &str| row[key].as_u64().unwrap() as usize;
    let number = |key: &str| row[key].as_f64().unwrap();
    let scaling = match row["rope_type"].as_str().unwrap() {
        "default" => RopeScaling::None,
        "linear" => RopeScaling::Linear { factor: number("factor") },
        _ => RopeScaling::Yarn {
            factor: number("factor"),
            original_context: number("original_context"),
            beta_fast: number("beta_fast"),
            beta_slow: number("beta_slow"),
            attention_factor: number("attention_factor"),
        },
    };
    let window = |window: &Value| window.as_u64().and_then(|size| NonZeroUsize::new(size as usize));
    Config {
        architecture: row["architecture"].as_str().unwrap().to_owned(),
        vocab_size: size("vocab_size"),
        dim: size("dim"),
        hidden_dim: size("hidden_dim"),
        n_layers: size("n_layers"),
        n_heads: size("n_heads"),
        n_kv_heads: size("n_kv_heads"),
        head_dim: size("head_dim"),
        norm_eps: number("norm_eps") as f32,
        context_length: size("context_length"),
        rope: Rope { theta: number("theta"), scaling },
        query_scaling: row["query_beta"]
            .as_f64()
            .map(|beta| QueryScaling { beta, original_context: number("original_context") }),
        windows: row["windows"].as_array().unwrap().iter().map(window).collect(),
        experts: row["experts"].as_array().map(|experts| Experts {
            count: experts[0].as_u64().unwrap() as usize,
            used: experts[1].as_u64().unwrap() as usize,
        }),
        tied_embeddings: row["tied"].as_bool().unwrap(),
        pooling: None,
    }
}

/// `(config.json, what the error has to say)`.
const REFUSED: &[(&str, &str)] = &[
    (r#"{}"#, "model_type: is missing"),
    (r#"{"model_type": "qwen3"}"#, "`qwen3` is not supported"),
    (r#"{"model_type": "mistral4"}"#, "`mistral4` is not supported"),
    (r#"{"model_type": "mistral3", "text_config": {"model_type": "mistral4"}}"#, "text_config.model_type"),
    (r#"{"model_type": "mistral3"}"#, "text_config: is missing"),
    (r#"{"model_type": "mistral", "hidden_act": "gelu"}"#, "hidden_act: `gelu` is not supported"),
    (r#"{"model_type": "llama", "attention_bias": true}"#, "attention_bias: biases are not supported"),
    (r#"{"model_type": "llama", "mlp_bias": true}"#, "mlp_bias"),
    (r#"{"model_type": "mistral", "hidden_size": 0}"#, "hidden_size: 0 is not a whole number between 1 and"),
    (r#"{"model_type": "mistral", "num_attention_heads": 0}"#, "num_attention_heads: 0"),
    (r#"{"model_type": "mistral", "num_key_value_heads": 0}"#, "num_key_value_heads: 0"),
    (r#"{"model_type": "mistral", "num_key_value_heads": 5}"#, "32 heads cannot share 5"),
    (r#"{"model_type": "mistral", "head_dim": 0}"#, "head_dim: 0"),
    (r#"{"model_type": "mistral", "head_dim": 65}"#, "head_dim: 65 is odd"),
    (r#"{"model_type": "mistral", "head_dim": -1}"#, "head_dim: -1"),
    (r#"{"model_type": "mistral", "head_dim": 1e3}"#, "head_dim: 1000.0 is not a whole number"),
    (r#"{"model_type": "mistral", "head_dim": 1000000}"#, "wider than any model"),
    (r#"{"model_type": "mistral", "vocab_size": 0}"#, "vocab_size: 0"),
    (r#"{"model_type": "mistral", "vocab_size": 9223372036854775808}"#, "vocab_size: 9223372036854775808"),
    (r#"{"model_type": "mistral", "num_hidden_layers": 18446744073709551615}"#, "num_hidden_layers"),
    (r#"{"model_type": "mistral", "num_hidden_layers": "many"}"#, "num_hidden_layers: \"many\" is not"),
    (r#"{"model_type": "mistral", "sliding_window": 0}"#, "sliding_window: 0"),
    (r#"{"model_type": "mistral", "rms_norm_eps": 0}"#, "rms_norm_eps: 0"),
    (r#"{"model_type": "mistral", "rms_norm_eps": 1}"#, "rms_norm_eps: 1"),
    (r#"{"model_type": "mistral", "rope_theta": NaN}"#, "JSON"),
    (r#"{"model_type": "mistral", "rope_theta": 1e999}"#, "JSON"),
    (r#"{"model_type": "mistral", "rope_theta": "NaN"}"#, "rope_theta: \"NaN\" is not a number"),
    (r#"{"model_type": "mistral", "rope_theta": -10000}"#, "rope_theta: -10000 is not a number above 1"),
    (r#"{"model_type": "mistral", "rope_theta": 0}"#, "rope_theta: 0"),
    (r#"{"model_type": "mistral", "rope_scaling": {"type": "llama3", "factor": 8}}"#, "`llama3` is not supported"),
    (r#"{"model_type": "mistral", "rope_scaling": {"type": "dynamic", "factor": 8}}"#, "`dynamic` is not supported"),
    (r#"{"model_type": "mistral", "rope_scaling": {"rope_type": "longrope"}}"#, "`longrope` is not supported"),
    (r#"{"model_type": "mistral", "rope_scaling": {"type": "linear"}}"#, "rope_scaling.factor: is missing"),
    (r#"{"model_type": "mistral", "rope_scaling": {"type": "linear", "factor": 0}}"#, "factor 0"),
    (r#"{"model_type": "mistral", "rope_scaling": {"type": "yarn", "factor": -4}}"#, "factor -4"),
    (r#"{"model_type": "mistral", "rope_scaling": {"type": "yarn", "factor": 4, "truncate": false}}"#, "truncate"),
    (r#"{"model_type": "mistral", "partial_rotary_factor": 0.5}"#, "partial_rotary_factor: 0.5"),
    (r#"{"model_type": "ministral", "layer_types": ["full_attention"]}"#, "layer_types: 1 kinds for 32 layers"),
    (
        r#"{"model_type": "ministral", "num_hidden_layers": 1, "layer_types": ["linear"]}"#,
        "\"linear\" is not supported",
    ),
    (r#"{"model_type": "mixtral", "num_local_experts": 0}"#, "num_local_experts: 0"),
    (r#"{"model_type": "mixtral", "num_experts_per_tok": 9}"#, "9 experts for a token"),
    (r#"{"model_type": "mistral", "quantization_config": {"quant_method": "awq"}}"#, "`awq` is not read"),
    (r#"{"model_type": "mistral", "quantization_config": {"quant_method": "gptq"}}"#, "`gptq` is not read"),
    (
        r#"{"model_type": "mistral", "quantization_config":
            {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}}"#,
        "`nvfp4-pack-quantized` is not read",
    ),
    (r#"[]"#, "JSON"),
    (r#""#, "JSON"),
];

#[test]
// LONG: a table, a row a refusal
fn configurations_that_are_refused() {
    let deep = "[".repeat(100_000);
    let deep_value = format!("{{\"model_type\": {deep}");
    let long = format!("{{\"a\": \"{}\"}}", "x".repeat(2 << 20));
    let rows = REFUSED.iter().copied().chain([(deep.as_str(), "JSON"), (&deep_value, "JSON"), (&long, "size")]);
    testkit::check_table(rows.map(|row| (&row.0[..row.0.len().min(100)], row)), |(config, problem)| {
        let folder = Folder::new(&[("config.json", config.as_bytes()), ("model.safetensors", EMPTY)]);
        refused(&folder, "config.json", problem)
    });
}

#[test]
fn params_that_are_refused() {
    let sound = r#"{"dim": 64, "n_layers": 4, "hidden_dim": 96, "n_heads": 4, "n_kv_heads": 2, "head_dim": 16, "norm_eps": 1e-5,
        "vocab_size": 100, "max_position_embeddings": 128"#;
    let rows = [
        (r#""n_heads": 0"#, "n_heads: 0"),
        (r#""n_kv_heads": 3"#, "n_heads: 4 heads cannot share 3"),
        (r#""head_dim": 15"#, "head_dim: 15 is odd"),
        (r#""norm_eps": -1"#, "norm_eps: -1"),
        (r#""vocab_size": null"#, "vocab_size: is missing"),
        (r#""rope_theta": 1"#, "rope_theta: 1"),
        (r#""model_type": "mamba""#, "`mamba` is not supported"),
        (r#""kv_lora_rank": 256"#, "latent attention is not supported"),
        (r#""use_biases": true"#, "biases are not supported"),
        (r#""activation": "gelu""#, "`gelu` is not supported"),
        (r#""sliding_window": 0"#, "sliding_window: 0"),
        (r#""_sliding_window": [8, 0]"#, "_sliding_window: 0"),
        (r#""_sliding_window": [8, null, 8]"#, "3 windows for 4 layers"),
        (r#""_sliding_window": []"#, "0 windows for 4 layers"),
        (r#""yarn": {"factor": 4}"#, "yarn.original_max_position_embeddings: is missing"),
        (r#""yarn": {"factor": 0, "original_max_position_embeddings": 16}"#, "factor 0"),
        (r#""llama_4_scaling": {"beta": 0.1}"#, "llama_4_scaling.original_max_position_embeddings: is missing"),
        (r#""moe": {"num_experts": 4}"#, "moe.num_experts_per_tok: is missing"),
        (r#""moe": {"num_experts": 4, "num_experts_per_tok": 2, "num_shared_experts": 1}"#, "num_shared_experts: 1"),
        (r#""quantization": {"qformat_weight": "nvfp4"}"#, "`nvfp4` is not read"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(extra, problem)| {
        let params = format!("{sound}, {extra}}}");
        let folder = Folder::new(&[("params.json", params.as_bytes()), ("consolidated.safetensors", EMPTY)]);
        refused(&folder, "params.json", problem)
    });
}

/// The error names the file and says what it should.
fn refused(folder: &Folder, file: &str, problem: &str) -> Result<(), String> {
    match Checkpoint::open(folder.path()) {
        Ok(checkpoint) => Err(format!("opened as {:?}", checkpoint.config)),
        Err(error) if error.to_string().contains(file) && error.to_string().contains(problem) => Ok(()),
        Err(error) => Err(format!("{error}, not {problem}")),
    }
}

/// The two ways in which one factor is said: magnitude on, and cancelled (facts of `params.json` and of GGUF).
#[test]
fn yarn_magnitude_in_params() {
    let rows = [("true", 1.0 + 0.1 * 16_f64.ln()), ("false", 1.0)];
    testkit::check_table(rows.map(|row| (row.0, row)), |(apply_scale, factor)| {
        let params = format!(
            r#"{{"dim": 8, "n_layers": 1, "hidden_dim": 8, "n_heads": 1, "norm_eps": 1e-5, "vocab_size": 4, "rope_theta": 1e6,
                "yarn": {{"factor": 16, "original_max_position_embeddings": 16384, "apply_scale": {apply_scale}}}}}"#
        );
        let folder = Folder::new(&[("params.json", params.as_bytes()), ("consolidated.safetensors", EMPTY)]);
        let checkpoint = Checkpoint::open(folder.path()).map_err(|error| error.to_string())?;
        match checkpoint.config.rope.scaling {
            RopeScaling::Yarn { attention_factor, .. } if attention_factor == factor => Ok(()),
            other => Err(format!("{other:?}, not {factor}")),
        }
    });
}
