//! GGUF files that PyPI `gguf` wrote (`vectors/checkpoint`): whole, split, of version 2, big-endian.

use std::path::Path;

use checkpoint::gguf::{self, Value};
use checkpoint::{Checkpoint, QueryScaling, RopeScaling, TokenizerSource};
use quant::RowSource;

use crate::folder::Folder;

fn vector(name: &str) -> std::path::PathBuf {
    testkit::vectors("checkpoint").join(name)
}

#[test]
fn keys_are_read_as_gguf_reads_them() {
    let theirs = testkit::json(&vector("whole.json"));
    let ours = gguf::parse(&std::fs::read(vector("whole.gguf")).unwrap(), "whole.gguf").unwrap().keys;
    assert_eq!(ours.len(), theirs["keys"].as_object().unwrap().len());
    testkit::check_table(ours.iter().map(|(key, value)| (key, (key, value))), |(key, value)| {
        let theirs = &theirs["keys"][key];
        if json(value) == *theirs { Ok(()) } else { Err(format!("{value:?}, not {theirs}")) }
    });
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Bool(flag) => (*flag).into(),
        Value::F32(x) => f64::from(*x).into(),
        Value::Array(array) => match array.strings() {
            Some(strings) => strings.iter().collect(),
            None => array.values().map(|value| json(&value)).collect(),
        },
        other => i64::try_from(other.integer().unwrap()).unwrap().into(),
    }
}

#[test]
fn every_form_of_the_file_opens_to_the_same() {
    let theirs = testkit::json(&vector("whole.json"));
    let forms = ["whole.gguf", "version-2.gguf", "split-00001-of-00003.gguf", "split-00003-of-00003.gguf"];
    testkit::check_table(forms.map(|name| (name, name)), |name| {
        let checkpoint = Checkpoint::open(vector(name)).map_err(|error| error.to_string())?;
        assert_eq!(checkpoint.tensors().len(), 20);
        for (number, name) in [("tok_embeddings", "token_embd"), ("layers.1.attention.wo", "blk.1.attn_output")] {
            let mut row = vec![0; 4 * checkpoint.tensor(&format!("{number}.weight")).unwrap().cols()];
            checkpoint.tensor(&format!("{number}.weight")).unwrap().read_rows(0..1, &mut row).unwrap();
            let first: Vec<f64> =
                row.chunks(4).take(3).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap()))).collect();
            assert_eq!(serde_json::json!(first), theirs["first"][name], "{name}");
        }
        check_whole(&checkpoint)
    });
}

fn check_whole(checkpoint: &Checkpoint) -> Result<(), String> {
    let config = &checkpoint.config;
    let yarn = RopeScaling::Yarn {
        factor: 16.0,
        original_context: 256.0,
        beta_fast: 32.0,
        beta_slow: 1.0,
        attention_factor: 1.0,
    };
    assert_eq!(config.rope.scaling, yarn);
    assert_eq!(config.query_scaling, Some(QueryScaling { beta: 0.1, original_context: 256.0 }));
    assert_eq!((config.head_dim, config.n_kv_heads, config.tied_embeddings), (6, 1, true));
    let TokenizerSource::Gguf(vocab) = &checkpoint.tokenizer else { return Err("no vocabulary".to_owned()) };
    assert_eq!((vocab.model.as_str(), vocab.pre.as_deref()), ("gpt2", Some("tekken")));
    assert_eq!((vocab.tokens.join("|").as_str(), vocab.merges.join("|").as_str()), ("<unk>|<s>|</s>|Ġ|é", "Ġ é"));
    assert_eq!(checkpoint.chat_template.as_deref(), Some("{{ messages }}"));
    assert_eq!(checkpoint.about.name.as_deref(), Some("by gguf"));
    assert_eq!(checkpoint.notes, ["keys that are not known and were not used: made_up"]);
    Ok(())
}

#[test]
fn split_files_that_do_not_fit_are_refused() {
    let part = |number: usize| std::fs::read(vector(&format!("split-0000{number}-of-00003.gguf"))).unwrap();
    // Which part lies under the name of part 1, 2, 3; 0 for none.
    let rows = [
        ("a part is missing", [1, 0, 3], "split-00002-of-00003.gguf"),
        ("parts in the wrong order", [1, 3, 2], "split.no"),
        ("a part twice", [1, 2, 2], "split.no"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, parts, problem)| {
        let names = [1, 2, 3].map(|number| format!("split-0000{number}-of-00003.gguf"));
        let bytes: Vec<_> = parts.iter().map(|number| (*number > 0).then(|| part(*number))).collect();
        let files = names.iter().zip(&bytes).filter_map(|(name, bytes)| Some((name.as_str(), bytes.as_deref()?)));
        let folder = Folder::new(&files.collect::<Vec<_>>());
        refused(&folder.path().join(&names[0]), problem)
    });
    let folder = Folder::new(&[("model.gguf", &part(1))]);
    refused(&folder.path().join("model.gguf"), "give it that name again").unwrap();
}

fn refused(path: &Path, problem: &str) -> Result<(), String> {
    let error = Checkpoint::open(path).unwrap_err().to_string();
    if error.contains(problem) { Ok(()) } else { Err(error) }
}

#[test]
fn big_endian_files_are_named() {
    refused(&vector("big-endian.gguf"), "big-endian").unwrap();
}
