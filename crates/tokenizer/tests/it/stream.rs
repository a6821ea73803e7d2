//! The detokenizer emits whole characters, and all that decoding at once gives.

use testkit::Random;
use tokenizer::{Detokenizer, TokenId, Tokenizer};

use crate::vectors::{FILES, Rule, json, open};

fn streamed(tokenizer: &Tokenizer, tokens: &[TokenId]) -> String {
    let mut detokenizer = Detokenizer::new(tokenizer);
    let mut out: String = tokens.iter().map(|&token| detokenizer.push(token)).collect();
    out.push_str(&detokenizer.finish());
    out
}

#[test]
fn what_is_emitted_is_what_decoding_gives() {
    for name in FILES {
        let tokenizer = open(name);
        let mut random = Random::new(2);
        for _ in 0..2000 {
            let span = if random.below(2) == 0 { 400 } else { tokenizer.vocab_size() + 3 };
            let tokens: Vec<_> = (0..random.below(20)).map(|_| TokenId(random.below(span) as u32)).collect();
            assert_eq!(streamed(&tokenizer, &tokens), tokenizer.decode(&tokens), "{name} {tokens:?}");
        }
    }
}

#[test]
fn text_survives_the_round_trip() {
    let rule = Rule::new(&json("golden.json"));
    for name in FILES.iter().filter(|name| name.starts_with("tekken") || name.starts_with("tokenizer.model")) {
        let tokenizer = open(name);
        for text in rule.random_blocks().take(20).flatten() {
            // SentencePiece reads its own sign for a space as a space.
            let expected = if name.ends_with(".json") { text.clone() } else { text.replace('▁', " ") };
            assert_eq!(streamed(&tokenizer, &tokenizer.encode(&text)), expected, "{name}");
        }
    }
}

#[test]
fn a_character_is_emitted_with_its_last_byte() {
    for name in ["tokenizer.model.v3", "tekken_v3.json"] {
        let tokenizer = open(name);
        let mut detokenizer = Detokenizer::new(&tokenizer);
        let tokens = tokenizer.encode("𒀀");
        assert_eq!(tokens.len(), if name.ends_with(".json") { 4 } else { 5 }, "{name}");
        let (last, before) = tokens.split_last().unwrap();
        assert_eq!(before.iter().map(|&token| detokenizer.push(token)).collect::<String>(), "");
        assert_eq!(detokenizer.push(*last), "𒀀");
        assert_eq!(detokenizer.finish(), "");
    }
}

#[test]
fn token_bytes_make_up_the_text() {
    for name in ["tokenizer.model.v7", "tekken_v13.json"] {
        let tokenizer = open(name);
        let text = "x é 👍 [INST]\n";
        let tokens = tokenizer.encode(text);
        let bytes: Vec<u8> = tokens.iter().flat_map(|&token| tokenizer.token_bytes(token).unwrap().to_vec()).collect();
        assert_eq!(String::from_utf8(bytes).unwrap().trim_start(), text, "{name}");
        assert!(tokens.iter().all(|&token| !tokenizer.is_special(token)));
        assert_eq!(tokenizer.token_bytes(tokenizer.special("[INST]").unwrap()), Some(&[][..]));
        assert_eq!(tokenizer.piece(tokenizer.special("[INST]").unwrap()), "[INST]");
        assert_eq!(tokenizer.token_bytes(TokenId(1 << 20)), None);
    }
}
