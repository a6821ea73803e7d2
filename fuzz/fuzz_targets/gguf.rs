//! A GGUF file: opened, and every row read.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use quant::RowSource;

fuzz_target!(|data: &[u8]| {
    let Ok(checkpoint) = checkpoint::Checkpoint::from_gguf(Arc::new(data.to_vec()), "fuzz") else { return };
    for tensor in checkpoint.tensors() {
        let mut rows = vec![0; tensor.bytes() as usize];
        tensor.read_rows(0..tensor.rows(), &mut rows).expect("an open file has its rows");
    }
});
