//! A short seeded run of what `fuzz/` does for hours: sound files with bytes changed, cut, doubled. Nothing may panic, and
//! what opens has to be readable.

use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint::{Checkpoint, Layout, config_from_json, safetensors};
use quant::RowSource;
use testkit::{Random, damage};

use crate::tiny;

/// For all of it; unoptimised builds get fewer rounds out of it, and always the same ones first.
const TIME: Duration = Duration::from_secs(2);
const ROUNDS: usize = 20_000;

/// Runs `open` on changed copies of `seeds`.
fn mutate(seeds: &[Vec<u8>], open: impl Fn(&[u8])) {
    let (start, mut random) = (Instant::now(), Random::new(1));
    for _ in 0..ROUNDS {
        if start.elapsed() > TIME {
            break;
        }
        let mut bytes = seeds[random.below(seeds.len())].clone();
        damage(&mut bytes, &mut random);
        open(&bytes);
    }
}

#[test]
fn changed_gguf_files() {
    let python = std::fs::read(testkit::vectors("checkpoint/whole.gguf")).unwrap();
    mutate(&[tiny::whole(), python], |bytes| {
        let Ok(checkpoint) = Checkpoint::from_gguf(Arc::new(bytes.to_vec()), "changed") else { return };
        for tensor in checkpoint.tensors() {
            let mut rows = vec![0; tensor.bytes() as usize];
            tensor.read_rows(0..tensor.rows(), &mut rows).unwrap();
        }
    });
}

#[test]
fn changed_safetensors_files() {
    let seed = |path: &str| std::fs::read(testkit::vectors(path)).unwrap();
    mutate(
        &[seed("models/fp8/mistral/consolidated.safetensors"), seed("models/llama/hf/model.safetensors")],
        |bytes| {
            let Ok(tensors) = safetensors::parse(&bytes, "changed") else { return };
            assert!(tensors.iter().all(|tensor| tensor.offset + tensor.bytes <= bytes.len() as u64));
        },
    );
}

#[test]
fn changed_configurations() {
    for (name, layout) in [("config.json", Layout::HuggingFace), ("params.json", Layout::Mistral)] {
        let folder = if layout == Layout::Mistral { "mistral" } else { "hf" };
        let seed = |model: &str| std::fs::read(testkit::vectors("models").join(model).join(folder).join(name)).unwrap();
        mutate(&[seed("mistral3-tied"), seed("ministral"), seed("mixtral")], |bytes| {
            let Ok(config) = config_from_json(layout, &String::from_utf8_lossy(bytes), name) else { return };
            assert!(config.windows.len() == config.n_layers && config.n_heads % config.n_kv_heads == 0);
        });
    }
}
