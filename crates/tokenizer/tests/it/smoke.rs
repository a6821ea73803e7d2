//! The entry points on files that were changed at random: an error or a tokenizer, never a panic. The fuzz targets do
//! the same for longer.

use testkit::Random;
use tokenizer::{TokenId, Tokenizer};

use crate::vectors::{FILES, bytes, gguf};

const ROUNDS: usize = 400;

#[test]
fn changed_files() {
    let mut random = Random::new(3);
    let mut opened = 0;
    for name in FILES {
        let file = bytes(name);
        for _ in 0..ROUNDS {
            let changed = change(&file, &mut random);
            if let Ok(tokenizer) = Tokenizer::from_file(&changed, name) {
                opened += 1;
                exercise(&tokenizer);
            }
        }
    }
    assert!(opened > 0, "no change leaves a file readable: the changes are too coarse");
}

#[test]
fn changed_gguf_vocabularies() {
    let mut random = Random::new(4);
    for name in ["spm", "tekken"] {
        let vocab = gguf(name);
        for _ in 0..ROUNDS {
            let mut changed = vocab.clone();
            let at = random.below(changed.tokens.len());
            match random.below(5) {
                0 => changed.tokens[at] = String::from_utf8_lossy(&random.bytes(6)).into_owned(),
                1 => changed.token_types[at] = random.below(9) as i32 - 1,
                2 => changed.scores.iter_mut().skip(at).take(9).for_each(|score| *score = random.float() * 1e30),
                3 => changed.tokens.truncate(at),
                _ => changed.bos_id = Some(random.bits() as u32),
            }
            if let Ok(tokenizer) = Tokenizer::from_gguf(&changed) {
                exercise(&tokenizer);
            }
        }
    }
}

fn change(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut out = file.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(out.len());
        match random.below(6) {
            0 => out.truncate(at.max(1)),
            1 => out[at] = random.bits() as u8,
            2 => out[at] ^= 1 << random.below(8),
            3 => drop(out.drain(at..(at + random.below(40)).min(out.len()))),
            4 => drop(out.splice(at..at, random.bytes(3))),
            _ => {
                let from = random.below(out.len());
                let copied = out[from..(from + random.below(60)).min(out.len())].to_vec();
                drop(out.splice(at..at, copied));
            }
        }
        if out.is_empty() {
            out.push(0);
        }
    }
    out
}

fn exercise(tokenizer: &Tokenizer) {
    for text in ["", "Hello, wörld!  \n[INST]▁<0x41> 👍\u{301}", "[REF]the the"] {
        let tokens = tokenizer.encode(text);
        assert!(tokens.iter().all(|token| token.index() < tokenizer.vocab_size() && !tokenizer.is_special(*token)));
        let _ = (tokenizer.decode(&tokens), tokenizer.debug_text(&tokens), tokenizer.encode_without_prefix(text));
    }
    for id in [0, 1, 2, 3, 300, tokenizer.vocab_size() as u32, u32::MAX] {
        let _ = (tokenizer.piece(TokenId(id)), tokenizer.token_bytes(TokenId(id)), tokenizer.decode(&[TokenId(id)]));
    }
}
