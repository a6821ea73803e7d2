//! Which files of a folder make one model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::FoundFile;
use super::tree::{Item, Kind};
use crate::{BlobDigest, limits};

/// A model of a folder, before it has a name.
#[derive(Debug)]
pub(super) struct Model {
    /// `Q4_K_M`, where a file's name says so; `None` for safetensors too.
    pub(super) quantisation: Option<String>,
    /// The file's name without its ending and its part's number; empty for a folder of safetensors.
    pub(super) stem: String,
    /// The file, the first part of a split one, or the folder.
    pub(super) path: PathBuf,
    pub(super) files: Vec<FoundFile>,
    pub(super) problem: Option<String>,
}

/// The models of one folder: each GGUF file, split ones together, and the folder itself where it holds safetensors.
/// `expected` says from a file's resolved path what its bytes hash to.
pub(super) fn models(folder: &Path, items: &[Item], expected: impl Fn(&Path) -> Option<BlobDigest>) -> Vec<Model> {
    let mut models: Vec<Model> = safetensors(folder, items, &expected).into_iter().collect();
    let mut split: BTreeMap<(String, u32), Vec<(u32, &Item)>> = BTreeMap::new();
    for item in items {
        let Some(stem) = gguf_stem(&item.name) else { continue };
        match part_of(stem) {
            Some((stem, number, count)) => split.entry((stem.to_owned(), count)).or_default().push((number, item)),
            None => models.push(model(stem, &[item], &expected)),
        }
    }
    for ((stem, count), mut parts) in split {
        parts.sort_by_key(|(number, _)| *number);
        let items: Vec<_> = parts.iter().map(|(_, item)| *item).collect();
        let mut whole = model(&stem, &items, &expected);
        let missing = (1..=count).find(|number| !parts.iter().any(|(present, _)| present == number));
        if let Some(number) = missing {
            whole.problem = Some(format!("part {number} of {count} is missing"));
        }
        models.push(whole);
    }
    models
}

/// The name without `.gguf`; `None` for other files and for encoders of images, which are no models by themselves.
fn gguf_stem(name: &str) -> Option<&str> {
    let stem = name.strip_suffix(".gguf").or_else(|| name.strip_suffix(".GGUF"))?;
    (!stem.to_ascii_lowercase().starts_with("mmproj")).then_some(stem)
}

/// `NAME-00002-of-00003` → `(NAME, 2, 3)`.
fn part_of(stem: &str) -> Option<(&str, u32, u32)> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    let five = |text: &str| (text.len() == 5).then(|| text.parse().ok()).flatten();
    let (number, count): (u32, u32) = (five(number)?, five(count)?);
    (number >= 1 && number <= count && count <= limits::PARTS).then_some((name, number, count))
}

fn model(stem: &str, items: &[&Item], expected: &impl Fn(&Path) -> Option<BlobDigest>) -> Model {
    let problem = items.iter().find_map(|item| match &item.kind {
        Kind::Unusable(problem) => Some(format!("{} is {problem}", item.name)),
        _ => None,
    });
    let path = items.first().map(|item| item.path.clone()).unwrap_or_default();
    let files = items.iter().filter_map(|item| found_file(item, expected)).collect();
    Model { quantisation: quantisation_of(stem), stem: stem.to_owned(), path, files, problem }
}

/// A folder with weights in safetensors and a configuration is one model, whatever else lies in it.
fn safetensors(folder: &Path, items: &[Item], expected: &impl Fn(&Path) -> Option<BlobDigest>) -> Option<Model> {
    let has = |name: &str| items.iter().any(|item| item.name == name);
    let weights = |name: &str| name.ends_with(".safetensors") && !name.starts_with("adapter");
    if !(has("config.json") || has("params.json")) || !items.iter().any(|item| weights(&item.name)) {
        return None;
    }
    let belongs = |name: &str| [".safetensors", ".json", ".model", ".jinja"].iter().any(|end| name.ends_with(end));
    let items: Vec<_> = items.iter().filter(|item| belongs(&item.name)).collect();
    let mut model = model("", &items, expected);
    model.path = folder.to_owned();
    model.quantisation = None;
    Some(model)
}

fn found_file(item: &Item, expected: &impl Fn(&Path) -> Option<BlobDigest>) -> Option<FoundFile> {
    let Kind::File { target, size_bytes } = &item.kind else { return None };
    let expected = expected(target);
    Some(FoundFile { name: item.name.clone(), path: target.clone(), size_bytes: *size_bytes, expected })
}

/// The quantisation that a file's name ends with, in capitals: `mistral-7b.Q4_K_M.gguf` → `Q4_K_M`.
pub fn quantisation_of(name: &str) -> Option<String> {
    let stem = name.strip_suffix(".gguf").unwrap_or(name).to_ascii_uppercase();
    let stem = part_of(&stem.replace("-OF-", "-of-")).map_or(stem.clone(), |(whole, ..)| whole.to_owned());
    let start = stem.rfind(['-', '.']).map_or(0, |at| at.saturating_add(1));
    let last = stem.get(start..)?;
    let label = if is_quantisation(last) {
        last
    } else {
        // `model_Q4_K_M`: the label has underscores of its own, so the longest tail that is one.
        let starts = last.match_indices('_').map(|(at, _)| at.saturating_add(1));
        starts.filter_map(|at| last.get(at..)).find(|tail| is_quantisation(tail))?
    };
    // Unsloth's dynamic mixes are other files than the plain ones.
    let dynamic = stem.strip_suffix(label).is_some_and(|rest| rest.ends_with("UD-"));
    Some(if dynamic { format!("UD-{label}") } else { label.to_owned() })
}

fn is_quantisation(label: &str) -> bool {
    if matches!(label, "F32" | "F16" | "BF16" | "FP16" | "FP32" | "MXFP4" | "MXFP4_MOE") {
        return true;
    }
    let digits = ["IQ", "TQ", "Q"].iter().find_map(|start| label.strip_prefix(start));
    let Some((bits, rest)) = digits.and_then(|text| text.split_at_checked(1)) else { return false };
    let tail = rest.is_empty() || rest.starts_with('_');
    bits.chars().all(|bit| ('1'..='8').contains(&bit))
        && tail
        && rest.len() <= 8
        && rest.chars().all(|c| c == '_' || c.is_ascii_uppercase() || c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantisations() {
        let rows = [
            ("mistral-7b-instruct-v0.3.Q4_K_M.gguf", Some("Q4_K_M")),
            ("Ministral-3-3B-Instruct-2512-Q4_K_M.gguf", Some("Q4_K_M")),
            ("ggml-model-q4_0.gguf", Some("Q4_0")),
            ("model_Q8_0.gguf", Some("Q8_0")),
            ("a-BF16-00001-of-00002.gguf", Some("BF16")),
            ("Mistral-UD-IQ2_XXS.gguf", Some("UD-IQ2_XXS")),
            ("m-UD-Q4_K_XL", Some("UD-Q4_K_XL")),
            ("mistral-7b", None),
            ("qwen-Q", None),
            ("tekken", None),
            ("Q6_K", Some("Q6_K")),
            ("", None),
            ("héllo-Q4_K_M", Some("Q4_K_M")),
            ("x-Qé", None),
        ];
        for (name, label) in rows {
            assert_eq!(quantisation_of(name).as_deref(), label, "{name}");
        }
    }

    #[test]
    fn parts() {
        assert_eq!(part_of("a-b-00002-of-00003"), Some(("a-b", 2, 3)));
        for stem in ["a-00000-of-00003", "a-00004-of-00003", "a-2-of-3", "a-00001-of-99999", "a-b"] {
            assert_eq!(part_of(stem), None, "{stem}");
        }
    }
}
