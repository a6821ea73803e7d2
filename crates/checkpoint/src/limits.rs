//! How much this crate takes from a file before it refuses: every bound of the crate stands here.
//!
//! A bound is well above what any published model needs, and low enough that a hostile file costs little memory. On
//! top of them, nothing is allocated before the file has been seen to be long enough to fill it.

/// Tensors in one file.
pub(crate) const TENSORS_PER_FILE: u64 = 65_536;
/// Tensors of a model, once stacked experts have been taken apart.
pub(crate) const TENSORS: usize = 262_144;
/// Metadata keys of one GGUF file.
pub(crate) const GGUF_KEYS: u64 = 65_536;
/// Bytes of a metadata key or of a tensor's name.
pub(crate) const NAME_BYTES: u64 = 65_535;
/// Bytes of one string among a GGUF file's metadata: a chat template is the longest.
pub(crate) const STRING_BYTES: u64 = 16 << 20;
/// Elements of one array among a GGUF file's metadata: merges are the longest.
pub(crate) const ARRAY_ELEMENTS: u64 = 1 << 20;
/// `general.alignment` of a GGUF file.
pub(crate) const ALIGNMENT: u64 = 1 << 20;
/// Parts of a split GGUF file, or shards of a folder.
pub(crate) const FILES: usize = 1_024;
/// Header of a safetensors file: the format's own limit.
pub(crate) const SAFETENSORS_HEADER_BYTES: u64 = 100_000_000;
/// Dimensions of a tensor in a GGUF file.
pub(crate) const DIMENSIONS: usize = 4;
/// Dimensions of a tensor in a safetensors file.
pub(crate) const SAFETENSORS_DIMENSIONS: usize = 8;
/// `config.json`, `params.json`.
pub(crate) const CONFIG_BYTES: u64 = 1 << 20;
/// `model.safetensors.index.json`.
pub(crate) const INDEX_BYTES: u64 = 64 << 20;
/// `tokenizer_config.json`.
pub(crate) const TOKENIZER_CONFIG_BYTES: u64 = 16 << 20;
/// A chat template in a file of its own.
pub(crate) const TEMPLATE_BYTES: u64 = 16 << 20;
/// Numbers that an importance matrix in llama.cpp's older form has for one matrix: all experts' columns.
pub(crate) const IMPORTANCE_NUMBERS: u64 = 1 << 30;
/// Entries of a folder that are looked at.
pub(crate) const FOLDER_ENTRIES: usize = 10_000;

/// Layers of a model.
pub(crate) const LAYERS: usize = 1_024;
/// Experts of a layer.
pub(crate) const EXPERTS: usize = 1_024;
/// Heads of a layer.
pub(crate) const HEADS: usize = 4_096;
/// Width of anything: the residual stream, a head, a feed-forward part.
pub(crate) const WIDTH: usize = 1 << 20;
/// Tokens of a vocabulary.
pub(crate) const VOCABULARY: usize = 1 << 20;
/// Positions of a context, and of a window.
pub(crate) const CONTEXT: usize = 1 << 30;
