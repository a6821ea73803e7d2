//! Tokenizer and chat template of a folder.

use serde::Deserialize;
use serde_json::Value;

use super::files::Folder;
use crate::source::read_text;
use crate::{Error, TokenizerSource, limits};

/// `tekken.json` before SentencePiece models, and of those the one of the highest version.
pub(super) fn tokenizer(folder: &Folder) -> TokenizerSource {
    if folder.has("tekken.json") {
        return TokenizerSource::File(folder.path("tekken.json"));
    }
    let models = folder.between("", "").filter_map(|name| Some((model_version(name)?, name)));
    if let Some((_, name)) = models.max() {
        return TokenizerSource::File(folder.path(name));
    }
    let mut looked_for = format!("{} has neither tekken.json nor tokenizer.model", folder.shown());
    if folder.has("tokenizer.json") {
        looked_for
            .push_str("; its tokenizer.json is not read: download tekken.json or tokenizer.model from the same place");
    }
    TokenizerSource::None { looked_for }
}

/// `tokenizer.model` → 0, `tokenizer.model.v3` → 3, `mistral_instruct_tokenizer_241114.model.v7` → 7.
fn model_version(name: &str) -> Option<u32> {
    let (_, version) = name.rsplit_once(".model")?;
    if version.is_empty() {
        return name.contains("token").then_some(0);
    }
    let digits = version.strip_prefix(".v")?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The Jinja template: a file of its own, or a value in `tokenizer_config.json`.
pub(super) fn chat_template(folder: &Folder) -> Result<Option<String>, Error> {
    if folder.has("chat_template.jinja") {
        return read_text(&folder.path("chat_template.jinja"), limits::TEMPLATE_BYTES).map(Some);
    }
    for name in ["chat_template.json", "tokenizer_config.json"] {
        if !folder.has(name) {
            continue;
        }
        #[derive(Deserialize)]
        struct Holder {
            #[serde(default)]
            chat_template: Value,
        }
        let path = folder.path(name);
        let text = read_text(&path, limits::TOKENIZER_CONFIG_BYTES)?;
        let holder: Holder =
            serde_json::from_str(&text).map_err(|fault| Error::malformed(path.display(), "JSON", fault))?;
        if let Some(template) = default_template(holder.chat_template) {
            return Ok(Some(template));
        }
    }
    Ok(None)
}

/// One template, or a list of named ones.
fn default_template(value: Value) -> Option<String> {
    match value {
        Value::String(template) => Some(template),
        Value::Array(templates) => {
            let default = templates.iter().find(|template| template.get("name").is_some_and(|name| name == "default"));
            Some(default?.get("template")?.as_str()?.to_owned())
        }
        _ => None,
    }
}
