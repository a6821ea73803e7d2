//! Bad files: refused with a message that says what is wrong.

use serde_json::{Value, json};
use testkit::check_table;
use tokenizer::{GgufVocab, Tokenizer};

use crate::vectors::{bytes, gguf, json};

fn refused(result: Result<Tokenizer, tokenizer::Error>, expected: &str) -> Result<(), String> {
    match result {
        Ok(_) => Err("accepted".to_owned()),
        Err(error) if error.to_string().contains(expected) && !error.to_string().contains('\n') => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn other_kinds_of_files() {
    let rows: [(&str, &[u8], &str); 7] = [
        ("tokenizer.model", b"", "neither"),
        ("tokenizer.model", b"\x7fELF\x02\x01", "neither"),
        ("tokenizer.model", b"\x80\x02}q\x00.", "neither"),
        ("tokenizer.model", b"GGUF\x03\0\0\0", "open it as a model"),
        ("tokenizer.json", b"{\"model\": {}}", "Hugging Face"),
        ("tekken.json", b"{}", "missing field"),
        ("tokenizer.model.v99", &bytes("tokenizer.model.v3"), "version `v99`"),
    ];
    check_table(
        rows.map(|row| (format!("{} {:?}", row.0, &row.1[..row.1.len().min(8)]), row)),
        |(name, file, expected)| refused(Tokenizer::from_file(file, name), expected),
    );
}

#[test]
fn tekken_files() {
    let file = json("tekken_v3.json");
    let change = |path: &str, value: Value| {
        let mut changed = file.clone();
        *changed.pointer_mut(path).unwrap() = value;
        changed
    };
    let with = |key: &str, value: Value| {
        let mut changed = file.clone();
        changed[key] = value;
        changed
    };
    let special = |rank: Value, name: &str| json!({"rank": rank, "token_str": name, "is_control": true});
    let huge = "x".repeat(100_000);
    let rows = [
        ("pattern", change("/config/pattern", json!("\\w+")), "config.pattern"),
        ("version", change("/config/version", json!("v4")), "version `v4`"),
        (
            "vocabulary longer than the file",
            change("/config/default_vocab_size", json!(10_000)),
            "config asks for 9900",
        ),
        ("vocabulary of 2^63", change("/config/default_vocab_size", json!(1u64 << 63)), "config asks for"),
        ("2^63 specials", change("/config/default_num_special_tokens", json!(1u64 << 63)), "default_vocab_size"),
        ("negative", change("/config/default_vocab_size", json!(-1)), "invalid value"),
        ("fewer specials than the list", change("/config/default_num_special_tokens", json!(5)), "rank 5"),
        ("rank out of order", change("/vocab/300/rank", json!(301)), "entry 300 has rank 301"),
        ("rank out of range", change("/vocab/300/rank", json!(1u64 << 40)), "has rank"),
        ("no base64", change("/vocab/300/token_bytes", json!("?!")), "entry 300 is not base64"),
        ("empty", change("/vocab/300/token_bytes", json!("")), "entry 300 has the wrong bytes"),
        ("wrong byte", change("/vocab/65/token_bytes", json!("AA==")), "entry 65 has the wrong bytes"),
        ("twice", change("/vocab/300/token_bytes", file["vocab"][301]["token_bytes"].clone()), "already"),
        ("long token", change("/vocab/300/token_bytes", json!("AAAA".repeat(5000))), "bytes in one token"),
        (
            "special twice",
            with("special_tokens", json!([special(json!(0), "a"), special(json!(1), "a")])),
            "there twice",
        ),
        (
            "special rank twice",
            with("special_tokens", json!([special(json!(0), "a"), special(json!(0), "b")])),
            "rank 0",
        ),
        ("special rank far", with("special_tokens", json!([special(json!(1u64 << 60), "a")])), "taken or out of range"),
        ("settings too early", with("model_settings_builder", json!({})), "version v3 has no settings"),
        ("settings too long", with("audio", json!(huge)), "bytes of settings"),
        ("no list of specials", change("/config/version", json!("v13")), "version v13 must list them"),
    ];
    check_table(rows.map(|(name, file, expected)| (name, (file, expected))), |(file, expected)| {
        refused(Tokenizer::from_tekken(&serde_json::to_vec(&file).unwrap()), expected)
    });
}

#[test]
fn json_that_nests() {
    for (key, expected) in [("config", "invalid type"), ("other", "EOF"), ("image", "EOF")] {
        let file = format!("{{\"{key}\": {}", "[".repeat(1 << 20));
        refused(Tokenizer::from_tekken(file.as_bytes()), expected).unwrap();
    }
}

/// A field of a protobuf message: its number, and bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(bytes);
    out
}

fn piece(text: &[u8], score: f32, kind: u8) -> Vec<u8> {
    let mut message = field(1, text);
    message.push(2 << 3 | 5);
    message.extend_from_slice(&score.to_le_bytes());
    message.extend_from_slice(&[3 << 3, kind]);
    field(1, &message)
}

#[test]
fn sentencepiece_files() {
    let unknown = piece(b"<unk>", 0.0, 2);
    let with = |rest: Vec<u8>| [unknown.clone(), rest].concat();
    let fallback = |pieces: Vec<u8>| [with(pieces), field(2, &[35 << 3 & 0x7f | 0x80, 2, 1])].concat();
    let normalizer = |message: Vec<u8>| with(field(3, &message));
    let rows = [
        ("empty piece", with(piece(b"", 0.0, 1)), "its piece is empty"),
        ("no text", with(piece(b"\xff", 0.0, 1)), "its piece is not text"),
        ("NaN", with(piece(b"a", f32::NAN, 1)), "its score is NaN"),
        ("infinite", with(piece(b"a", f32::INFINITY, 1)), "its score is inf"),
        ("type 7", with(piece(b"a", 0.0, 7)), "pieces of type 7"),
        ("twice", with([piece(b"a", 0.0, 1), piece(b"a", 0.0, 1)].concat()), "`a` is token 1 already"),
        ("two unknowns", with(piece(b"u", 0.0, 2)), "which token 0 is already"),
        ("no unknown", piece(b"a", 0.0, 1), "no token is of the type unknown"),
        ("byte ZZ", fallback(piece(b"<0xZZ>", 0.0, 6)), "is not a byte"),
        ("byte -1", fallback(piece(b"<0x-1>", 0.0, 6)), "is not a byte"),
        ("byte in lower case", fallback(piece(b"<0xff>", 0.0, 6)), "is not a byte"),
        ("byte twice", fallback([piece(b"<0x41>", 0.0, 6), piece(b"<0x41>", 0.0, 6)].concat()), "the same byte"),
        ("one byte", fallback(piece(b"<0x41>", 0.0, 6)), "tokens for 1 of the 256 bytes"),
        ("bytes unannounced", with(piece(b"<0x41>", 0.0, 6)), "byte_fallback contradicts"),
        ("long piece", with(piece(&[b'a'; 5000], 0.0, 1)), "bytes in one token"),
        ("words", with(field(2, &[3 << 3, 3])), "models of type word"),
        ("characters", with(field(2, &[3 << 3, 4])), "models of type char"),
        ("unused", with([field(2, &[3 << 3, 2]), piece(b"a", 0.0, 5)].concat()), "unused pieces"),
        ("suffixes", with(field(2, &[0xc0, 1, 1])), "spaces at the end of words"),
        ("no escaping", normalizer(vec![5 << 3, 0]), "spaces that are not escaped"),
        ("table of 1 GB", normalizer(field(2, &[0, 0, 0, 0x40, 1, 2, 3])), "not a table"),
        ("table without end", normalizer(field(2, &[4, 0, 0, 0, 0, 0, 0, 0, b'a'])), "not a table"),
        (
            "long replacement",
            normalizer(field(2, &[&[4, 0, 0, 0, 0, 0, 0, 0][..], &[b'a'; 999], &[0]].concat())),
            "in place of",
        ),
        (
            "piece of 2^63 bytes",
            with(vec![1 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
            "cut off",
        ),
        ("endless number", with(vec![0xff; 20]), "cut off"),
        ("group", with(vec![1 << 3 | 3]), "cut off"),
        ("nothing", field(4, b"x"), "it has no pieces"),
    ];
    check_table(rows.map(|(name, file, expected)| (name, (file, expected))), |(file, expected)| {
        refused(Tokenizer::from_spm(&file, "tokenizer.model"), expected)
    });
}

#[test]
fn files_cut_off_anywhere() {
    for name in ["tokenizer.model.v3", "folding.model", "tekken_v3.json"] {
        let file = bytes(name);
        for length in (0..file.len()).step_by(37) {
            // A SentencePiece file may be cut between two pieces: what is left is a smaller one.
            let result = Tokenizer::from_file(&file[..length], name);
            assert!(result.is_err() || name.contains("model"), "{name} {length}");
        }
    }
}

#[test]
fn gguf_vocabularies() {
    let changed = |name: &str, change: fn(&mut GgufVocab)| {
        let mut vocab = gguf(name);
        change(&mut vocab);
        vocab
    };
    let rows = [
        ("kind", changed("spm", |v| v.model = "bert".to_owned()), "kind `bert`"),
        ("split", changed("tekken", |v| v.pre = Some("gpt-2".to_owned())), "text split as `gpt-2`"),
        ("no split", changed("tekken", |v| v.pre = None), "text split as `default`"),
        ("no scores", changed("spm", |v| v.scores.clear()), "tokenizer.ggml.scores"),
        ("no types", changed("spm", |v| v.token_types.clear()), "tokenizer.ggml.token_type"),
        ("few types", changed("tekken", |v| v.token_types.truncate(7)), "it has 7 entries"),
        ("type 9", changed("tekken", |v| v.token_types[500] = 9), "there is no type 9"),
        ("type -1", changed("spm", |v| v.token_types[500] = -1), "there is no type -1"),
        ("begin token", changed("spm", |v| v.bos_id = Some(1 << 30)), "there is no token 1073741824"),
        ("pad token", changed("tekken", |v| v.padding_id = Some(u32::MAX)), "there is no token"),
        ("NaN", changed("spm", |v| v.scores[500] = f32::NAN), "its score is NaN"),
        ("byte ZZ", changed("spm", |v| v.tokens[30] = "<0xZZ>".to_owned()), "is not a byte"),
        ("twice", changed("spm", |v| v.tokens[500] = v.tokens[501].clone()), "already"),
        ("twice", changed("tekken", |v| v.tokens[500] = v.tokens[501].clone()), "already"),
        ("not spelled", changed("tekken", |v| v.tokens[500] = "a b".to_owned()), "does not spell bytes"),
        ("no byte 0", changed("tekken", |v| v.tokens[100] = "ĀĀ".to_owned()), "no token for the byte 0"),
        ("no byte 65", changed("tekken", |v| v.tokens[165] = "AAA".to_owned()), "no token for the byte 65"),
        ("empty", changed("tekken", |v| v.tokens[500].clear()), "does not spell bytes"),
        (
            "nothing",
            changed("spm", |v| *v = GgufVocab { model: v.model.clone(), ..GgufVocab::default() }),
            "no token is",
        ),
    ];
    check_table(rows.map(|(name, vocab, expected)| (name, (vocab, expected))), |(vocab, expected)| {
        refused(Tokenizer::from_gguf(&vocab), expected)
    });
}
