//! `GET /api/tags`, `/api/ps`, `/api/version`, and `POST /api/show`: which models there are, and which are in memory.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::Layout;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;

use super::wire;
use crate::app::App;
use crate::body::Body;
use crate::models::{Entry, Facts, Loaded};
use crate::refusal::Refusal;
use crate::stream::json_response;
use crate::timestamp;

/// Of Ollama, whose API is spoken here, and of this program: clients ask whether a version is young enough.
const VERSION: &str = concat!("0.13.0+tramontane-", env!("CARGO_PKG_VERSION"));

/// A list of models.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaModels)]
pub(super) struct Models {
    models: Vec<Model>,
}

/// A model; in memory, with the last three fields.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaModel)]
pub(super) struct Model {
    name: String,
    model: String,
    /// When its files were written, RFC 3339.
    modified_at: String,
    /// Bytes of its files.
    size: u64,
    /// Names this state of the files (name, size, time); it is not the hash of their content.
    digest: String,
    details: Details,
    /// When it leaves the memory if nobody uses it, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// 0: it is in main memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    size_vram: Option<u64>,
    /// Tokens of prompt and answer that there is room for.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_length: Option<usize>,
}

/// What a model is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaDetails)]
pub(super) struct Details {
    parent_model: &'static str,
    /// `gguf` or `safetensors`.
    format: &'static str,
    family: String,
    families: Vec<String>,
    /// `3.4B`
    parameter_size: String,
    /// `Q4_K_M`
    quantization_level: String,
}

/// Everything that is known of a model.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaShow)]
pub(super) struct Show {
    modelfile: &'static str,
    /// What its makers recommend, a line each.
    parameters: String,
    /// Which instruct template is used and why, in a sentence.
    template: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    license: Option<String>,
    details: Details,
    #[schema(value_type = Object)]
    model_info: Map<String, Value>,
    /// `completion`, `tools`, `insert`, `thinking`, `embedding`.
    capabilities: Vec<&'static str>,
    modified_at: String,
}

/// The version.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OllamaVersion)]
pub(super) struct Version {
    version: &'static str,
}

/// The models that are served.
#[utoipa::path(get, path = "/api/tags", tag = "Ollama", responses((status = 200, description = "The models", body = Models)))]
pub(super) async fn tags(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let mut models = Vec::new();
    for entry in app.models.entries() {
        models.push(model(entry, &app.models.facts(entry).await?));
    }
    Ok(json_response(StatusCode::OK, &Models { models }))
}

/// Those of them that are in memory.
#[utoipa::path(get, path = "/api/ps", tag = "Ollama", responses((status = 200, description = "The models", body = Models)))]
pub(super) async fn ps(State(app): State<Arc<App>>) -> Result<Response, Refusal> {
    let mut models = Vec::new();
    for entry in app.models.entries() {
        if let Some(loaded) = entry.loaded() {
            let context_length = Some(loaded.engine.card().context);
            let expires_at = Some(expiry(&app, entry, &loaded));
            drop(loaded);
            let facts = app.models.facts(entry).await?;
            models.push(Model { expires_at, size_vram: Some(0), context_length, ..model(entry, &facts) });
        }
    }
    Ok(json_response(StatusCode::OK, &Models { models }))
}

/// What a model is.
#[utoipa::path(
    post, path = "/api/show", tag = "Ollama",
    request_body = wire::ShowRequest,
    responses((status = 200, description = "The model", body = Show)),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Body(body): Body<wire::ShowRequest>,
) -> Result<Response, Refusal> {
    if body.verbose == Some(true) {
        return Err(Refusal::field("verbose", "verbose: `tramontane show --keys` prints all metadata: leave it out"));
    }
    let is_text = |text: Option<&String>| text.is_some_and(|text| !text.is_empty());
    let refused = [
        ("system", is_text(body.system.as_ref())),
        ("template", is_text(body.template.as_ref())),
        ("options", body.options.as_ref().is_some_and(|options| !options.is_empty())),
    ];
    if let Some((field, _)) = refused.into_iter().find(|(_, is_asked)| *is_asked) {
        let message =
            format!("{field}: a model is shown as it is served, it cannot be shown as it is not: leave it out");
        return Err(Refusal::field(field, message));
    }
    let missing = || Refusal::field("model", "model: which one?");
    let name = body.model.or(body.name).filter(|name| !name.is_empty()).ok_or_else(missing)?;
    let entry = Arc::clone(app.models.find(Some(&name))?);
    let facts = app.models.facts(&entry).await?;
    let served = entry.loaded().map_or(facts.context, |loaded| loaded.engine.card().context);
    let show = Show {
        modelfile: "",
        parameters: format!("num_ctx {}\ntemperature {}", served, facts.temperature),
        template: facts.template.clone(),
        license: facts.license.clone(),
        details: details(&facts),
        model_info: model_info(&facts),
        capabilities: capabilities(&facts),
        modified_at: timestamp::rfc3339(entry.modified),
    };
    Ok(json_response(StatusCode::OK, &show))
}

/// Which version of Ollama's API is spoken.
#[utoipa::path(get, path = "/api/version", tag = "Ollama", responses((status = 200, description = "The version", body = Version)))]
pub(super) async fn version() -> Response {
    json_response(StatusCode::OK, &Version { version: VERSION })
}

/// A line of text: what clients of Ollama look for to know that somebody is there.
#[utoipa::path(get, path = "/", tag = "Ollama", responses((status = 200, description = "A line", body = String)))]
pub(super) async fn root() -> &'static str {
    "Tramontane is running; /docs shows what it answers\n"
}

fn model(entry: &Entry, facts: &Facts) -> Model {
    Model {
        name: entry.name.clone(),
        model: entry.name.clone(),
        modified_at: timestamp::rfc3339(entry.modified),
        size: entry.size_bytes,
        digest: digest(entry),
        details: details(facts),
        expires_at: None,
        size_vram: None,
        context_length: None,
    }
}

fn digest(entry: &Entry) -> String {
    let state = format!("{}\n{}\n{}", entry.name, entry.size_bytes, timestamp::rfc3339(entry.modified));
    Sha256::digest(state.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn expiry(app: &App, entry: &Entry, loaded: &Loaded) -> String {
    // A model that stays for good leaves at the end of what RFC 3339 can write.
    const FOR_GOOD: &str = "9999-12-31T23:59:59.000Z";
    let Some(keep) = loaded.keep_alive().unwrap_or(app.options.keep_alive) else { return FOR_GOOD.to_owned() };
    let left = keep.saturating_sub(entry.idle().unwrap_or_default());
    SystemTime::now().checked_add(left).map_or_else(|| FOR_GOOD.to_owned(), timestamp::rfc3339)
}

fn details(facts: &Facts) -> Details {
    Details {
        parent_model: "",
        format: if facts.layout == Layout::Gguf { "gguf" } else { "safetensors" },
        family: facts.architecture.clone(),
        families: vec![facts.architecture.clone()],
        parameter_size: readable(facts.parameters),
        quantization_level: facts.format.clone(),
    }
}

fn model_info(facts: &Facts) -> Map<String, Value> {
    let family = &facts.architecture;
    let rows = [
        ("general.architecture".to_owned(), json!(family)),
        ("general.parameter_count".to_owned(), json!(facts.parameters)),
        (format!("{family}.context_length"), json!(facts.context)),
        (format!("{family}.embedding_length"), json!(facts.dim)),
        (format!("{family}.block_count"), json!(facts.layers)),
        (format!("{family}.vocab_size"), json!(facts.vocab)),
    ];
    rows.into_iter().collect()
}

fn capabilities(facts: &Facts) -> Vec<&'static str> {
    let all = [
        ("completion", true),
        ("tools", facts.calls_tools()),
        ("insert", facts.fills_in),
        ("thinking", facts.thinks),
        ("embedding", true),
    ];
    all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect()
}

/// `3.4B`, `260K`.
fn readable(count: u64) -> String {
    let scaled = |unit: f64| count as f64 / unit;
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{:.0}K", scaled(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1}M", scaled(1e6)),
        _ => format!("{:.1}B", scaled(1e9)),
    }
}
