//! What v15 tells the model beside the messages: only what its tokenizer file says that it knows.
//!
//! GGUF files do not keep what the tokenizer file said. For those stands what the published v15 models know.

use tokenizer::{ModelSettings, ReasoningEffortSetting, Tokenizer};

use crate::message::{ReasoningEffort, Settings};
use crate::{Error, Json, schema};

/// The settings in their printed order, by name; `None` where there is nothing to tell.
pub(super) fn build(tokenizer: &Tokenizer, settings: &Settings) -> Result<Option<Json>, Error> {
    let published = published();
    let known = match tokenizer.model_settings() {
        Some(known) => known,
        None if tokenizer.version_is_inferred() => &published,
        None => return Err(Error::NoSettings),
    };
    let mut entries = Vec::new();
    // A model that does not know the answer's schema is held to it by the sampler alone.
    if let Some(json_schema) = settings.json_schema.as_ref().filter(|_| known.json_schema) {
        schema::check(json_schema).map_err(Error::AnswerSchema)?;
        entries.push(("json_schema", json_schema.clone()));
    }
    if let Some(effort) = effort(known.reasoning_effort.as_ref(), settings.reasoning_effort)? {
        entries.push(("reasoning_effort", Json::String(effort)));
    }
    Ok(if entries.is_empty() { None } else { Some(Json::object(entries)) })
}

/// What Mistral Small 4 and Medium 3.5 know.
fn published() -> ModelSettings {
    let values = ["none", "high"].map(str::to_owned).to_vec();
    let effort = ReasoningEffortSetting { values, default: Some("none".to_owned()) };
    ModelSettings { reasoning_effort: Some(effort), json_schema: false }
}

fn effort(known: Option<&ReasoningEffortSetting>, asked: Option<ReasoningEffort>) -> Result<Option<String>, Error> {
    let Some(known) = known else { return asked.map_or(Ok(None), |_| Err(Error::EffortNotListed)) };
    let Some(asked) = asked else { return Ok(known.default.clone()) };
    let found = asked.name();
    if known.values.is_empty() {
        return Err(Error::EffortNotListed);
    }
    if !known.values.iter().any(|value| value == found) {
        let quoted: Vec<String> = known.values.iter().map(|value| format!("'{value}'")).collect();
        return Err(Error::ReasoningEffort { allowed: quoted.join(", "), found });
    }
    Ok(Some(found.to_owned()))
}
