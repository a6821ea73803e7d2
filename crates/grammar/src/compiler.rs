//! From a [`Spec`] to a [`Constraint`]: checked, compiled once, kept for the next request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use llguidance::Matcher;
use sha2::{Digest, Sha256};
use tokenizer::Tokenizer;

use crate::budget::{Places, run};
use crate::cache::{Cache, Key};
use crate::constraint::Compiled;
use crate::vocabulary::Vocabulary;
use crate::{Constraint, Error, Spec, error, limits, source};

/// Compiles constraints for one tokenizer. Shared between threads; calls block, so they are not for the engine's own.
pub struct Compiler {
    vocabulary: Arc<Vocabulary>,
    cache: Mutex<Cache>,
    places: Places,
}

impl Compiler {
    /// Prepares a vocabulary. Done once for a model: it takes about as long as reading the tokenizer.
    ///
    /// # Errors
    /// The tokenizer has no end token, or its vocabulary is unusable.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self, Error> {
        let vocabulary = Arc::new(Vocabulary::new(tokenizer)?);
        Ok(Self { vocabulary, cache: Mutex::default(), places: Places::default() })
    }

    /// Compiles, or finds what was compiled before. Takes at most [`limits::COMPILE_TIME`].
    ///
    /// # Errors
    /// What is wrong with the specification, and where; or that it exceeds a bound of [`limits`].
    pub fn compile(&self, spec: &Spec) -> Result<Constraint, Error> {
        source::check(spec)?;
        let key = key(spec);
        if let Some(compiled) = self.cache().find(&key) {
            return Ok(Constraint::new(compiled));
        }
        let deadline = Instant::now() + limits::COMPILE_TIME;
        let place = self.places.take(limits::COMPILE_TIME)?;
        // Others may have asked for the same meanwhile.
        if let Some(compiled) = self.cache().find(&key) {
            return Ok(Constraint::new(compiled));
        }
        let (vocabulary, owned) = (Arc::clone(&self.vocabulary), spec.clone());
        let seconds = limits::COMPILE_TIME.as_secs();
        let (compiled, bytes) = run(place, deadline, move || compile(&owned, &vocabulary))?
            .ok_or(Error::CompileTime { what: spec.what(), seconds })??;
        let compiled = Arc::new(compiled);
        self.cache().keep(key, Arc::clone(&compiled), bytes);
        Ok(Constraint::new(compiled))
    }

    /// How many constraints are kept, and about how many bytes they take.
    pub fn cached(&self) -> (usize, usize) {
        self.cache().usage()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler").field("vocabulary", &self.vocabulary).finish_non_exhaustive()
    }
}

/// The constraint and about what it weighs.
fn compile(spec: &Spec, vocabulary: &Arc<Vocabulary>) -> Result<(Compiled, usize), Error> {
    let rejected = |why: String| Error::Rejected { what: spec.what(), why };
    let grammars = source::grammars(spec, vocabulary)?;
    let parser = vocabulary.factory().create_parser(grammars).map_err(|error| rejected(error::message(&error)))?;
    let bytes = weight(&parser);
    let mut fresh = Matcher::new(Ok(parser));
    // What allows no first token would only fail later.
    fresh.compute_mask_or_eos().map_err(|error| rejected(error::message(&error)))?;
    Ok((Compiled::new(Arc::clone(vocabulary), fresh), bytes))
}

/// Bytes, roughly: what llguidance counts of its lexer, and as much as was measured for the rest (`docs/constraints.md`).
fn weight(parser: &llguidance::TokenParser) -> usize {
    const REST: usize = 64 << 10;
    let stats = parser.parser.lexer_stats();
    REST.saturating_add(stats.num_bytes).saturating_add(stats.num_ast_nodes.saturating_mul(64))
}

fn key(spec: &Spec) -> Key {
    Sha256::digest(format!("{spec:?}")).into()
}
