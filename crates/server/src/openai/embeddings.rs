//! `POST /v1/embeddings` in OpenAI's form.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::TokenId;
use tokio::task::spawn_blocking;

use super::choices::located;
use super::convert::fields;
use super::wire::Tokens;
use super::wire::embeddings::{Embedding, EmbeddingRequest, EmbeddingUsage, Embeddings, Vector};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::limits;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};
use crate::stream::json_response;

/// Turns texts into vectors.
///
/// # Errors
/// What is wrong with the request, or why it cannot be answered now.
pub(crate) async fn create(app: Arc<App>, caller: Caller, json: JsonBytes) -> Result<Response, Refusal> {
    let request: EmbeddingRequest = json.read()?;
    check(&request)?;
    let base64 = request.encoding_format.as_deref() == Some("base64");
    app.drain.check()?;
    let model = app.model(request.model.as_deref()).await?;
    check_dimensions(request.dimensions, &model)?;
    let turn = caller.turn(&model)?;
    let (embedding, inputs) = (Arc::clone(&model), request.input);
    let embedded = spawn_blocking(move || embed(&embedding, inputs)).await;
    let (vectors, prompt_tokens) =
        embedded.unwrap_or_else(|_| Err(Refusal::new(RefusalKind::Internal, "the request could not be prepared")))?;
    turn.done(prompt_tokens);
    let one = |(index, vector)| Embedding { object: "embedding", index, embedding: encoded(vector, base64) };
    let list = Embeddings {
        object: "list",
        data: vectors.into_iter().enumerate().map(one).collect(),
        model: model.name.clone(),
        usage: EmbeddingUsage { prompt_tokens, total_tokens: prompt_tokens },
    };
    Ok(json_response(StatusCode::OK, &list))
}

fn check(request: &EmbeddingRequest) -> Result<(), Refusal> {
    fields::only("encoding_format", request.encoding_format.as_deref(), &["float", "base64"], "there is no such form")?;
    let (found, most) = (request.input.len(), limits::EMBEDDING_INPUTS);
    if found == 0 || found > most {
        return Err(Refusal::field("input", format!("input has {found} texts: it must have between 1 and {most}")));
    }
    let empty = |input: &Tokens| match input {
        Tokens::Text(text) => text.is_empty(),
        Tokens::Ids(ids) => ids.is_empty(),
    };
    match request.input.iter().position(empty) {
        Some(index) => Err(Refusal::field("input", format!("input[{index}] is empty: an empty text has no vector"))),
        None => Ok(()),
    }
}

fn check_dimensions(asked: Option<u32>, model: &Loaded) -> Result<(), Refusal> {
    let dim = model.engine.card().config.dim;
    match asked {
        Some(asked) if asked as usize != dim => {
            let message =
                format!("dimensions is {asked}: the vectors of this model have {dim}, and cannot be shortened");
            Err(Refusal::field("dimensions", message))
        }
        _ => Ok(()),
    }
}

/// The vectors and the tokens that they took.
fn embed(model: &Loaded, inputs: Vec<Tokens>) -> Result<(Vec<Vec<f32>>, usize), Refusal> {
    let tokens = |input| match input {
        Tokens::Text(text) => model.engine.text().complete(&text),
        Tokens::Ids(ids) => Ok(ids),
    };
    let refused = |error: engine::Error| located(error.into(), "input");
    let inputs: Vec<Vec<TokenId>> = inputs.into_iter().map(tokens).collect::<Result<_, _>>().map_err(refused)?;
    let count = inputs.iter().map(Vec::len).sum();
    let vectors = model.engine.embed(&inputs, model.engine.card().pooling).map_err(refused)?;
    Ok((vectors, count))
}

fn encoded(vector: Vec<f32>, base64: bool) -> Vector {
    if !base64 {
        return Vector::Floats(vector);
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    Vector::Base64(BASE64_STANDARD.encode(bytes))
}
