//! Texts as vectors, for the embedding paths of all dialects.
//!
//! Vectors of long texts take as long as answers do. So a request that waits for its turn holds no thread; one whose
//! client has gone ends at the engine's next step; and its key is charged for what was computed, whoever ended it.

use std::sync::Arc;

use engine::{EmbedWatch, Engine, TokenId};

use crate::caller::{Caller, Turn};
use crate::models::Loaded;
use crate::on_thread;
use crate::refusal::{Refusal, RefusalKind};

/// Most texts of one request.
const MAX_TEXTS: usize = 2048;

/// The vectors of some texts, of length one, in their order.
pub(crate) struct Vectors {
    pub(crate) vectors: Vec<Vec<f32>>,
    /// Of all texts together.
    pub(crate) prompt_tokens: usize,
}

/// Computes the vectors of `texts`, which the request has at `param`. A text that does not fit in the context is an error;
/// with `cut`, which somebody has to ask for, its end is left out.
///
/// # Errors
/// There is no text, there are too many, or one is too long; or there is too much to do.
pub(crate) async fn of_texts(
    (caller, model): (&Caller, &Arc<Loaded>),
    texts: Vec<String>,
    cut: bool,
    param: &'static str,
) -> Result<Vectors, Refusal> {
    if texts.is_empty() || texts.len() > MAX_TEXTS {
        let message = format!("{param}: {} texts cannot be taken, send between 1 and {MAX_TEXTS}", texts.len());
        return Err(Refusal::field(param, message));
    }
    let most = if cut { model.engine.card().context } else { usize::MAX };
    let tokens = move |engine: &Engine, text: String| {
        let mut tokens = engine.text().complete(&text)?;
        tokens.truncate(most);
        Ok(tokens)
    };
    of_inputs((caller, model), texts, tokens).await
}

/// Computes the vectors of `inputs`, of which `tokens` makes tokens. Dropped, it ends at the engine's next step.
///
/// # Errors
/// An input has no tokens or too many; or there is too much to do.
pub(crate) async fn of_inputs<I: Send + 'static>(
    (caller, model): (&Caller, &Arc<Loaded>),
    inputs: Vec<I>,
    tokens: impl Fn(&Engine, I) -> Result<Vec<TokenId>, engine::Error> + Send + 'static,
) -> Result<Vectors, Refusal> {
    let turn = caller.turn(model).await?;
    let _while_awaited = CancelOnDrop(turn.watch.clone());
    on_thread::run(model, move |engine| compute(engine, inputs, &tokens, &turn)).await
}

/// Of the client's side: the other side works on a thread that nobody can interrupt.
struct CancelOnDrop(EmbedWatch);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

fn compute<I>(
    engine: &Engine,
    inputs: Vec<I>,
    tokens: &impl Fn(&Engine, I) -> Result<Vec<TokenId>, engine::Error>,
    turn: &Turn,
) -> Result<Vectors, Refusal> {
    let gone = || Refusal::new(RefusalKind::Internal, "the client has gone");
    let mut texts = Vec::with_capacity(inputs.len());
    for input in inputs {
        if turn.watch.is_cancelled() {
            return Err(gone());
        }
        texts.push(tokens(engine, input)?);
    }
    let vectors = engine.embed_watched(&texts, engine.card().pooling, &turn.watch)?.ok_or_else(gone)?;
    Ok(Vectors { vectors, prompt_tokens: texts.iter().map(Vec::len).fold(0, usize::saturating_add) })
}
