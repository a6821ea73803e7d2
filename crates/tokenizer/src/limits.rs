//! How much this crate takes from a file before it refuses: every bound of the crate stands here.
//!
//! Each is well above what published tokenizers need (131,072 tokens, 19 MB, pieces of some hundred bytes), and low
//! enough that a hostile file costs little memory.

/// Bytes of a tokenizer file.
pub(crate) const FILE_BYTES: u64 = 128 << 20;
/// Tokens of a vocabulary.
pub(crate) const VOCABULARY: usize = 1 << 20;
/// Bytes of all pieces of a vocabulary together.
pub(crate) const VOCABULARY_BYTES: usize = 8 << 20;
/// Bytes of one piece.
pub(crate) const PIECE_BYTES: usize = 4096;
/// Bytes that a character may become when a text is normalised; Unicode's longest case takes 33.
pub(crate) const REPLACEMENT_BYTES: usize = 256;
/// Bytes of one settings section of a `tekken.json` (`image`, `audio`, `model_settings_builder`).
pub(crate) const SECTION_BYTES: usize = 64 << 10;
/// Bytes that are merged as one piece. A longer stretch of text without any place to cut it is cut here: this is the
/// one case in which ids differ from the reference, which does not get so far.
pub(crate) const MERGE_BYTES: usize = 1 << 30;
