//! The header of a safetensors file.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(tensors) = checkpoint::safetensors::parse(&data, "fuzz") else { return };
    let end = tensors.last().map(|tensor| tensor.offset + tensor.bytes);
    assert!(end.is_none_or(|end| end == data.len() as u64), "the last tensor ends with the file");
});
