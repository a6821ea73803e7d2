//! The tokenizers that the golden prompts were made with.

use std::path::Path;

use serde_json::{Map, Value};
use testkit::{json, shared, vectors};
use tokenizer::Tokenizer;

/// A small one in the tree: `spm v3`, `tekken v13`, …
pub(crate) fn small(name: &str) -> Tokenizer {
    match name.split_once(' ').unwrap() {
        ("spm", version) => sentencepiece(&vectors(&format!("prompt/spm.{version}")), version),
        (_, version) => tekken(&vectors("prompt/tekken.json"), version),
    }
}

/// A real one beside the tree, of the same name.
pub(crate) fn real(name: &str) -> Option<Tokenizer> {
    let (kind, version) = name.split_once(' ').unwrap();
    let file = match version {
        _ if kind == "tekken" => "tekken_240911.json",
        "v1" => "tokenizer.model.v1",
        "v2" => "mistral_instruct_tokenizer_240216.model.v2",
        "v3" => "mistral_instruct_tokenizer_240323.model.v3",
        _ => "mistral_instruct_tokenizer_241114.model.v7",
    };
    let path = shared(&format!("tokenizers/{file}"))?;
    Some(if kind == "tekken" { tekken(&path, version) } else { sentencepiece(&path, version) })
}

fn sentencepiece(path: &Path, version: &str) -> Tokenizer {
    Tokenizer::from_spm(&std::fs::read(path).unwrap(), &format!("tokenizer.model.{version}")).unwrap()
}

/// A Tekken file made into one of another version, as `make.py` does it.
fn tekken(path: &Path, version: &str) -> Tokenizer {
    let Value::Object(mut file) = json(path) else { panic!("{} is no object", path.display()) };
    let Value::Object(mut fields) = json(&vectors("prompt/versions.json"))[version].take() else { panic!("{version}") };
    for key in ["image", "multimodal"] {
        file.remove(key);
    }
    let version: Map<_, _> = [("version".to_owned(), fields.remove("version").unwrap())].into_iter().collect();
    file["config"].as_object_mut().unwrap().extend(version);
    file.extend(fields);
    Tokenizer::from_tekken(&serde_json::to_vec(&file).unwrap()).unwrap()
}

/// Without a file name that tells a version, and without Mistral's control tokens: as of another family.
pub(crate) fn unnamed() -> Tokenizer {
    Tokenizer::from_spm(&std::fs::read(vectors("prompt/spm.v1")).unwrap(), "tokenizer.model").unwrap()
}

/// Without a file name that tells a version, but with the control tokens of v7: as in a GGUF file.
pub(crate) fn unnamed_v7() -> Tokenizer {
    Tokenizer::from_spm(&std::fs::read(vectors("prompt/spm.v7")).unwrap(), "tokenizer.model").unwrap()
}
