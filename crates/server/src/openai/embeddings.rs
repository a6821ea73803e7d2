//! `POST /v1/embeddings` in OpenAI's form.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use engine::{Engine, TokenId};

use super::choices::located;
use super::convert::fields;
use super::wire::Tokens;
use super::wire::embeddings::{Embedding, EmbeddingRequest, EmbeddingUsage, Embeddings, Vector};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::limits;
use crate::models::Loaded;
use crate::refusal::Refusal;
use crate::stream::json_response;
use crate::vectors::{self, Vectors};

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
    let embedded = vectors::of_inputs((&caller, &model), request.input, tokens).await;
    let Vectors { vectors, prompt_tokens } = embedded.map_err(|refusal| located(refusal, "input"))?;
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

fn tokens(engine: &Engine, input: Tokens) -> Result<Vec<TokenId>, engine::Error> {
    match input {
        Tokens::Text(text) => engine.text().complete(&text),
        Tokens::Ids(ids) => Ok(ids),
    }
}

fn encoded(vector: Vec<f32>, base64: bool) -> Vector {
    if !base64 {
        return Vector::Floats(vector);
    }
    let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
    Vector::Base64(BASE64_STANDARD.encode(bytes))
}
