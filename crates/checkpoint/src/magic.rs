//! What a file is that was taken for a model: by its first bytes, never by its name.

use crate::ReadAt;

/// `(first bytes, what they mean)`.
const KNOWN: [(&[u8], &str); 20] = [
    (b"GGUF", "a GGUF file: name it .gguf"),
    (b"FUGG", "a big-endian GGUF file: run gguf-convert-endian on it"),
    (b"lmgg", "a model in the ggml format of 2023: convert the original model to GGUF"),
    (b"fmgg", "a model in the ggmf format of 2023: convert the original model to GGUF"),
    (b"tjgg", "a model in the ggjt format of 2023: convert the original model to GGUF"),
    (b"algg", "a LoRA adapter in the ggla format, not a model"),
    (
        b"PK\x03\x04",
        "a zip archive, as PyTorch's .pt and .bin are: such files can run code; take the safetensors files",
    ),
    (b"\x80\x02", "a Python pickle: such files can run code; take the safetensors files"),
    (b"\x80\x03", "a Python pickle: such files can run code; take the safetensors files"),
    (b"\x80\x04", "a Python pickle: such files can run code; take the safetensors files"),
    (b"\x80\x05", "a Python pickle: such files can run code; take the safetensors files"),
    (b"\x7fELF", "a Linux program"),
    (b"MZ", "a Windows program"),
    (b"\xcf\xfa\xed\xfe", "a macOS program"),
    (b"#!", "a script"),
    (b"\x1f\x8b", "a gzip archive: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive: unpack it first"),
    (b"\x89HDF", "an HDF5 file"),
    (b"version https://git-lfs", "a Git LFS pointer: the download fetched a reference only; run `git lfs pull`"),
    (b"<!DOCTYPE", "a web page: the download went to a login or error page"),
];

/// What the file is, as the end of a sentence: `an ELF program`, `something else`.
pub(crate) fn describe(source: &dyn ReadAt) -> &'static str {
    let size = usize::try_from(source.size_bytes()).unwrap_or(usize::MAX).min(32);
    let mut head = [0; 32];
    let Some(head) = head.get_mut(..size) else { return "something else" };
    if head.is_empty() {
        return "empty";
    }
    if source.read_exact_at(head, 0).is_err() {
        return "something that cannot be read";
    }
    if let Some((_, what)) = KNOWN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return what;
    }
    match head {
        [_, _, _, _, _, _, 0, 0, b'{', ..] => "a safetensors file: give the folder that holds it with its config.json",
        [b'{' | b'[', ..] => "JSON text",
        _ => "something else",
    }
}
