//! The tokenizers of the prompt vectors, small ones in the tree and real ones beside it.

use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use grammar::Compiler;
use serde_json::{Map, Value};
use testkit::{json, shared, vectors};
use tokenizer::Tokenizer;

/// One of each kind in the tree, and Mistral's own (131,072 tokens; 32,768 pieces) where they lie beside it.
pub(crate) fn both_kinds() -> impl Iterator<Item = (&'static str, Tokenizer, Arc<Compiler>)> {
    let names = ["spm v3", "tekken v13", "real spm v3", "real tekken v13"];
    names.into_iter().filter_map(|name| find(name).map(|(tokenizer, compiler)| (name, tokenizer, compiler)))
}

/// A small tokenizer and its compiler: `spm v3`, `tekken v13`, …
pub(crate) fn small(name: &str) -> (Tokenizer, Arc<Compiler>) {
    find(name).unwrap()
}

fn find(name: &str) -> Option<(Tokenizer, Arc<Compiler>)> {
    /// Built once: that takes longer than most of the tests.
    type Built = Vec<(String, Tokenizer, Arc<Compiler>)>;
    static BUILT: LazyLock<Mutex<Built>> = LazyLock::new(Mutex::default);
    let mut built = BUILT.lock().unwrap();
    if let Some((_, tokenizer, compiler)) = built.iter().find(|(of, ..)| of == name) {
        return Some((tokenizer.clone(), Arc::clone(compiler)));
    }
    let tokenizer = match name.split_once(' ').unwrap() {
        ("spm", version) => sentencepiece(&vectors(&format!("prompt/spm.{version}")), version),
        ("tekken", version) => tekken(&vectors("prompt/tekken.json"), version),
        (_, "spm v3") => sentencepiece(&shared("tokenizers/mistral_instruct_tokenizer_240323.model.v3")?, "v3"),
        _ => tekken(&shared("tokenizers/tekken_240911.json")?, "v13"),
    };
    let compiler = Arc::new(Compiler::new(&tokenizer).unwrap());
    built.push((name.to_owned(), tokenizer.clone(), Arc::clone(&compiler)));
    Some((tokenizer, compiler))
}

fn sentencepiece(path: &Path, version: &str) -> Tokenizer {
    Tokenizer::from_spm(&std::fs::read(path).unwrap(), &format!("tokenizer.model.{version}")).unwrap()
}

/// A Tekken file made into one of another version, as the prompt vectors do it.
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
