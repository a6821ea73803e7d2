//! A `tekken.json`: read, and a text taken to tokens and back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenizer::Tokenizer;

fuzz_target!(|data: &[u8]| {
    let Ok(tokenizer) = Tokenizer::from_tekken(data) else { return };
    let text = "Ça va? 12 \u{1F44D}\n\n[INST]";
    assert_eq!(tokenizer.decode(&tokenizer.encode(text)), text);
});
