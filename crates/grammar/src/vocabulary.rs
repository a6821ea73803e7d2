//! The vocabulary as llguidance sees it: one string of bytes a token.
//!
//! Control tokens have no text: they stand there under a name that no text can spell, and a grammar reaches them by id.
//! A byte token of SentencePiece whose byte is a piece as well is left out, because no text is ever tokenized that way.

use std::sync::Arc;

use llguidance::ParserFactory;
use llguidance::toktrie::{InferenceCapabilities, TokEnv, TokRxInfo, TokTrie, TokenizerEnv};
use tokenizer::{Detokenizer, TokenId, Tokenizer, TokenizerKind};

use crate::{Error, error, limits};

/// A tokenizer, prepared for compiling.
pub(crate) struct Vocabulary {
    factory: ParserFactory,
    tokenizer: Tokenizer,
    /// The space that the tokenizer puts before a text and drops again.
    first_space: Option<TokenId>,
}

impl Vocabulary {
    /// Takes about a second for 131,072 tokens.
    ///
    /// # Errors
    /// The tokenizer has no end token, or its vocabulary is unusable.
    pub(crate) fn new(tokenizer: &Tokenizer) -> Result<Self, Error> {
        let eos = tokenizer.eos().ok_or(Error::NoEndToken)?;
        let words = words(tokenizer, eos);
        let space = words.iter().position(|word| word == b" ").map(|id| TokenId(id as u32));
        let first_space = space.filter(|&space| Detokenizer::new(tokenizer).push(space).is_empty());
        let trie = TokTrie::from(&TokRxInfo::new(words.len() as u32, eos.0), &words);
        let env: TokEnv = Arc::new(Env { trie, tokenizer: tokenizer.clone() });
        let slices = llguidance::earley::SlicedBiasComputer::json_slices();
        let mut factory = ParserFactory::new(&env, InferenceCapabilities::default(), &slices)
            .map_err(|error| Error::Vocabulary { why: error::message(&error) })?;
        factory.quiet();
        *factory.limits_mut() = limits::parser();
        Ok(Self { factory, tokenizer: tokenizer.clone(), first_space })
    }

    pub(crate) fn factory(&self) -> &ParserFactory {
        &self.factory
    }

    pub(crate) fn first_space(&self) -> Option<TokenId> {
        self.first_space
    }

    pub(crate) fn special(&self, name: &str) -> Option<TokenId> {
        self.tokenizer.special(name)
    }
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("tokens", &self.tokenizer.vocab_size()).finish_non_exhaustive()
    }
}

fn words(tokenizer: &Tokenizer, eos: TokenId) -> Vec<Vec<u8>> {
    let ids = (0..tokenizer.vocab_size() as u32).map(TokenId);
    let mut words: Vec<Vec<u8>> = ids.map(|id| word(tokenizer, id, eos)).collect();
    if tokenizer.kind() == TokenizerKind::SentencePiece {
        drop_shadowed_bytes(tokenizer, &mut words);
    }
    words
}

fn word(tokenizer: &Tokenizer, id: TokenId, eos: TokenId) -> Vec<u8> {
    if id == eos || tokenizer.is_special(id) || tokenizer.unk() == Some(id) {
        return [&[TokTrie::SPECIAL_TOKEN_MARKER], format!("<control {id}>").as_bytes()].concat();
    }
    match tokenizer.token_bytes(id) {
        // The marker of special tokens; no text has this byte.
        Some([TokTrie::SPECIAL_TOKEN_MARKER, ..]) | None => Vec::new(),
        Some(bytes) => bytes.to_vec(),
    }
}

fn drop_shadowed_bytes(tokenizer: &Tokenizer, words: &mut [Vec<u8>]) {
    let is_byte_token = |id: usize| tokenizer.piece(TokenId(id as u32)).starts_with("<0x");
    let mut pieces = [false; 256];
    for (id, word) in words.iter().enumerate() {
        if let ([byte], Some(piece)) = (word.as_slice(), word.first().and_then(|&b| pieces.get_mut(usize::from(b)))) {
            *piece |= byte.is_ascii() && !is_byte_token(id);
        }
    }
    for (id, word) in words.iter_mut().enumerate() {
        if let [byte] = word.as_slice()
            && pieces.get(usize::from(*byte)) == Some(&true)
            && is_byte_token(id)
        {
            word.clear();
        }
    }
}

/// Text that a grammar forces is tokenized as our own tokenizer does it, so that the model sees what it was trained on.
struct Env {
    trie: TokTrie,
    tokenizer: Tokenizer,
}

impl TokenizerEnv for Env {
    fn tok_trie(&self) -> &TokTrie {
        &self.trie
    }

    fn tokenize_bytes(&self, bytes: &[u8]) -> Vec<u32> {
        let Ok(text) = std::str::from_utf8(bytes) else { return self.trie.greedy_tokenize(bytes) };
        let tokens = match self.tokenizer.kind() {
            TokenizerKind::SentencePiece => self.tokenizer.encode_without_prefix(text),
            TokenizerKind::Tekken => self.tokenizer.encode(text),
        };
        tokens.into_iter().map(|token| token.0).collect()
    }
}
