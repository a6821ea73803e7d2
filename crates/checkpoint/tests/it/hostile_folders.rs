//! Safetensors files and folders that somebody broke, as `hostile.rs` has it for GGUF files.

use checkpoint::{Checkpoint, Error, safetensors};

use crate::folder::Folder;
use crate::hostile::{Row, check};
use crate::tiny;

fn open_safetensors(bytes: Vec<u8>) -> Result<(), Error> {
    safetensors::parse(&bytes, "the.file").map(drop)
}

fn safetensors(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

fn tensor(name: &str, dtype: &str, shape: &str, offsets: &str) -> String {
    format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#)
}

#[test]
fn safetensors_that_do_not_hold_together() {
    let file = |entries: &[String], data| safetensors(&format!("{{{}}}", entries.join(",")), data);
    let length = |claim: u64| [&claim.to_le_bytes()[..], b"{}      "].concat();
    let one = |dtype: &str, shape: &str, offsets: &str| file(&[tensor("t", dtype, shape, offsets)], 8);
    let many: Vec<String> = (0..100_000).map(|n| tensor(&n.to_string(), "U8", "[0]", "[0,0]")).collect();
    let rows = vec![
        Row("nothing", vec![], "empty"),
        Row("ELF", b"\x7fELF\x02\x01\x01\0\0\0".to_vec(), "a Linux program"),
        Row("pickle", b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00".to_vec(), "Python pickle"),
        Row("zip", [&b"PK\x03\x04"[..], &[0; 60]].concat(), "zip archive"),
        Row("header of 100 MB and one", length(100_000_001), "header length: 100000001"),
        Row("header of 100 MB", length(100_000_000), "only 8 follow"),
        Row("header of 2^63", length(1 << 63), "header length"),
        Row("header of 2^64 - 1", length(u64::MAX), "header length"),
        Row("header one too long", length(9), "header length: 9 bytes, but only 8 follow"),
        Row("not JSON", safetensors("{oops}", 0), "header"),
        Row("not UTF-8", [&b"\x04\0\0\0\0\0\0\0"[..], b"{\"\xff\"", b"}"].concat(), "header"),
        Row("brackets", safetensors(&format!("{{\"t\":{}", "[".repeat(1 << 20)), 0), "header"),
        Row("brackets in metadata", safetensors(&format!("{{\"__metadata__\":{}", "[".repeat(1 << 20)), 0), "header"),
        Row("many sizes", one("U8", &format!("[{}1]", "1,".repeat(1 << 20)), "[0,1]"), "more than 8 dimensions"),
        Row("100,000 entries", file(&many, 0), "more than 65536 tensors"),
        Row("a name twice", file(&[tensor("t", "U8", "[4]", "[0,4]"), tensor("t", "U8", "[4]", "[4,8]")], 8), "twice"),
        Row("a field twice", safetensors(r#"{"t":{"dtype":"U8","dtype":"U8"}}"#, 0), "duplicate field"),
        Row("a field missing", safetensors(r#"{"t":{"dtype":"U8","shape":[1]}}"#, 1), "data_offsets"),
        Row("an unknown type", one("F7", "[8]", "[0,8]"), "dtype `F7` is not known"),
        Row("a hole", file(&[tensor("a", "U8", "[2]", "[0,2]"), tensor("b", "U8", "[4]", "[4,8]")], 8), "tensor `b`"),
        Row(
            "an overlap",
            file(&[tensor("a", "U8", "[6]", "[0,6]"), tensor("b", "U8", "[4]", "[4,8]")], 8),
            "tensor `b`",
        ),
        Row("not from the start", one("U8", "[4]", "[4,8]"), "starts at byte 4 of the data, but 0"),
        Row("data left over", one("U8", "[4]", "[0,4]"), "describes 4 bytes, but the file has 8"),
        Row("data missing", one("U8", "[16]", "[0,16]"), "describes 16 bytes, but the file has 8"),
        Row("shape and bytes differ", one("F32", "[4]", "[0,8]"), "tensor `t`: shape [4] of F32"),
        Row("half a byte", one("F4", "[3]", "[0,1]"), "tensor `t`"),
        Row("backwards", one("U8", "[8]", "[8,0]"), "tensor `t`"),
        Row("a negative size", one("U8", "[-8]", "[0,8]"), "header"),
        Row("a fractional size", one("U8", "[8.0]", "[0,8]"), "header"),
        Row("sizes that overflow", one("U8", "[4294967296,4294967296]", "[0,8]"), "tensor `t`"),
        Row("bits that overflow", one("F64", "[2305843009213693952]", "[0,8]"), "tensor `t`"),
        Row("the largest offset", one("U8", "[8]", "[18446744073709551615,18446744073709551615]"), "tensor `t`"),
        Row("an offset beyond", one("U8", "[8]", "[0,18446744073709551616]"), "header"),
    ];
    check(rows, open_safetensors);
}

#[test]
fn every_cut_of_safetensors_is_noticed() {
    let whole = safetensors(&format!("{{{}}}", tensor("t", "F32", "[2]", "[0,8]")), 8);
    open_safetensors(whole.clone()).unwrap();
    let cuts = (0..whole.len()).map(|length| (length, length));
    testkit::check_table(cuts, |length| match open_safetensors(whole[..length].to_vec()) {
        Ok(()) => Err("was opened"),
        Err(_) => Ok(()),
    });
}

const CONFIG: &[u8] = br#"{"model_type": "llama", "hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 1,
    "intermediate_size": 6, "vocab_size": 4}"#;

#[test]
fn folders_that_hold_no_model() {
    let model = safetensors("{}", 1);
    let index = |name: &str| format!(r#"{{"weight_map": {{"t": "{name}"}}}}"#).into_bytes();
    let (missing, outside) = (index("model-00002-of-00002.safetensors"), index("../model.safetensors"));
    let whole = tiny::whole();
    type Files<'a> = Vec<(&'a str, &'a [u8])>;
    let rows: Vec<(&str, Files<'_>, &str)> = vec![
        ("nothing", vec![], "holds no model"),
        ("weights alone", vec![("model.safetensors", &model)], "but not its config.json"),
        ("Mistral's weights alone", vec![("consolidated.safetensors", &model)], "but not its params.json"),
        ("configuration alone", vec![("config.json", CONFIG)], "but no model*.safetensors"),
        ("pickles", vec![("config.json", CONFIG), ("pytorch_model.bin", b"PK")], "PyTorch pickles only"),
        (
            "a shard that the index names is missing",
            vec![
                ("config.json", CONFIG),
                ("model-00001-of-00002.safetensors", &model),
                ("model.safetensors.index.json", &missing),
            ],
            "model-00002-of-00002.safetensors is missing",
        ),
        (
            "a shard that its siblings promise is missing",
            vec![("config.json", CONFIG), ("model-00001-of-00002.safetensors", &model)],
            "1 of the 2 parts of model-00001-of-00002.safetensors is missing",
        ),
        (
            "an index that leads out of the folder",
            vec![("config.json", CONFIG), ("model.safetensors", &model), ("model.safetensors.index.json", &outside)],
            "\"../model.safetensors\" is not a file name",
        ),
        ("two GGUF files", vec![("a.gguf", &whole), ("b.gguf", &whole)], "give the path of one: a.gguf, b.gguf"),
    ];
    testkit::check_table(rows.into_iter().map(|row| (row.0, row)), |(_, files, problem)| {
        match Checkpoint::open(Folder::new(&files).path()) {
            Ok(_) => Err("was opened".to_owned()),
            Err(error) if error.to_string().contains(problem) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    });
}

#[test]
fn paths_that_are_no_model() {
    let model = safetensors("{}", 0);
    let folder = Folder::new(&[("model.safetensors", &model), ("config.json", CONFIG), ("a.bin", b"\x80\x02")]);
    let rows = [
        ("model.safetensors", "give the folder that holds it"),
        ("config.json", "give the folder that holds it"),
        ("a.bin", "Python pickle"),
        ("absent.gguf", "absent.gguf"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(name, problem)| {
        let error = Checkpoint::open(folder.path().join(name)).unwrap_err().to_string();
        if error.contains(problem) { Ok(()) } else { Err(error) }
    });
}

#[test]
fn weights_in_formats_that_are_not_read() {
    let rows = [
        ("integers", tensor("lm_head.weight", "I8", "[2,4]", "[0,8]"), "numbers of type I8 are not read"),
        ("8 bits without a scale", tensor("lm_head.weight", "F8_E4M3", "[2,4]", "[0,8]"), "its scale is missing"),
        (
            "a scale without a weight",
            tensor("lm_head.weight_scale_inv", "F32", "[2]", "[0,8]"),
            "is the scale of a weight",
        ),
        ("zero rows", tensor("lm_head.weight", "F32", "[0,4]", "[0,0]"), "[0, 4]"),
        ("another layout's name", tensor("output.weight", "F32", "[1,2]", "[0,8]"), "`output.weight` is not known"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, entry, problem)| {
        let data = if entry.contains("[0,0]") { 0 } else { 8 };
        let file = safetensors(&format!("{{{entry}}}"), data);
        let folder = Folder::new(&[("config.json", CONFIG), ("model.safetensors", &file)]);
        let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
        if error.contains(problem) { Ok(()) } else { Err(error) }
    });
}

#[test]
fn scales_that_make_no_sense() {
    let weight = |shape: &str| tensor("lm_head.weight", "F8_E4M3", shape, "[0,8]");
    let scale = |dtype: &str, shape: &str| tensor("lm_head.weight_scale_inv", dtype, shape, "[8,16]");
    let rows = [
        ("not a number", weight("[2,4]"), scale("F32", "[2,1]"), "a scale is not a number"),
        ("too many rows", weight("[1,8]"), scale("F32", "[2,1]"), "do not fit those of `lm_head.weight`, [1, 8]"),
        ("too many columns", weight("[8,1]"), scale("BF16", "[1,4]"), "a scale is not a number"),
        ("one dimension", weight("[2,4]"), scale("F16", "[4]"), "a scale is not a number"),
        ("of another type", weight("[2,4]"), scale("F64", "[1]"), "only f32, f16 and bf16"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, weight, scale, problem)| {
        let mut file = safetensors(&format!("{{{weight},{scale}}}"), 16);
        let end = file.len();
        if problem.starts_with("a scale") {
            file[end - 8..].fill(0xff);
        }
        let folder = Folder::new(&[("config.json", CONFIG), ("model.safetensors", &file)]);
        let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
        if error.contains(problem) { Ok(()) } else { Err(error) }
    });
}
