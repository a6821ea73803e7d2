//! `POST /v1/embeddings` in Mistral's words. `shared_paths.rs` decides that they are.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::UsageInfo;
use super::{completion, refused, wire};
use crate::app::App;
use crate::body::JsonBytes;
use crate::caller::Caller;
use crate::refusal::Refusal;
use crate::stream::json_response;
use crate::text_or::TextOr;
use crate::vectors;

/// Vectors, in the order of the texts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralEmbeddings)]
pub(crate) struct Embeddings {
    id: String,
    /// `list`
    object: &'static str,
    model: String,
    data: Vec<Embedding>,
    usage: UsageInfo,
}

/// One vector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralEmbedding)]
struct Embedding {
    /// `embedding`
    object: &'static str,
    embedding: Vector,
    index: u32,
}

/// Numbers; or the bytes of little-endian f32 in base64.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = MistralVector)]
enum Vector {
    Numbers(Vec<f32>),
    Base64(String),
}

/// Answers an embedding request whose body is in Mistral's words.
pub(crate) async fn answer(app: Arc<App>, caller: Caller, body: JsonBytes) -> Result<Response, Refusal> {
    let request: wire::EmbeddingRequest = body.read().map_err(refused::unprocessable)?;
    let in_base64 = check(&request)?;
    let model = app.model(request.model.as_deref()).await?;
    let dim = model.engine.card().config.dim;
    if request.output_dimension.is_some_and(|asked| usize::try_from(asked) != Ok(dim)) {
        let message = format!("output_dimension: the vectors of this model have {dim} values, leave it out");
        return Err(Refusal::field("output_dimension", message));
    }
    let vectors = vectors::of_texts((&caller, &model), TextOr::into_list(request.input), false, "input").await?;
    let vector = |values: Vec<f32>| if in_base64 { Vector::Base64(base64(&values)) } else { Vector::Numbers(values) };
    let data = (0..).zip(vectors.vectors).map(|(index, values)| Embedding {
        object: "embedding",
        embedding: vector(values),
        index,
    });
    let usage =
        UsageInfo { prompt_tokens: vectors.prompt_tokens, total_tokens: vectors.prompt_tokens, ..UsageInfo::default() };
    let (id, object) = (completion::id(), "list");
    let answer = Embeddings { id, object, model: model.name.clone(), data: data.collect(), usage };
    Ok(json_response(StatusCode::OK, &answer))
}

/// True where the vectors are to be sent as base64.
fn check(request: &wire::EmbeddingRequest) -> Result<bool, Refusal> {
    if request.output_dtype.as_deref().is_some_and(|kind| kind != "float") {
        let message = "output_dtype: vectors are of floats here, leave it out";
        return Err(Refusal::field("output_dtype", message));
    }
    match request.encoding_format.as_deref() {
        None | Some("float") => Ok(false),
        Some("base64") => Ok(true),
        Some(other) => {
            let message = format!("encoding_format: unknown format {other:?}, expected float or base64");
            Err(Refusal::field("encoding_format", message))
        }
    }
}

fn base64(values: &[f32]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    BASE64_STANDARD.encode(bytes)
}
