//! From a folder to a checkpoint.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::added::added_tokens;
use super::files::Folder;
use super::tokenizer::{chat_template, tokenizer};
use crate::about::About;
use crate::arrange::arrange;
use crate::json::Fields;
use crate::names::{Meaning, meaning};
use crate::notes::Notes;
use crate::quantization::quantization;
use crate::source::{DiskFile, read_text};
use crate::stored::Stored;
use crate::{
    AddedTokens, Checkpoint, Config, Error, Layout, ReadAt, Recommended, gguf, huggingface, json, limits, mistral,
    safetensors,
};

/// What a layout's files are called.
struct Names {
    layout: Layout,
    config: &'static str,
    shards: &'static str,
}

/// In the order of preference: Mistral's own files need no rearranging, and say more of the tokenizer.
const LAYOUTS: [Names; 2] = [
    Names { layout: Layout::Mistral, config: "params.json", shards: "consolidated" },
    Names { layout: Layout::HuggingFace, config: "config.json", shards: "model" },
];

/// Opens the model in a folder.
pub(crate) fn open(path: &Path) -> Result<Checkpoint, Error> {
    let folder = Folder::read(path)?;
    let mut present = LAYOUTS
        .iter()
        .filter(|names| folder.has(names.config) && folder.between(names.shards, ".safetensors").next().is_some());
    let mut notes = Notes::default();
    match (present.next(), present.next()) {
        (Some(taken), other) => {
            if let Some(other) = other {
                notes.add(format!(
                    "the folder holds the model twice: {} was taken, {} was not",
                    taken.layout, other.layout
                ));
            }
            safetensors_folder(&folder, taken, notes)
        }
        (None, _) => gguf_folder(&folder),
    }
}

/// A folder whose only model is a GGUF file.
fn gguf_folder(folder: &Folder) -> Result<Checkpoint, Error> {
    // Image encoders for llama.cpp are GGUF files too.
    let models: Vec<&str> =
        folder.between("", ".gguf").filter(|name| !name.starts_with("mmproj") && !later_part(name)).collect();
    match models.as_slice() {
        [one] => gguf::open(&folder.path(one)),
        [] => Err(Error::not_a_model(folder.shown(), nothing_there(folder))),
        several => {
            let problem = format!("holds several models, give the path of one: {}", several.join(", "));
            Err(Error::not_a_model(folder.shown(), problem))
        }
    }
}

/// `NAME-00002-of-00003.gguf`: opened with the first part.
fn later_part(name: &str) -> bool {
    let number = name.rsplit_once("-of-").and_then(|(start, _)| start.rsplit_once('-')?.1.parse().ok());
    number.is_some_and(|number: u32| number > 1)
}

/// What is missing, as closely as can be said.
fn nothing_there(folder: &Folder) -> String {
    for Names { config, shards, .. } in &LAYOUTS {
        let shard = folder.between(shards, ".safetensors").next();
        match (folder.has(config), shard) {
            (false, Some(shard)) => return format!("holds {shard}, but not its {config}: download it too"),
            (true, None) if folder.between("pytorch_model", ".bin").next().is_some() => {
                return "holds PyTorch pickles only: such files can run code; take the safetensors files".to_owned();
            }
            (true, None) => return format!("holds {config}, but no {shards}*.safetensors: download them too"),
            _ => {}
        }
    }
    "holds no model: neither config.json with model*.safetensors, nor params.json with consolidated*.safetensors, nor a .gguf file"
        .to_owned()
}

fn safetensors_folder(folder: &Folder, names: &Names, mut notes: Notes) -> Result<Checkpoint, Error> {
    let config_path = folder.path(names.config);
    let config_file = config_path.display().to_string();
    let object = json::parse(&read_text(&config_path, limits::CONFIG_BYTES)?, &config_file)?;
    let fields = Fields::new(&object, &config_file);
    let shards = Shards::open(folder, names.shards)?;
    let has_output = shards
        .stored
        .iter()
        .any(|stored| meaning(names.layout, &stored.name) == Meaning::Weight("output.weight".to_owned()));
    let config = config(names.layout, &fields, has_output, &mut notes)?;
    let quantization = quantization(&fields)?;
    let tensors = arrange(names.layout, &config, quantization.block, shards.stored, &mut notes)?;
    Ok(Checkpoint {
        layout: names.layout,
        added_tokens: match names.layout {
            Layout::HuggingFace => added_tokens(folder, &object, config.vocab_size, &mut notes)?,
            // Mistral's own files say it all.
            _ => AddedTokens::default(),
        },
        tokenizer: tokenizer(folder),
        chat_template: chat_template(folder)?,
        about: About {
            name: folder.path("").file_name().map(|name| name.to_string_lossy().into_owned()),
            size_bytes: shards.size_bytes,
            files: shards.files,
            recommended: recommended(folder, &mut notes)?,
            keys: short_values(&object),
            ..About::of_tensors(&tensors)
        },
        notes: notes.into_lines(),
        file: folder.shown(),
        config,
        tensors,
    })
}

/// What `generation_config.json` says, where there is one.
fn recommended(folder: &Folder, notes: &mut Notes) -> Result<Recommended, Error> {
    const FILE: &str = "generation_config.json";
    if !folder.has(FILE) {
        return Ok(Recommended::default());
    }
    let path = folder.path(FILE);
    let object = json::parse(&read_text(&path, limits::CONFIG_BYTES)?, &path.display().to_string())?;
    Ok(Recommended::of_generation_config(&object, notes))
}

fn config(layout: Layout, fields: &Fields<'_>, has_output: bool, notes: &mut Notes) -> Result<Config, Error> {
    match layout {
        Layout::Mistral => mistral::config(fields, has_output, notes),
        _ => huggingface::config(fields, has_output, notes),
    }
}

/// The configuration in the text of a `params.json` ([`Layout::Mistral`]) or of a `config.json` (any other).
///
/// `file` is the name that errors give. The output matrix is taken to be tied where the text says so.
///
/// # Errors
/// As [`Checkpoint::open`].
pub fn config_from_json(layout: Layout, text: &str, file: &str) -> Result<Config, Error> {
    let object = json::parse(text, file)?;
    let fields = Fields::new(&object, file);
    quantization(&fields)?;
    config(layout, &fields, false, &mut Notes::default())
}

/// All safetensors files of a model.
struct Shards {
    stored: Vec<Stored>,
    files: Vec<String>,
    size_bytes: u64,
}

impl Shards {
    fn open(folder: &Folder, stem: &str) -> Result<Self, Error> {
        let mut shards = Self { stored: Vec::new(), files: Vec::new(), size_bytes: 0 };
        for name in folder.shards(stem)? {
            let path = folder.path(&name);
            let file = path.display().to_string();
            let source: Arc<dyn ReadAt> = Arc::new(DiskFile::open(&path)?);
            shards.size_bytes += source.size_bytes();
            shards.stored.extend(safetensors::stored(&source, &file)?);
            shards.files.push(file);
            if shards.stored.len() > limits::TENSORS {
                return Err(Error::malformed(folder.shown(), "tensors", format_args!("more than {}", limits::TENSORS)));
            }
        }
        Ok(shards)
    }
}

/// Values of a configuration that fit on a line.
fn short_values(object: &Map<String, Value>) -> Vec<(String, String)> {
    let short = |value: &Value| match value {
        Value::Array(_) | Value::Object(_) | Value::Null => None,
        Value::String(text) => (text.len() <= 200).then(|| text.clone()),
        other => Some(other.to_string()),
    };
    object.iter().filter_map(|(key, value)| Some((key.clone(), short(value)?))).collect()
}
