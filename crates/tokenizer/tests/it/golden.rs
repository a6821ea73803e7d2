//! The same ids and texts as mistral-common, sentencepiece and tiktoken: `vectors/tokenizer/make.py` asked them.

use serde_json::Value;
use testkit::check_table;
use tokenizer::{GgufVocab, TemplateVersion, Tokenizer, TokenizerKind};

use crate::vectors::{FILES, Rule, bytes, gguf, hash, ids, json, open, strings};

#[test]
fn small_tokenizers_agree() {
    let golden = json("golden.json");
    let texts = strings(&golden["texts"]);
    check_table(FILES.map(|name| (name, name)), |name| {
        let (tokenizer, expected) = (open(name), &golden["tokenizers"][name]);
        sizes(&tokenizer, expected)?;
        encoded(&tokenizer, &texts, expected)?;
        decoded(&tokenizer, expected)
    });
}

#[test]
fn small_tokenizers_agree_on_texts_by_rule() {
    let golden = json("golden.json");
    let rule = Rule::new(&golden);
    check_table(FILES.map(|name| (name, name)), |name| by_rule(&open(name), &rule, &golden["tokenizers"][name]));
}

/// Tekken's pattern on all characters: the classes of `tekken/class_table.rs`.
#[test]
fn every_character_is_of_its_class() {
    let expected = strings(&json("golden.json")["every_character"]);
    let tokenizer = open("tekken_v13.json");
    let text = |block: u32| -> String {
        let characters = (block * 4096..(block + 1) * 4096).filter_map(char::from_u32);
        characters.map(|c| format!("x{c}Y{c} {c}")).collect()
    };
    check_table(
        (0..).zip(expected).map(|(block, hash)| (format!("block {block:#x}"), (block, hash))),
        |(block, expected)| {
            if hash([tokenizer.encode(&text(block))]) == expected { Ok(()) } else { Err("differs") }
        },
    );
}

#[test]
fn gguf_vocabularies_encode_like_their_files() {
    let golden = json("golden.json");
    let (texts, rule) = (strings(&golden["texts"]), Rule::new(&golden));
    check_table(
        [("spm", "tokenizer.model.v7"), ("tekken", "tekken_v13.json")].map(|row| (row.0, row)),
        |(name, file)| {
            let (tokenizer, expected) = (Tokenizer::from_gguf(&gguf(name)).unwrap(), &golden["tokenizers"][file]);
            sizes(&tokenizer, expected)?;
            encoded(&tokenizer, &texts, expected)?;
            decoded(&tokenizer, expected)?;
            by_rule(&tokenizer, &rule, expected)
        },
    );
}

#[test]
fn files_written_as_gguf_vocabularies_encode_as_before() {
    let golden = json("golden.json");
    let (texts, rule) = (strings(&golden["texts"]), Rule::new(&golden));
    let files = FILES.into_iter().filter(|name| !["unigram.model", "folding.model"].contains(name));
    check_table(files.map(|name| (name, name)), |name| {
        let expected = &golden["tokenizers"][name];
        let (vocab, merges) = GgufVocab::of_file(&bytes(name), name).map_err(|error| error.to_string())?;
        let tokenizer = Tokenizer::from_gguf(&vocab).map_err(|error| error.to_string())?;
        encoded(&tokenizer, &texts, expected)?;
        decoded(&tokenizer, expected)?;
        by_rule(&tokenizer, &rule, expected)?;
        if merges.is_empty() == (tokenizer.kind() == TokenizerKind::Tekken) {
            return Err(format!("{} merges", merges.len()));
        }
        Ok(())
    });
}

#[test]
fn what_gguf_cannot_hold_is_refused() {
    check_table(["unigram.model", "folding.model"].map(|name| (name, name)), |name| {
        match GgufVocab::of_file(&bytes(name), name) {
            Err(error) if error.to_string().contains("in a GGUF file") => Ok(()),
            other => Err(format!("{:?}", other.map(|(vocab, _)| vocab.model))),
        }
    });
}

#[test]
fn real_tokenizers_agree_on_texts_by_rule() {
    let Some(folder) = testkit::shared("tokenizers") else { return };
    let (golden, real) = (json("golden.json"), json("real.json"));
    let rule = Rule::new(&golden);
    let files = real.as_object().unwrap().iter().filter(|(name, _)| folder.join(name).exists());
    check_table(files, |expected| {
        let name = real.as_object().unwrap().iter().find(|(_, value)| *value == expected).unwrap().0;
        let tokenizer = Tokenizer::open(folder.join(name)).unwrap();
        sizes(&tokenizer, expected)?;
        by_rule(&tokenizer, &rule, expected)
    });
}

#[test]
fn versions_and_special_tokens() {
    use TemplateVersion::{V1, V2, V3, V7, V11, V13, V15};
    use TokenizerKind::{SentencePiece, Tekken};
    let rows = [
        ("tokenizer.model.v1", SentencePiece, Some(V1), None),
        ("tokenizer.model.v2", SentencePiece, Some(V2), Some(3)),
        ("tokenizer.model.v3", SentencePiece, Some(V3), Some(3)),
        ("tokenizer.model.v7", SentencePiece, Some(V7), Some(3)),
        ("unigram.model", SentencePiece, None, None),
        ("tekken_v3.json", Tekken, Some(V3), Some(3)),
        ("tekken_v7.json", Tekken, Some(V7), Some(3)),
        ("tekken_v11.json", Tekken, Some(V11), Some(3)),
        ("tekken_v13.json", Tekken, Some(V13), Some(3)),
        ("tekken_v15.json", Tekken, Some(V15), Some(3)),
    ];
    check_table(rows.map(|row| (row.0, row)), |(name, kind, version, inst)| {
        let tokenizer = open(name);
        let found = (tokenizer.kind(), tokenizer.version(), tokenizer.special("[INST]").map(|id| id.0));
        let basics = [tokenizer.unk(), tokenizer.bos(), tokenizer.eos()].map(|id| id.unwrap().0);
        if found == (kind, version, inst) && basics == [0, 1, 2] && !tokenizer.version_is_inferred() {
            Ok(())
        } else {
            Err(format!("{found:?} {basics:?}"))
        }
    });
}

#[test]
fn versions_without_a_file_name_are_inferred() {
    let rows = [("tokenizer.model.v1", None), ("tokenizer.model.v2", Some(TemplateVersion::V2))];
    let rows = rows.into_iter().chain([("tokenizer.model.v3", Some(TemplateVersion::V3))]);
    for (name, version) in rows.chain([("tokenizer.model.v7", Some(TemplateVersion::V7))]) {
        let tokenizer = Tokenizer::from_spm(&crate::vectors::bytes(name), "tokenizer.model").unwrap();
        assert_eq!((tokenizer.version(), tokenizer.version_is_inferred()), (version, version.is_some()));
    }
    let tekken = Tokenizer::from_gguf(&gguf("tekken")).unwrap();
    assert_eq!((tekken.version(), tekken.version_is_inferred()), (Some(TemplateVersion::V13), true));
}

#[test]
fn settings_are_read() {
    let tokenizer = open("tekken_v15.json");
    let settings = tokenizer.model_settings().unwrap();
    let effort = settings.reasoning_effort.as_ref().unwrap();
    assert_eq!((effort.values.join(" "), effort.default.as_deref()), ("none high".to_owned(), Some("none")));
    assert!(settings.json_schema);
    assert_eq!(tokenizer.image().unwrap()["image_patch_size"], 14);
    assert!(open("tekken_v13.json").model_settings().is_none());
}

fn sizes(tokenizer: &Tokenizer, expected: &Value) -> Result<(), String> {
    let found = (tokenizer.vocab_size() as u64, tokenizer.num_special() as u64);
    let expected = (expected["vocab_size"].as_u64().unwrap(), expected["num_special"].as_u64().unwrap());
    if found == expected { Ok(()) } else { Err(format!("sizes {found:?}, not {expected:?}")) }
}

fn encoded(tokenizer: &Tokenizer, texts: &[String], expected: &Value) -> Result<(), String> {
    let rows = expected["ids"].as_array().unwrap();
    let without_prefix = expected["without_prefix"].as_array().map(Vec::as_slice).unwrap_or_default();
    let plain = texts.iter().zip(rows).map(|(text, ids)| (text, tokenizer.encode(text), ids));
    let fim = texts.iter().zip(without_prefix).map(|(text, ids)| (text, tokenizer.encode_without_prefix(text), ids));
    let wrong = |(text, found, expected): (&String, _, &Value)| {
        (found != ids(expected)).then(|| format!("\n  {text:?}: {found:?}, not {expected}"))
    };
    let wrong: String = plain.chain(fim).filter_map(wrong).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn decoded(tokenizer: &Tokenizer, expected: &Value) -> Result<(), String> {
    let rows = expected["decoded"].as_array().unwrap();
    let debug = expected["debug"].as_array().map(Vec::as_slice).unwrap_or_default();
    let plain = rows.iter().map(|row| (&row[0], tokenizer.decode(&ids(&row[0])), &row[1]));
    let debug = rows.iter().zip(debug).map(|(row, text)| (&row[0], tokenizer.debug_text(&ids(&row[0])), text));
    let wrong = |(ids, found, expected): (&Value, String, &Value)| {
        (found != *expected).then(|| format!("\n  {ids}: {found:?}, not {expected}"))
    };
    let wrong: String = plain.chain(debug).filter_map(wrong).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

fn by_rule(tokenizer: &Tokenizer, rule: &Rule, expected: &Value) -> Result<(), String> {
    let encode = |texts: Vec<String>| hash(texts.iter().map(|text| tokenizer.encode(text)));
    let long: Vec<String> = rule.long_texts().map(|text| encode(vec![text])).collect();
    let random: Vec<String> = rule.random_blocks().map(encode).collect();
    let differ = |found: &[String], key: &str| {
        let expected = strings(&expected[key]);
        (0..found.len().max(expected.len())).filter(|&at| found.get(at) != expected.get(at)).collect::<Vec<_>>()
    };
    match (differ(&long, "long"), differ(&random, "random")) {
        (long, random) if long.is_empty() && random.is_empty() => Ok(()),
        (long, random) => Err(format!("long texts {long:?} and blocks of random texts {random:?} differ")),
    }
}
