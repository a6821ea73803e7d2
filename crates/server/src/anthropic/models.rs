//! `GET /v1/models` and `/v1/models/{model}` in Anthropic's words.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::models::Entry;
use crate::refusal::Refusal;
use crate::stream::json_response;
use crate::timestamp;

/// All models, on one page.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnthropicModelList)]
pub(crate) struct ModelList {
    data: Vec<Model>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

/// One model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AnthropicModel)]
pub(crate) struct Model {
    id: String,
    /// `model`
    #[serde(rename = "type")]
    kind: &'static str,
    display_name: String,
    /// When its files were written, RFC 3339.
    created_at: String,
    /// `active`
    lifecycle: &'static str,
    /// Tokens of prompt and answer that the model was made for.
    max_input_tokens: usize,
    /// The same: an answer is bounded by the context alone.
    max_tokens: usize,
}

/// All models, the default one first.
pub(crate) async fn list(app: Arc<App>) -> Result<Response, Refusal> {
    let mut data = Vec::new();
    for entry in app.models.entries() {
        data.push(model(&app, entry).await?);
    }
    let id = |model: Option<&Model>| model.map(|model| model.id.clone());
    let (first_id, last_id) = (id(data.first()), id(data.last()));
    Ok(json_response(StatusCode::OK, &ModelList { data, first_id, last_id, has_more: false }))
}

/// The model of this name or alias.
pub(crate) async fn one(app: Arc<App>, name: &str) -> Result<Response, Refusal> {
    let entry = app.models.find(Some(name))?;
    Ok(json_response(StatusCode::OK, &model(&app, entry).await?))
}

async fn model(app: &App, entry: &Arc<Entry>) -> Result<Model, Refusal> {
    let facts = app.models.facts(entry).await?;
    Ok(Model {
        id: entry.name.clone(),
        kind: "model",
        display_name: entry.name.clone(),
        created_at: timestamp::rfc3339(entry.modified),
        lifecycle: "active",
        max_input_tokens: facts.context,
        max_tokens: facts.context,
    })
}
