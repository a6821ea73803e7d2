//! What our writer writes, our parser reads; what PyPI `gguf` writes, too (`vectors/checkpoint`).

use std::sync::Arc;

use checkpoint::gguf::{self, Array, Keys, Kind, Value};
use checkpoint::{Checkpoint, ReadAt};
use quant::RowSource;

use crate::tiny;

#[test]
fn a_written_file_is_read_back() {
    let (keys, tensors) = (tiny::keys(), tiny::tensors());
    let bytes = tiny::file(&keys, &tensors);
    let parsed = gguf::parse(&bytes, "tiny.gguf").unwrap();
    assert_eq!((parsed.version, parsed.alignment), (3, 32));
    assert_eq!(parsed.keys, keys);
    for (read, written) in parsed.tensors.iter().zip(&tensors) {
        assert_eq!((&read.name, &read.dims, read.format), (&written.name, &written.dims, written.format));
    }
    let checkpoint = Checkpoint::from_gguf(Arc::new(bytes), "tiny.gguf").unwrap();
    let down = checkpoint.tensor("layers.0.feed_forward.w2.weight").unwrap();
    assert_eq!((down.rows(), down.cols()), (8, 6));
    let mut row = [0; 24];
    down.read_rows(2..3, &mut row).unwrap();
    assert_eq!(row[..4], 12_f32.to_le_bytes());
}

#[test]
fn every_kind_of_value_survives() {
    let mut keys = Keys::default();
    let values = [
        Value::U8(200),
        Value::I8(-3),
        Value::U16(60_000),
        Value::I16(-5),
        Value::U32(u32::MAX),
        Value::I32(-7),
        Value::F32(0.1),
        Value::Bool(true),
        Value::String("ü".repeat(70_000)),
        Value::Array(Array::of_bool(&[true, false])),
        Value::Array(Array::of_strings(["", "a", ""])),
        Value::Array(Array::Numbers { kind: Kind::F64, bytes: 0.25_f64.to_le_bytes().to_vec() }),
        Value::U64(u64::MAX),
        Value::I64(i64::MIN),
        Value::F64(1e300),
    ];
    values.iter().enumerate().for_each(|(n, value)| keys.set(&format!("key.{n}"), value.clone()));
    keys.set("general.alignment", Value::U32(128));
    let bytes = tiny::file(&keys, &[tiny::spec("a", &[3]), tiny::spec("b", &[1, 1, 2])]);
    let parsed = gguf::parse(&bytes, "values.gguf").unwrap();
    assert_eq!(parsed.keys, keys);
    assert_eq!(parsed.tensors[1].offset - parsed.tensors[0].offset, 128);
    assert_eq!(parsed.tensors[1].offset % 128, 0);
}

#[test]
fn a_file_that_shrinks_is_an_error_and_not_a_signal() {
    let path = std::env::temp_dir().join(format!("tramontane-shrinks-{}.gguf", std::process::id()));
    std::fs::write(&path, tiny::whole()).unwrap();
    let checkpoint = Checkpoint::open(&path).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let norm = checkpoint.tensor("norm.weight").unwrap();
    let error = norm.read_rows(0..1, &mut [0; 32]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn reading_beyond_the_end_of_memory_is_an_error() {
    let bytes: &[u8] = &[1, 2, 3];
    for (offset, length) in [(0, 4), (3, 1), (u64::MAX, 1), (1, 3)] {
        assert!(bytes.read_exact_at(&mut vec![0; length], offset).is_err(), "{offset} {length}");
    }
}
