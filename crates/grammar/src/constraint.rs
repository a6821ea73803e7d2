//! A constraint under way: which tokens may follow, and which one did.

use std::sync::{Arc, Mutex, PoisonError};

use llguidance::Matcher;
use tokenizer::{TokenId, TokenMask};

use crate::vocabulary::Vocabulary;
use crate::{Error, error};

/// Which tokens an answer may consist of. Cheap to clone as long as nothing was asked of it.
///
/// The state of its own begins with the first question. Before each token: [`Constraint::mask`]; after it:
/// [`Constraint::accept`].
pub struct Constraint {
    compiled: Arc<Compiled>,
    matcher: Option<Box<Matcher>>,
}

/// What a prompt leaves to the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The answer begins a text: SentencePiece puts a space before it that is not part of it.
    Text,
    /// The answer goes on with a text.
    WithinText,
    /// The answer goes on with a thought.
    WithinThought,
}

/// What is shared by all answers under the same specification.
pub(crate) struct Compiled {
    vocabulary: Arc<Vocabulary>,
    /// Never used itself, so that every answer starts from the same state.
    fresh: Mutex<Matcher>,
}

impl Compiled {
    pub(crate) fn new(vocabulary: Arc<Vocabulary>, fresh: Matcher) -> Self {
        Self { vocabulary, fresh: Mutex::new(fresh) }
    }

    fn matcher(&self) -> Box<Matcher> {
        Box::new(self.fresh.lock().unwrap_or_else(PoisonError::into_inner).deep_clone())
    }
}

impl Constraint {
    pub(crate) fn new(compiled: Arc<Compiled>) -> Self {
        Self { compiled, matcher: None }
    }

    /// Says what the prompt ends in; without it, the answer begins a text. Starts over where something was accepted.
    ///
    /// # Errors
    /// The prompt ends inside a thought, and the constraint has no place for one.
    pub fn begin(&mut self, start: Start) -> Result<(), Error> {
        self.matcher = None;
        let vocabulary = Arc::clone(&self.compiled.vocabulary);
        match (start, vocabulary.first_space()) {
            (Start::WithinText, Some(space)) => self.pass(space),
            (Start::WithinThought, _) => {
                let think = vocabulary.special("[THINK]").ok_or(Error::OpenThought)?;
                if self.accepts(&[think])? == 0 {
                    return Err(Error::OpenThought);
                }
                self.accept(think)
            }
            _ => Ok(()),
        }
    }

    /// Which tokens of a vocabulary of this size may follow: at least one; the end token where the answer may end.
    ///
    /// # Errors
    /// [`Error::Stuck`]: the constraint needs more than its budget, or leads nowhere.
    pub fn mask(&mut self, vocab_size: usize) -> Result<TokenMask, Error> {
        let mask = self.matcher().compute_mask_or_eos().map_err(|error| stuck(&error))?;
        let words = mask.as_slice().chunks(2).map(|pair| match pair {
            [low, high] => u64::from(*low) | u64::from(*high) << 32,
            [low] => u64::from(*low),
            _ => 0,
        });
        Ok(TokenMask::from_words(words, vocab_size))
    }

    /// Takes the next token.
    ///
    /// # Errors
    /// [`Error::NotAllowed`], and nothing has changed; or [`Error::Stuck`].
    pub fn accept(&mut self, token: TokenId) -> Result<(), Error> {
        match self.matcher().try_consume_tokens(&[token.0]) {
            Ok(0) => Err(Error::NotAllowed { token }),
            Ok(_) => Ok(()),
            Err(error) => Err(stuck(&error)),
        }
    }

    /// How many of these tokens, from the first, could follow. Changes nothing.
    ///
    /// # Errors
    /// [`Error::Stuck`].
    pub fn accepts(&mut self, tokens: &[TokenId]) -> Result<usize, Error> {
        let ids: Vec<u32> = tokens.iter().map(|token| token.0).collect();
        self.matcher().validate_tokens(&ids).map_err(|error| stuck(&error))
    }

    /// Takes the last `count` accepted tokens back.
    ///
    /// # Errors
    /// There were fewer.
    pub fn rollback(&mut self, count: usize) -> Result<(), Error> {
        self.matcher().rollback(count).map_err(|error| stuck(&error))
    }

    /// Whether only the end token may follow, or has.
    pub fn is_finished(&self) -> bool {
        self.matcher.as_ref().is_some_and(|matcher| matcher.is_stopped())
    }

    /// Whether the end token may follow.
    ///
    /// # Errors
    /// [`Error::Stuck`].
    pub fn may_end(&mut self) -> Result<bool, Error> {
        self.matcher().is_accepting().map_err(|error| stuck(&error))
    }

    /// The tokens that must follow, as far as that is certain. They have to be accepted like any others.
    pub fn forced(&mut self) -> Vec<TokenId> {
        self.matcher().compute_ff_tokens().into_iter().map(TokenId).collect()
    }

    /// Accepts a token that the grammar may or may not ask for.
    fn pass(&mut self, token: TokenId) -> Result<(), Error> {
        match self.accept(token) {
            Ok(()) | Err(Error::NotAllowed { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn matcher(&mut self) -> &mut Matcher {
        self.matcher.get_or_insert_with(|| self.compiled.matcher())
    }
}

impl Clone for Constraint {
    fn clone(&self) -> Self {
        let matcher = self.matcher.as_ref().map(|matcher| Box::new(matcher.deep_clone()));
        Self { compiled: Arc::clone(&self.compiled), matcher }
    }
}

impl std::fmt::Debug for Constraint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Constraint").field("begun", &self.matcher.is_some()).finish_non_exhaustive()
    }
}

fn stuck(error: &anyhow::Error) -> Error {
    Error::Stuck { why: error::message(error) }
}
