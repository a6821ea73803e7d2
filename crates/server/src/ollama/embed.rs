//! `POST /api/embed`, and the older `/api/embeddings`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::nanoseconds;
use super::keep_alive::Stay;
use super::{options, wire};
use crate::app::App;
use crate::body::Body;
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::stream::json_response;
use crate::text_or::TextOr;
use crate::vectors;

/// Vectors, in the order of the texts. Durations are in nanoseconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaEmbeddings)]
pub(super) struct Embeddings {
    model: String,
    embeddings: Vec<Vec<f32>>,
    total_duration: u64,
    load_duration: u64,
    prompt_eval_count: usize,
}

/// One vector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaEmbedding)]
pub(super) struct Embedding {
    embedding: Vec<f32>,
}

/// Texts as vectors of length one.
#[utoipa::path(
    post, path = "/api/embed", tag = "Ollama",
    request_body = wire::EmbedRequest,
    responses((status = 200, description = "A vector for each text", body = Embeddings)),
)]
pub(super) async fn embed(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<wire::EmbedRequest>,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let stay = Stay::read(body.keep_alive.as_ref())?;
    let model = app.model(Some(&body.model)).await?;
    let load = started.elapsed();
    Stay::apply(stay, &model);
    options::check_for_vectors(body.options.as_ref(), &model.engine)?;
    let dim = model.engine.card().config.dim;
    if body.dimensions.is_some_and(|asked| usize::try_from(asked) != Ok(dim)) {
        let message = format!("dimensions: the vectors of this model have {dim} values, leave it out");
        return Err(Refusal::field("dimensions", message));
    }
    let texts = TextOr::into_list(body.input);
    let vectors = vectors::of_texts((&caller, &model), texts, body.truncate == Some(true), "input").await?;
    let answer = Embeddings {
        model: model.name.clone(),
        embeddings: vectors.vectors,
        total_duration: nanoseconds(started.elapsed()),
        load_duration: nanoseconds(load),
        prompt_eval_count: vectors.prompt_tokens,
    };
    Ok(json_response(StatusCode::OK, &answer))
}

/// One text as a vector: the older form.
#[utoipa::path(
    post, path = "/api/embeddings", tag = "Ollama",
    request_body = wire::EmbeddingsRequest,
    responses((status = 200, description = "The vector", body = Embedding)),
)]
pub(super) async fn embeddings(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(body): Body<wire::EmbeddingsRequest>,
) -> Result<Response, Refusal> {
    let stay = Stay::read(body.keep_alive.as_ref())?;
    let model = app.model(Some(&body.model)).await?;
    Stay::apply(stay, &model);
    options::check_for_vectors(body.options.as_ref(), &model.engine)?;
    let text = body.prompt.unwrap_or_default();
    let vectors = vectors::of_texts((&caller, &model), vec![text], false, "prompt").await?;
    let embedding = vectors.vectors.into_iter().next().unwrap_or_default();
    Ok(json_response(StatusCode::OK, &Embedding { embedding }))
}
