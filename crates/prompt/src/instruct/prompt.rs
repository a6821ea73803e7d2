//! A prompt under construction: tokens, appended piece by piece.

use tokenizer::{TemplateVersion, TokenId, Tokenizer};

use super::Rendered;
use crate::Error;

pub(super) struct Prompt<'t> {
    tokenizer: &'t Tokenizer,
    version: TemplateVersion,
    tokens: Vec<TokenId>,
}

impl<'t> Prompt<'t> {
    pub(super) const fn new(tokenizer: &'t Tokenizer, version: TemplateVersion) -> Self {
        Self { tokenizer, version, tokens: Vec::new() }
    }

    pub(super) const fn version(&self) -> TemplateVersion {
        self.version
    }

    /// The token that every prompt starts with.
    pub(super) fn start(&mut self) -> Result<(), Error> {
        self.push(self.tokenizer.bos(), "<s>")
    }

    /// The token that ends an answer.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        self.push(self.tokenizer.eos(), "</s>")
    }

    /// A control token, by its name.
    pub(super) fn control(&mut self, piece: &'static str) -> Result<(), Error> {
        self.push(self.tokenizer.special(piece), piece)
    }

    fn push(&mut self, token: Option<TokenId>, piece: &'static str) -> Result<(), Error> {
        self.tokens.push(token.ok_or(Error::NoToken { version: self.version, piece })?);
        Ok(())
    }

    /// Text, in which nothing is special.
    pub(super) fn text(&mut self, text: &str) {
        self.tokens.extend(self.tokenizer.encode(text));
    }

    /// Text that goes on without the space that SentencePiece puts before a text.
    pub(super) fn text_without_prefix(&mut self, text: &str) {
        self.tokens.extend(self.tokenizer.encode_without_prefix(text));
    }

    /// A thought; one that is not thought to its end has no end token.
    pub(super) fn thinking(&mut self, text: &str, closed: bool) -> Result<(), Error> {
        let has_think_tokens = ["[THINK]", "[/THINK]"].iter().all(|piece| self.tokenizer.special(piece).is_some());
        if self.version < TemplateVersion::V13 || !has_think_tokens {
            return Err(Error::NoThinkTokens);
        }
        self.control("[THINK]")?;
        self.text(text);
        if closed { self.control("[/THINK]") } else { Ok(()) }
    }

    pub(super) fn finish(self) -> Rendered {
        Rendered { text: self.tokenizer.debug_text(&self.tokens), tokens: self.tokens }
    }
}
