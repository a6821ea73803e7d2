//! Texts and tokens of good tokenizers: text survives the way there and back, and streaming tokens gives the text of
//! all of them. The first byte chooses the tokenizer; the rest is the text, and the tokens.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tokenizer::{Detokenizer, TokenId, Tokenizer};

static TOKENIZERS: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
    let names = ["tekken_v13.json", "tokenizer.model.v7", "plain.model", "unigram.model", "folding.model"];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vectors/tokenizer");
    names.iter().map(|name| Tokenizer::open(format!("{folder}/{name}")).unwrap()).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((&choice, rest)) = data.split_first() else { return };
    let choice = usize::from(choice) % TOKENIZERS.len();
    let tokenizer = &TOKENIZERS[choice];
    let text = String::from_utf8_lossy(rest);
    let decoded = tokenizer.decode(&tokenizer.encode(&text));
    match choice {
        0 => assert_eq!(decoded, text),
        1 => assert_eq!(decoded, text.replace('▁', " ")),
        _ => {}
    }
    let tokens: Vec<TokenId> = rest.chunks(2).map(|pair| TokenId(pair.iter().fold(0, |n, &b| n * 5 + u32::from(b)))).collect();
    let mut detokenizer = Detokenizer::new(tokenizer);
    let mut streamed: String = tokens.iter().map(|&token| detokenizer.push(token)).collect();
    streamed.push_str(&detokenizer.finish());
    assert_eq!(streamed, tokenizer.decode(&tokens));
});
