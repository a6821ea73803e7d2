//! `POST /v1/embeddings`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Tokens;

/// Texts to be turned into vectors.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::EmbeddingRequest)]
pub(crate) struct EmbeddingRequest {
    /// Name or alias of a model; the server's first one where it is left out.
    pub(crate) model: Option<String>,
    /// A text, a list of token ids, or a list of either.
    #[serde(deserialize_with = "Tokens::one_or_many")]
    #[schema(value_type = serde_json::Value)]
    pub(crate) input: Vec<Tokens>,
    /// `float`, or `base64` for little-endian f32.
    pub(crate) encoding_format: Option<String>,
    /// Only the model's own.
    pub(crate) dimensions: Option<u32>,
    /// A label; nothing depends on it.
    #[serde(rename = "user")]
    pub(crate) _user: Option<String>,
}

/// The vectors.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::Embeddings)]
pub(crate) struct Embeddings {
    /// `list`.
    pub(crate) object: &'static str,
    /// In the order of the inputs.
    pub(crate) data: Vec<Embedding>,
    pub(crate) model: String,
    pub(crate) usage: EmbeddingUsage,
}

/// One vector.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::Embedding)]
pub(crate) struct Embedding {
    /// `embedding`.
    pub(crate) object: &'static str,
    pub(crate) index: usize,
    pub(crate) embedding: Vector,
}

/// A vector in one of two forms.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = openai::Vector)]
pub(crate) enum Vector {
    /// Numbers.
    Floats(Vec<f32>),
    /// Little-endian f32 in base64.
    Base64(String),
}

/// Token counts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::EmbeddingUsage)]
pub(crate) struct EmbeddingUsage {
    pub(crate) prompt_tokens: usize,
    pub(crate) total_tokens: usize,
}
