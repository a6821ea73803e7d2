//! What a model is called on disk: a digest of all that its keys and values depend on.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use checkpoint::{Checkpoint, Tensor};
use quant::RowSource as _;
use sha2::{Digest, Sha256};

use super::key::Key;

/// Reads all weights once, with `threads` threads. `arithmetic`: whatever else a result depends on, as text.
///
/// # Errors
/// The files cannot be read.
pub(crate) fn model_key(checkpoint: &Checkpoint, arithmetic: &str, threads: usize) -> io::Result<Key> {
    let tensors: Vec<&Tensor> = checkpoint.tensors().collect();
    let next = AtomicUsize::new(0);
    let digests = Mutex::new(Vec::new());
    let work = || -> io::Result<()> {
        while let Some(tensor) = tensors.get(next.fetch_add(1, Ordering::Relaxed)) {
            let digest = digest(tensor)?;
            super::lock(&digests).push((tensor.name(), digest));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads.max(1)).map(|_| scope.spawn(work)).collect();
        let first = work();
        let ended = others.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("a panic"))));
        ended.fold(first, io::Result::and)
    })?;
    let mut digests = std::mem::take(&mut *super::lock(&digests));
    digests.sort_unstable();
    let mut hash = Sha256::new_with_prefix(b"tramontane kv 1\0");
    hash.update(env!("CARGO_PKG_VERSION"));
    hash.update(format!("\0{arithmetic}\0{:?}\0", checkpoint.config));
    for (name, digest) in digests {
        hash.update(format!("{name}\0"));
        hash.update(digest);
    }
    Ok(Key(hash.finalize().into()))
}

fn digest(tensor: &Tensor) -> io::Result<[u8; 32]> {
    const PIECE: usize = 1 << 20;
    let (format, rows, cols) = (tensor.format(), tensor.rows(), tensor.cols());
    let row_bytes = format.row_bytes(cols).unwrap_or(0);
    let mut hash = Sha256::new_with_prefix(format!("{format} {rows} {cols}\0"));
    let (mut at, step) = (0, (PIECE / row_bytes.max(1)).max(1));
    let mut buffer = Vec::new();
    while at < rows {
        let end = (at + step).min(rows);
        buffer.resize((end - at) * row_bytes, 0);
        tensor.read_rows(at..end, &mut buffer)?;
        hash.update(&buffer);
        at = end;
    }
    Ok(hash.finalize().into())
}
