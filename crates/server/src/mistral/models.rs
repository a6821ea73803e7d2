//! `GET /v1/models` and `/v1/models/{model}` in Mistral's words: what each model can do.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::models::{Entry, Facts};
use crate::refusal::Refusal;
use crate::stream::json_response;

/// All models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralModelList)]
pub(crate) struct ModelList {
    /// `list`
    object: &'static str,
    data: Vec<ModelCard>,
}

/// One model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralModelCard)]
pub(crate) struct ModelCard {
    id: String,
    /// `model`
    object: &'static str,
    /// When its files were written, in seconds since 1970.
    created: u64,
    /// `tramontane`
    owned_by: &'static str,
    /// What it can do here.
    capabilities: Capabilities,
    name: String,
    /// Which instruct template is used, and why.
    description: String,
    /// Tokens of prompt and answer that the model was made for.
    max_context_length: usize,
    /// Its other names.
    aliases: Vec<String>,
    /// How hot its answers are where a request does not say.
    default_model_temperature: f32,
    /// `base`
    #[serde(rename = "type")]
    kind: &'static str,
}

/// What a model can do here.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MistralCapabilities)]
struct Capabilities {
    completion_chat: bool,
    function_calling: bool,
    reasoning: bool,
    completion_fim: bool,
    fine_tuning: bool,
    vision: bool,
    ocr: bool,
    classification: bool,
    moderation: bool,
    audio: bool,
    audio_transcription: bool,
}

/// All models, the default one first.
pub(crate) async fn list(app: Arc<App>) -> Result<Response, Refusal> {
    let mut data = Vec::new();
    for entry in app.models.entries() {
        data.push(card(&app, entry).await?);
    }
    Ok(json_response(StatusCode::OK, &ModelList { object: "list", data }))
}

/// The model of this name or alias.
pub(crate) async fn one(app: Arc<App>, name: &str) -> Result<Response, Refusal> {
    let entry = app.models.find(Some(name))?;
    Ok(json_response(StatusCode::OK, &card(&app, entry).await?))
}

async fn card(app: &App, entry: &Arc<Entry>) -> Result<ModelCard, Refusal> {
    let facts = app.models.facts(entry).await?;
    Ok(ModelCard {
        id: entry.name.clone(),
        object: "model",
        created: entry.modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        owned_by: "tramontane",
        capabilities: capabilities(&facts),
        name: entry.name.clone(),
        description: facts.template,
        max_context_length: facts.context,
        aliases: app.models.aliases_of(&entry.name).into_iter().map(str::to_owned).collect(),
        default_model_temperature: facts.temperature,
        kind: "base",
    })
}

fn capabilities(facts: &Facts) -> Capabilities {
    Capabilities {
        completion_chat: facts.chats,
        function_calling: facts.calls_tools(),
        reasoning: facts.thinks,
        completion_fim: facts.fills_in,
        fine_tuning: false,
        vision: false,
        ocr: false,
        classification: false,
        moderation: false,
        audio: false,
        audio_transcription: false,
    }
}
