//! GGUF files that somebody broke: each is an error that names the place, found without a panic, quickly, in little memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use checkpoint::gguf::{self, Array, Keys, TensorSpec, Value};
use checkpoint::{Checkpoint, Error, Expected};
use quant::RowSource;

use crate::{MEMORY, tiny};

/// More than the tests that run beside this one need; less than any of the claims below.
const MOST_BYTES: usize = 64 << 20;
/// Unoptimised, on a machine with other things to do.
const MOST_TIME: Duration = Duration::from_secs(5);

/// `(what is wrong, file, what the error has to say)`.
pub(crate) struct Row(pub(crate) &'static str, pub(crate) Vec<u8>, pub(crate) &'static str);

/// Every row is refused as it says, quickly and in little memory.
pub(crate) fn check(rows: Vec<Row>, open: impl Fn(Vec<u8>) -> Result<(), Error>) {
    testkit::check_table(rows.into_iter().map(|row| (row.0, row)), |Row(_, bytes, expected)| {
        MEMORY.reset_peak_usage();
        let (start, before) = (Instant::now(), MEMORY.current_usage());
        let result = open(bytes);
        let (time, peak) = (start.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        match result {
            _ if time > MOST_TIME => Err(format!("took {time:?}")),
            _ if peak > MOST_BYTES => Err(format!("{peak} bytes were allocated")),
            Ok(()) => Err("was opened".to_owned()),
            Err(error) if !error.to_string().contains("the.file") => Err(format!("{error}: does not name the file")),
            Err(error) if !error.to_string().contains(expected) => Err(format!("{error}, not {expected}")),
            Err(_) => Ok(()),
        }
    });
}

fn open_gguf(bytes: Vec<u8>) -> Result<(), Error> {
    Checkpoint::from_gguf(Arc::new(bytes), "the.file").map(drop)
}

/// The start of a GGUF file: magic, version, counts; `rest` follows.
fn header(version: u32, tensors: u64, keys: u64, rest: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend(tensors.to_le_bytes());
    bytes.extend(keys.to_le_bytes());
    rest.iter().for_each(|part| bytes.extend(*part));
    bytes
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// An entry of the table of tensors.
fn entry(name: &str, dims: &[u64], kind: u32, offset: u64) -> Vec<u8> {
    let mut bytes = text(name);
    bytes.extend((dims.len() as u32).to_le_bytes());
    dims.iter().for_each(|dim| bytes.extend(dim.to_le_bytes()));
    bytes.extend(kind.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes
}

/// A file with these entries, no keys, and 4096 bytes of data.
fn with_tensors(entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = header(3, entries.len() as u64, 0, &[&entries.concat()]);
    bytes.resize(bytes.len().next_multiple_of(32) + 4096, 0);
    bytes
}

#[test]
fn counts_and_lengths_that_claim_too_much() {
    let key = text("k");
    let mut rows = Vec::new();
    for claim in [1 << 31, 1 << 63, u64::MAX, u64::MAX - 7] {
        let length = claim.to_le_bytes();
        let string = [&key[..], &8_u32.to_le_bytes(), &length].concat();
        let array = |kind: u32| [&key[..], &9_u32.to_le_bytes(), &kind.to_le_bytes(), &length].concat();
        rows.push(Row("tensors", header(3, claim, 0, &[&[0; 64]]), "tensor count"));
        rows.push(Row("keys", header(3, 0, claim, &[&[0; 64]]), "key count"));
        rows.push(Row("keys of version 2", header(2, 0, claim, &[&[0; 64]]), "key count"));
        rows.push(Row("length of a key", header(3, 0, 1, &[&length, &[0; 64]]), "key 0 (counted from 0)"));
        rows.push(Row("length of a string", header(3, 0, 1, &[&string, &[0; 64]]), "key `k`"));
        rows.push(Row("elements of bytes", header(3, 0, 1, &[&array(0), &[0; 64]]), "key `k`"));
        rows.push(Row("elements of doubles", header(3, 0, 1, &[&array(12), &[0; 64]]), "key `k`"));
        rows.push(Row("elements of text", header(3, 0, 1, &[&array(8), &[0; 64]]), "key `k`"));
        rows.push(Row("length of a tensor's name", header(3, 1, 0, &[&length, &[0; 64]]), "tensor 0 (counted from 0)"));
        rows.push(Row("a dimension", with_tensors(&[entry("t", &[claim], 0, 0)]), "tensor `t`"));
        rows.push(Row("two dimensions", with_tensors(&[entry("t", &[claim, claim], 0, 0)]), "tensor `t`"));
        rows.push(Row("an offset", with_tensors(&[entry("t", &[8], 0, claim & !31)]), "tensor `t`"));
    }
    check(rows, open_gguf);
}

#[test]
fn tables_of_tensors_that_do_not_hold_together() {
    let two = |first, second| with_tensors(&[first, second]);
    let rows = vec![
        Row("no dimension", with_tensors(&[entry("t", &[], 0, 0)]), "has 0 dimensions"),
        Row("five dimensions", with_tensors(&[entry("t", &[1; 5], 0, 0)]), "has 5 dimensions"),
        Row("a zero dimension", with_tensors(&[entry("t", &[8, 0], 0, 0)]), "[8, 0]"),
        Row("zero columns", with_tensors(&[entry("t", &[0], 0, 0)]), "[0]"),
        Row("half a block", with_tensors(&[entry("t", &[33], 2, 0)]), "not whole blocks"),
        Row("a product that overflows", with_tensors(&[entry("t", &[1 << 32, 1 << 32, 4], 0, 0)]), "tensor `t`"),
        Row("bytes that overflow", with_tensors(&[entry("t", &[1 << 31, 1 << 31], 0, 0)]), "tensor `t`"),
        Row("weights that overflow", with_tensors(&[entry("t", &[1 << 20, 1 << 22, 1 << 21], 2, 0)]), "tensor `t`"),
        Row("type 999", with_tensors(&[entry("t", &[8], 999, 0)]), "tensor `t`: its type 999 (not known)"),
        Row("type iq2_xxs", with_tensors(&[entry("t", &[256], 16, 0)]), "its type 16 (iq2_xxs)"),
        Row("type i32", with_tensors(&[entry("t", &[8], 26, 0)]), "its type 26 (i32)"),
        Row("a crooked offset", with_tensors(&[entry("t", &[8], 0, 8)]), "not a multiple of 32"),
        Row("past the end", with_tensors(&[entry("t", &[8], 0, 4096)]), "it is cut off"),
        Row("across the end", with_tensors(&[entry("t", &[1024, 2], 0, 0)]), "it is cut off"),
        Row("one over another", two(entry("a", &[16], 0, 0), entry("b", &[8], 0, 32)), "also those of tensor `b`"),
        Row("one over another, backwards", two(entry("a", &[8], 0, 32), entry("b", &[16], 0, 0)), "tensor `a`"),
        Row("the same bytes", two(entry("a", &[8], 0, 0), entry("b", &[8], 0, 0)), "also those of"),
        Row("one name twice", two(entry("a", &[8], 0, 0), entry("a", &[8], 0, 32)), "tensor `a`: stands there twice"),
    ];
    check(rows, open_gguf);
}

#[test]
fn keys_that_do_not_hold_together() {
    let key = |name: &str, kind: u32, value: &[u8]| [&text(name)[..], &kind.to_le_bytes(), value].concat();
    let one = |key: &[u8]| header(3, 0, 1, &[key, &[0; 64]]);
    let alignment = |value: u32| one(&key("general.alignment", 4, &value.to_le_bytes()));
    let twice = [key("k", 0, &[1]), key("k", 0, &[1])].concat();
    let nested = [9_u32.to_le_bytes(), [9, 0, 0, 0]].concat();
    let rows = vec![
        Row("version 0", header(0, 0, 0, &[]), "version: GGUF version 0"),
        Row("version 1", header(1, 0, 0, &[]), "no longer read"),
        Row("version 4", header(4, 0, 0, &[]), "GGUF version 4"),
        Row("version backwards", header(3 << 24, 0, 0, &[]), "big-endian"),
        Row("value type 13", one(&key("k", 13, &[])), "value type 13"),
        Row("array of type 13", one(&key("k", 9, &[13, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0])), "value type 13"),
        Row("arrays in arrays", one(&key("k", 9, &nested)), "arrays of arrays"),
        Row("a key twice", header(3, 0, 2, &[&twice, &[0; 64]]), "key `k`: stands there twice"),
        Row("a key that is not UTF-8", one(&[1, 0, 0, 0, 0, 0, 0, 0, 0xff]), "not UTF-8"),
        Row("a text that is not UTF-8", one(&key("k", 8, &[1, 0, 0, 0, 0, 0, 0, 0, 0xff])), "not UTF-8"),
        Row("alignment 0", alignment(0), "general.alignment"),
        Row("alignment 3", alignment(3), "not a power of two"),
        Row("alignment 2^31", alignment(1 << 31), "general.alignment"),
        Row("alignment as text", one(&key("general.alignment", 8, &text("32"))), "general.alignment"),
    ];
    check(rows, open_gguf);
}

#[test]
fn files_that_are_something_else() {
    let start = |bytes: &[u8]| [bytes, &[0; 64]].concat();
    let rows = vec![
        Row("nothing", Vec::new(), "empty"),
        Row("one byte", vec![b'G'], "something else"),
        Row("pickle", start(b"\x80\x02}q\0"), "Python pickle"),
        Row("PyTorch", start(b"PK\x03\x04"), "zip archive"),
        Row("ELF", start(b"\x7fELF\x02"), "a Linux program"),
        Row("llamafile", start(b"MZqFpD="), "a Windows program"),
        Row("script", start(b"#!/bin/sh"), "a script"),
        Row("ggml", start(b"lmgg"), "ggml format of 2023"),
        Row("ggjt", start(b"tjgg"), "ggjt"),
        Row("web page", start(b"<!DOCTYPE html>"), "a web page"),
        Row("Git LFS pointer", start(b"version https://git-lfs.github.com/spec/v1"), "git lfs pull"),
        Row("safetensors", start(b"\x40\0\0\0\0\0\0\0{\"a\""), "a safetensors file"),
        Row("JSON", start(b"{\"a\": 1}"), "JSON"),
        Row("noise", start(b"\x13\x37"), "something else"),
    ];
    check(rows, open_gguf);
}

/// The tiny model with one key changed.
fn with_key(key: &str, value: Value) -> Vec<u8> {
    let mut keys = tiny::keys();
    keys.set(key, value);
    tiny::file(&keys, &tiny::tensors())
}

fn without_key(key: &str) -> Vec<u8> {
    let mut keys = Keys::default();
    tiny::keys().iter().filter(|(other, _)| *other != key).for_each(|(key, value)| keys.set(key, value.clone()));
    tiny::file(&keys, &tiny::tensors())
}

#[test]
fn configurations_that_make_no_sense() {
    let u32_key = |key: &str, value| with_key(&format!("llama.{key}"), Value::U32(value));
    let f32_key = |key: &str, value| with_key(&format!("llama.{key}"), Value::F32(value));
    let name = |key: &str, value: &str| with_key(key, Value::String(value.to_owned()));
    let mut rows = vec![
        Row("another architecture", name("general.architecture", "qwen3"), "`qwen3` is not supported"),
        Row("no architecture", without_key("general.architecture"), "general.architecture: is missing"),
        Row("architecture as number", with_key("general.architecture", Value::U32(1)), "general.architecture"),
        Row("heads that do not divide", u32_key("attention.head_count", 3), "8 cannot be split into 3 heads"),
        Row("heads that do not share", u32_key("attention.head_count_kv", 3), "2 heads cannot share 3"),
        Row("an odd head", u32_key("attention.key_length", 3), "3 is odd"),
        Row("values of another width", u32_key("attention.value_length", 2), "llama.attention.value_length"),
        Row("partial rotation", u32_key("rope.dimension_count", 2), "llama.rope.dimension_count"),
        Row("negative width", with_key("llama.embedding_length", Value::I32(-8)), "-8 is not a whole number"),
        Row("width as text", name("llama.embedding_length", "8"), "llama.embedding_length"),
        Row("huge width", with_key("llama.embedding_length", Value::U64(1 << 63)), "llama.embedding_length"),
        Row("huge heads", u32_key("attention.key_length", 1 << 20), "wider than any model"),
        Row("theta NaN", f32_key("rope.freq_base", f32::NAN), "llama.rope.freq_base: NaN"),
        Row("theta infinite", f32_key("rope.freq_base", f32::INFINITY), "llama.rope.freq_base: inf"),
        Row("theta negative", f32_key("rope.freq_base", -1e4), "rope.freq_base: -10000"),
        Row("theta zero", f32_key("rope.freq_base", 0.0), "rope.freq_base: 0"),
        Row("epsilon NaN", f32_key("attention.layer_norm_rms_epsilon", f32::NAN), "layer_norm_rms_epsilon: NaN"),
        Row("epsilon zero", f32_key("attention.layer_norm_rms_epsilon", 0.0), "layer_norm_rms_epsilon: 0"),
        Row("window zero", u32_key("attention.sliding_window", 0), "llama.attention.sliding_window: 0"),
        Row("another stretching", name("llama.rope.scaling.type", "longrope"), "`longrope` is not supported"),
        Row("experts, none used", u32_key("expert_count", 4), "llama.expert_used_count: is missing"),
        Row("shared experts", u32_key("expert_shared_count", 1), "llama.expert_shared_count: 1"),
        Row("capped logits", f32_key("attention.clamp_kqv", 8.0), "llama.attention.clamp_kqv"),
        Row("attention both ways", with_key("llama.attention.causal", Value::Bool(false)), "llama.attention.causal"),
        Row("unequal layers", with_key("llama.attention.head_count", Value::Array(Array::of_i32(&[2, 1]))), "differ"),
        Row("no layers", with_key("llama.block_count", Value::Array(Array::of_i32(&[]))), "an array of 0"),
    ];
    for key in ["block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count"] {
        rows.push(Row("missing", without_key(&format!("llama.{key}")), "is missing"));
        rows.push(Row("zero", u32_key(key, 0), "0 is not a whole number"));
        rows.push(Row("largest", u32_key(key, u32::MAX), "4294967295 is not a whole number"));
    }
    check(rows, open_gguf);
}

#[test]
fn vocabularies_that_make_no_sense() {
    let key = |key: &str, value| with_key(&format!("tokenizer.ggml.{key}"), value);
    let rows = vec![
        Row("an id out of range", key("bos_token_id", Value::U32(4)), "is not the id of one of the 4 tokens"),
        Row("a negative id", key("eos_token_id", Value::I32(-1)), "tokenizer.ggml.eos_token_id"),
        Row("the largest id", key("padding_token_id", Value::U32(u32::MAX)), "tokenizer.ggml.padding_token_id"),
        Row("an id as text", key("bos_token_id", Value::String("1".into())), "tokenizer.ggml.bos_token_id"),
        Row("fewer scores", key("scores", Value::Array(Array::of_f32(&[0.0]))), "1 values for 4 tokens"),
        Row("scores as text", key("scores", Value::Array(Array::of_strings(["0"; 4]))), "tokenizer.ggml.scores"),
        Row("types as text", key("token_type", Value::String("1".into())), "is not an array"),
        Row("tokens as numbers", key("tokens", Value::Array(Array::of_i32(&[1]))), "not an array of strings"),
        Row("no tokens", key("tokens", Value::Array(Array::of_strings([""; 0]))), "0 tokens"),
        Row("more tokens than embeddings", with_more_tokens(), "5 tokens, but the table of embeddings has 4"),
        Row("model as number", key("model", Value::U32(1)), "tokenizer.ggml.model"),
        Row("a flag as number", key("add_bos_token", Value::U32(1)), "is not a yes or no"),
    ];
    check(rows, open_gguf);
}

fn with_more_tokens() -> Vec<u8> {
    let mut keys = tiny::keys();
    keys.set("tokenizer.ggml.tokens", Value::Array(Array::of_strings(["a"; 5])));
    keys.set("tokenizer.ggml.scores", Value::Array(Array::of_f32(&[0.0; 5])));
    keys.set("tokenizer.ggml.token_type", Value::Array(Array::of_i32(&[1; 5])));
    tiny::file(&keys, &tiny::tensors())
}

#[test]
fn tensors_that_have_no_place() {
    let with = |extra: TensorSpec| {
        let mut tensors = tiny::tensors();
        tensors.push(extra);
        tiny::file(&tiny::keys(), &tensors)
    };
    let rows = vec![
        Row("bias", with(tiny::spec("blk.0.attn_q.bias", &[8])), "tensor `blk.0.attn_q.bias` is not known"),
        Row("unknown", with(tiny::spec("blk.0.ssm_in.weight", &[8])), "`blk.0.ssm_in.weight`"),
        Row("factors of Llama 3", with(tiny::spec("rope_freqs.weight", &[2])), "tensor `rope_freqs.weight`"),
        Row("three dimensions", with(tiny::spec("output.weight", &[8, 2, 2])), "tensor `output.weight`"),
        Row("experts of no mixture", with(tiny::spec("blk.0.ffn_up_exps.weight", &[8, 6, 2])), "of 0 experts"),
    ];
    check(rows, open_gguf);
}

#[test]
fn every_cut_is_noticed() {
    let whole = tiny::whole();
    open_gguf(whole.clone()).unwrap();
    // The last tensor is followed by nothing but padding, which may be missing.
    let needed =
        gguf::parse(&whole, "whole").unwrap().tensors.iter().map(|t| t.offset + t.bytes).max().unwrap() as usize;
    let cuts = (0..needed).map(|length| (length, length));
    testkit::check_table(cuts, |length| match open_gguf(whole[..length].to_vec()) {
        Ok(()) => Err("was opened".to_owned()),
        Err(error) if error.to_string().starts_with("the.file") => Ok(()),
        Err(error) => Err(error.to_string()),
    });
    open_gguf(whole[..needed].to_vec()).unwrap();
}

#[test]
fn models_whose_tensors_are_not_those_expected() {
    let checkpoint = Checkpoint::from_gguf(Arc::new(tiny::whole()), "the.file").unwrap();
    let there: Vec<Expected> =
        checkpoint.tensors().map(|tensor| Expected::new(tensor.name(), tensor.rows(), tensor.cols())).collect();
    checkpoint.expect(&there).unwrap();
    let (missing, extra) = ([&there[..], &[Expected::new("output.weight", 4, 8)]].concat(), &there[..there.len() - 1]);
    let mut misshapen = there.clone();
    misshapen[2].rows = 9;
    let rows: [(&[Expected], &str); 3] = [
        (&missing, "the.file: tensor `output.weight` [4, 8] is missing"),
        (extra, "the.file: tensor `norm.weight` has no place in a model of this configuration"),
        (&misshapen, "tensor `layers.0.attention.wq.weight` is [8, 8], but the configuration implies [9, 8]"),
    ];
    testkit::check_table(rows.map(|row| (row.1, row)), |(expected, problem)| {
        let error = checkpoint.expect(expected).unwrap_err().to_string();
        if error.contains(problem) { Ok(()) } else { Err(error) }
    });
    assert!(checkpoint.tensor("output.weight").unwrap_err().to_string().contains("there is no tensor `output.weight`"));
}
