//! `GET /v1/models` and `GET /v1/models/{model}` in OpenAI's form.

use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::http::StatusCode;
use axum::response::Response;

use super::wire::models::{Model, ModelList};
use crate::app::App;
use crate::models::Entry;
use crate::refusal::Refusal;
use crate::stream::json_response;

/// What can be named in `model`: the models, the default one first, and their aliases.
///
/// # Errors
/// None so far; those of its neighbours in other dialects.
pub(crate) fn list(app: &App) -> Result<Response, Refusal> {
    let entries = app.models.entries();
    let mut data: Vec<Model> = entries.iter().map(|entry| model(&entry.name, entry, "tramontane")).collect();
    for entry in entries {
        data.extend(app.models.aliases_of(&entry.name).into_iter().map(|alias| model(alias, entry, &entry.name)));
    }
    Ok(json_response(StatusCode::OK, &ModelList { object: "list", data }))
}

/// One of them, under the name that was asked for.
///
/// # Errors
/// There is no such model.
pub(crate) fn one(app: &App, name: &str) -> Result<Response, Refusal> {
    let entry: &Arc<Entry> = app.models.find(Some(name))?;
    let owner = if entry.name == name { "tramontane" } else { &entry.name };
    Ok(json_response(StatusCode::OK, &model(name, entry, owner)))
}

fn model(id: &str, entry: &Entry, owner: &str) -> Model {
    let created = entry.modified.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Model { id: id.to_owned(), object: "model", created, owned_by: owner.to_owned() }
}
