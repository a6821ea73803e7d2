//! Texts as vectors, for the embedding paths of all dialects.

use std::sync::Arc;

use engine::{Engine, TokenId};

use crate::caller::Caller;
use crate::models::Loaded;
use crate::on_thread;
use crate::refusal::Refusal;

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
    let turn = caller.turn(model)?;
    let vectors = on_thread::run(model, move |engine| compute(engine, &texts, cut)).await?;
    turn.done(vectors.prompt_tokens);
    Ok(vectors)
}

fn compute(engine: &Engine, texts: &[String], cut: bool) -> Result<Vectors, Refusal> {
    let most = if cut { engine.card().context } else { usize::MAX };
    let tokens = |text: &String| -> Result<Vec<TokenId>, engine::Error> {
        let mut tokens = engine.text().complete(text)?;
        tokens.truncate(most);
        Ok(tokens)
    };
    let inputs = texts.iter().map(tokens).collect::<Result<Vec<_>, _>>()?;
    let vectors = engine.embed(&inputs, engine.card().pooling)?;
    Ok(Vectors { vectors, prompt_tokens: inputs.iter().map(Vec::len).fold(0, usize::saturating_add) })
}
