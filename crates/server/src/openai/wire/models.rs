//! `GET /v1/models` and `GET /v1/models/{id}`.

use serde::Serialize;
use utoipa::ToSchema;

/// What can be named in `model`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = openai::ModelList)]
pub(crate) struct ModelList {
    /// `list`.
    pub(crate) object: &'static str,
    /// Models first, then their aliases.
    pub(crate) data: Vec<Model>,
}

/// A model, or another name of one.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = openai::Model)]
pub(crate) struct Model {
    pub(crate) id: String,
    /// `model`.
    pub(crate) object: &'static str,
    /// Unix time, in seconds: when its files were written.
    pub(crate) created: u64,
    /// `tramontane`, or the name that this is an alias of.
    pub(crate) owned_by: String,
}
