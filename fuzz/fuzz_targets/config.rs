//! A `config.json` or a `params.json`, told apart by the first byte.

#![no_main]

use checkpoint::{Layout, config_from_json};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let layout = if *first == b'p' { Layout::Mistral } else { Layout::HuggingFace };
    let Ok(config) = config_from_json(layout, &String::from_utf8_lossy(text), "fuzz") else { return };
    assert_eq!(config.windows.len(), config.n_layers);
    assert_eq!(config.n_heads % config.n_kv_heads, 0);
});
