//! What the files of a Hugging Face folder add to its tokenizer file: tokens of later trainings, and the one that ends
//! answers.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::files::Folder;
use crate::notes::Notes;
use crate::source::read_text;
use crate::{AddedTokens, Error, json, limits};

/// The values of `tokenizer_config.json` and `special_tokens_map.json` that name control tokens.
const NAMES: [&str; 8] = [
    "bos_token",
    "eos_token",
    "unk_token",
    "pad_token",
    "sep_token",
    "cls_token",
    "mask_token",
    "additional_special_tokens",
];

/// Reads `added_tokens.json`, `tokenizer_config.json`, `special_tokens_map.json` and `generation_config.json`; `config` is
/// the folder's `config.json`.
pub(super) fn added_tokens(
    folder: &Folder,
    config: &Map<String, Value>,
    vocab_size: usize,
    notes: &mut Notes,
) -> Result<AddedTokens, Error> {
    let settings = object(folder, "tokenizer_config.json")?;
    let mut found: BTreeMap<u32, (String, bool)> = BTreeMap::new();
    let map = object(folder, "special_tokens_map.json")?;
    let special = control_names([&settings, &map]);
    for (content, id) in &object(folder, "added_tokens.json")? {
        let id = id_of(folder, "added_tokens.json", content, id.as_u64())?;
        found.insert(id, (content.clone(), special.contains(content.as_str())));
    }
    if let Some(decoder) = settings.get("added_tokens_decoder").and_then(Value::as_object) {
        for (id, token) in decoder {
            let id = id_of(folder, "tokenizer_config.json", id, id.parse().ok())?;
            let Some(content) = token.get("content").and_then(Value::as_str) else { continue };
            let is_special = token.get("special").and_then(Value::as_bool).unwrap_or(false);
            found.insert(id, (content.to_owned(), is_special || special.contains(content)));
        }
    }
    let (kept, left_out): (Vec<_>, Vec<_>) = found.into_iter().partition(|(id, _)| (*id as usize) < vocab_size);
    if let Some((id, (content, _))) = left_out.first() {
        notes.add(format!(
            "{} added tokens from {id} ({content:.40?}) on were left out: the table of embeddings has {vocab_size}",
            left_out.len()
        ));
    }
    let eos_id = end(folder, config, vocab_size, &kept, notes)?;
    Ok(AddedTokens {
        tokens: kept.into_iter().map(|(id, (content, special))| (id, content, special)).collect(),
        eos_id,
    })
}

/// The object in a file; an empty one where there is no such file.
fn object(folder: &Folder, name: &str) -> Result<Map<String, Value>, Error> {
    if !folder.has(name) {
        return Ok(Map::new());
    }
    let path = folder.path(name);
    json::parse(&read_text(&path, limits::TOKENIZER_CONFIG_BYTES)?, &path.display().to_string())
}

fn id_of(folder: &Folder, file: &str, field: &str, id: Option<u64>) -> Result<u32, Error> {
    let id = id.filter(|&id| id < limits::VOCABULARY as u64).and_then(|id| u32::try_from(id).ok());
    let wrong = || Error::config(folder.path(file).display(), format_args!("{field:.60?}"), "no token has such an id");
    id.ok_or_else(wrong)
}

/// Texts, objects with a `content`, or lists of these.
fn control_names(files: [&Map<String, Value>; 2]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for value in files.into_iter().flat_map(|file| NAMES.iter().filter_map(|name| file.get(*name))) {
        let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
        names.extend(list.iter().filter_map(|name| name.get("content").unwrap_or(name).as_str()));
    }
    names
}

/// The token that ends answers: as generation takes it, else as the model was configured.
fn end(
    folder: &Folder,
    config: &Map<String, Value>,
    vocab_size: usize,
    added: &[(u32, (String, bool))],
    notes: &mut Notes,
) -> Result<Option<u32>, Error> {
    let generation = object(folder, "generation_config.json")?;
    let text_config = config.get("text_config").and_then(Value::as_object);
    let places = [Some(&generation), Some(config), text_config];
    let stated = places.into_iter().flatten().filter_map(|place| place.get("eos_token_id"));
    let Some(value) = stated.into_iter().find(|value| !value.is_null()) else { return Ok(None) };
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    let ids: Vec<u32> = list.iter().filter_map(|id| u32::try_from(id.as_u64()?).ok()).collect();
    let usable: Vec<u32> = ids.iter().copied().filter(|&id| (id as usize) < vocab_size).collect();
    // Of several, what was added last is what the last training ended answers with.
    let chosen = usable.iter().copied().filter(|id| added.iter().any(|(added, _)| added == id)).max();
    let chosen = chosen.or_else(|| usable.first().copied());
    match chosen {
        Some(id) if list.len() > 1 => notes.add(format!("of {} tokens that end answers, {id} was taken", list.len())),
        Some(_) => {}
        None => notes.add(format!("eos_token_id {value} is no token of this model and was left out")),
    }
    Ok(chosen)
}
