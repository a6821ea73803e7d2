//! What stands beside a tokenizer file, and what GGUF files take for text.

use testkit::{check_table, vectors};
use tokenizer::{AddedToken, Additions, GgufVocab, TokenId, Tokenizer};

fn additions(tokens: &[(u32, &str, bool)], eos: Option<u32>) -> Additions {
    let token = |&(id, content, special): &(u32, &str, bool)| AddedToken { id, content: content.to_owned(), special };
    Additions { tokens: tokens.iter().map(token).collect(), eos }
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(vectors(&format!("prompt/{name}"))).unwrap()
}

#[test]
fn tokens_beside_a_file() {
    let file = bytes("spm.v3");
    let plain = Tokenizer::from_file(&file, "tokenizer.model").unwrap();
    let size = plain.vocab_size() as u32;
    let added = additions(
        &[(size, "<|im_end|>", false), (size + 1, "<|im_start|>", true), (size + 2, "<tool>", false)],
        Some(size),
    );
    let tokenizer = Tokenizer::from_file_with(&file, "tokenizer.model", &added).unwrap();
    assert_eq!((tokenizer.vocab_size(), tokenizer.eos()), (plain.vocab_size() + 3, Some(TokenId(size))));
    assert_eq!(tokenizer.special("<|im_start|>"), Some(TokenId(size + 1)));
    assert_eq!(tokenizer.version(), plain.version());
    // Control tokens never come from text, the others always do.
    let text = "a <|im_end|><|im_start|>";
    assert_eq!(tokenizer.encode(text), plain.encode(text));
    assert_eq!(tokenizer.encode("<tool>").last(), Some(&TokenId(size + 2)));
    assert_eq!(tokenizer.decode(&[TokenId(size + 1)]), "");
    let (vocab, _) = GgufVocab::of_file_with(&file, "tokenizer.model", &added).unwrap();
    let again = Tokenizer::from_gguf(&vocab).unwrap();
    assert_eq!((again.vocab_size(), again.eos()), (tokenizer.vocab_size(), tokenizer.eos()));
    assert!(again.is_special(TokenId(size + 1)));
}

#[test]
fn tokens_beside_tekken() {
    let file = bytes("tekken.json");
    let plain = Tokenizer::from_file(&file, "tekken.json").unwrap();
    let size = plain.vocab_size() as u32;
    let added = additions(&[(size, "<|im_end|>", true)], Some(size));
    let tokenizer = Tokenizer::from_file_with(&file, "tekken.json", &added).unwrap();
    assert_eq!((tokenizer.eos(), tokenizer.special("<|im_end|>")), (Some(TokenId(size)), Some(TokenId(size))));
    assert_eq!(tokenizer.encode("<|im_end|>"), plain.encode("<|im_end|>"));
}

#[test]
fn places_that_are_taken() {
    let file = bytes("spm.v3");
    let plain = Tokenizer::from_file(&file, "tokenizer.model").unwrap();
    let size = plain.vocab_size() as u32;
    let (inst, text) = (plain.special("[INST]").unwrap().0, plain.encode("a").last().unwrap().0);
    let piece = plain.piece(TokenId(text));
    let rows: Vec<(Additions, Result<Option<u32>, &str>)> = vec![
        (additions(&[(inst, "[INST]", true), (text, &piece, false)], None), Ok(None)),
        // A control token that the folder calls by a new name, and one that it calls by another token's.
        (additions(&[(inst, "<|im_start|>", true)], None), Ok(Some(inst))),
        (additions(&[(inst, "[/INST]", true)], None), Ok(None)),
        (additions(&[(text, "<|im_start|>", true)], None), Err("they do not belong together")),
        (additions(&[(size + 1, "<|im_start|>", true)], None), Err("nothing says what token")),
        (additions(&[], Some(size)), Err("there is no such token")),
    ];
    check_table(rows.into_iter().map(|row| (format!("{:?}", row.0), row)), |(added, expected)| {
        match (Tokenizer::from_file_with(&file, "tokenizer.model", &added), expected) {
            (Ok(tokenizer), Ok(id)) if tokenizer.special("<|im_start|>") == id.map(TokenId) => Ok(()),
            (Err(error), Err(part)) if error.to_string().contains(part) => Ok(()),
            (other, _) => Err(format!("{:?}", other.map(|tokenizer| tokenizer.special("<|im_start|>")))),
        }
    });
}

/// As llama.cpp's converter writes many ChatML models: the markers are text that is always one token.
#[test]
fn markers_that_a_gguf_file_takes_for_text() {
    let (mut vocab, _) = GgufVocab::of_file(&bytes("spm.v3"), "tokenizer.model.v3").unwrap();
    let size = vocab.tokens.len() as u32;
    for (text, kind) in [("<|im_end|>", 4), ("<|im_start|>", 1), ("[REFERENCE_DOC_0]", 4), ("<end>", 4)] {
        vocab.tokens.push(text.to_owned());
        vocab.token_types.push(kind);
        vocab.scores.push(0.0);
    }
    vocab.eos_id = Some(size + 3);
    let tokenizer = Tokenizer::from_gguf(&vocab).unwrap();
    let is_special = |id: u32| tokenizer.is_special(TokenId(id));
    assert_eq!([0, 1, 2, 3].map(|at| is_special(size + at)), [true, true, false, true]);
    assert_eq!(tokenizer.special("<|im_start|>"), Some(TokenId(size + 1)));
    for (text, expected) in
        [("<|im_end|>", false), ("<|im_start|>", false), ("[REFERENCE_DOC_0]", true), ("<end>", false)]
    {
        assert_eq!(tokenizer.encode(text).iter().any(|token| token.0 >= size), expected, "{text}");
    }
}
