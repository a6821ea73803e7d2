//! A SentencePiece model: read, and texts taken to tokens and back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tokenizer::Tokenizer;

fuzz_target!(|data: &[u8]| {
    let Ok(tokenizer) = Tokenizer::from_spm(data, "tokenizer.model") else { return };
    for text in ["", "Ça va? 12 \u{1F44D}\n\n[INST]▁▁<0x41>", "   the wind, the wind   "] {
        let tokens = tokenizer.encode(text);
        assert!(tokens.iter().all(|&token| token.index() < tokenizer.vocab_size() && !tokenizer.is_special(token)));
        let _ = (tokenizer.decode(&tokens), tokenizer.debug_text(&tokens), tokenizer.encode_without_prefix(text));
    }
});
