//! Which files of a repository make the model that is wanted: by its quantisation, or by what this machine's memory takes.
//!
//! A model needs its file and a tenth (packed weights, working space), its keys and values for 8,192 tokens, and leaves a
//! gibibyte to everybody else. The best of Q8_0, Q6_K, Q5_K_M and Q4_K_M is taken that needs no more than half of the
//! free memory, so that it is quick and other programs live on; if none does, the best from Q4_K_M down that fits at all.

use std::collections::BTreeMap;

use super::readable;
use crate::remote::{ListedFile, Listing};
use crate::{Error, Quant, RepoId, quantisation_of};

/// What may be taken where memory is plenty, best first.
const COMFORTABLE: [&str; 4] = ["Q8_0", "Q6_K", "Q5_K_M", "Q4_K_M"];
/// What is taken where it is not, best first.
const TIGHT: [&str; 12] =
    ["Q4_K_M", "Q4_K_S", "IQ4_NL", "IQ4_XS", "Q4_1", "Q4_0", "Q3_K_L", "Q3_K_M", "Q3_K_S", "Q2_K", "Q2_K_S", "MXFP4"];
/// What is left: wider types, for repositories that have nothing else.
const WIDE: [&str; 7] = ["Q5_K_S", "Q5_1", "Q5_0", "MXFP4_MOE", "BF16", "F16", "F32"];
/// Tokens whose keys and values count as needed.
const CONTEXT: u64 = 8_192;
/// Keys and values of one token, where nothing is known of the model: those of 40 layers with 8 heads of 128, in f16.
pub(super) const KV_BYTES_PER_TOKEN: u64 = 40 * 8 * 128 * 2 * 2;
const RESERVE_BYTES: u64 = 1 << 30;

/// A model that a repository has.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// `None` for safetensors.
    pub(super) quant: Option<Quant>,
    pub(super) files: Vec<ListedFile>,
    /// Why this one, for people.
    pub(super) why: String,
}

/// What is known of the machine and of the model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Memory that can be had; `None` where the system does not say.
    pub(super) free_bytes: Option<u64>,
    pub(super) kv_bytes_per_token: u64,
}

impl Room {
    /// What a model of so many bytes takes.
    pub(super) fn needed(&self, size_bytes: u64) -> u64 {
        let weights = size_bytes.saturating_add(size_bytes / 10);
        let kv = self.kv_bytes_per_token.saturating_mul(CONTEXT);
        weights.saturating_add(kv).saturating_add(RESERVE_BYTES)
    }
}

/// # Errors
/// The repository has no such model, several of that name, or none that fits.
pub(super) fn choose(repo: &RepoId, listing: &Listing, wanted: Option<&Quant>, room: Room) -> Result<Choice, Error> {
    let models = gguf_models(repo, listing)?;
    match wanted {
        Some(wanted) => named(repo, &models, wanted, room),
        None if models.is_empty() => safetensors(repo, listing, room),
        None => by_memory(repo, &models, room),
    }
}

/// The GGUF models of a repository, by quantisation or, where files name none, by their own names.
fn gguf_models(repo: &RepoId, listing: &Listing) -> Result<BTreeMap<Quant, Vec<ListedFile>>, Error> {
    let mut by_stem: BTreeMap<String, Vec<&ListedFile>> = BTreeMap::new();
    for file in &listing.files {
        let name = file.path.file_name();
        let stem = name.strip_suffix(".gguf").filter(|stem| !stem.to_ascii_lowercase().contains("mmproj"));
        let Some(stem) = stem else { continue };
        let stem = part_of(stem).map_or(stem, |(stem, ..)| stem);
        by_stem.entry(format!("{}/{stem}", file.path.folder())).or_default().push(file);
    }
    let labels: Vec<_> = by_stem.keys().map(|stem| quantisation_of(stem)).collect();
    let mut models = BTreeMap::new();
    for ((stem, files), label) in by_stem.iter().zip(&labels) {
        let is_unique = labels.iter().filter(|other| *other == label).count() == 1;
        let own = stem.rsplit('/').next().unwrap_or_default();
        let name = label.as_deref().filter(|_| is_unique).unwrap_or(own);
        // A name that cannot be typed cannot be asked for.
        let Ok(quant) = Quant::parse(name) else { continue };
        models.insert(quant, whole(repo, files)?);
    }
    Ok(models)
}

/// `NAME-00002-of-00003` → `(NAME, 2, 3)`.
fn part_of(stem: &str) -> Option<(&str, usize, usize)> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    let number_of = |text: &str| (text.len() == 5).then(|| text.parse().ok()).flatten();
    Some((name, number_of(number)?, number_of(count)?))
}

/// The parts of a split file in order, each once.
fn whole(repo: &RepoId, files: &[&ListedFile]) -> Result<Vec<ListedFile>, Error> {
    let mut files: Vec<_> = files.iter().map(|file| (*file).clone()).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let part =
        |file: &ListedFile| file.path.file_name().strip_suffix(".gguf").and_then(part_of).map(|(_, n, of)| (n, of));
    let is_whole = match files.as_slice() {
        [one] => part(one).is_none_or(|part| part == (1, 1)),
        parts => parts.iter().enumerate().all(|(index, file)| part(file) == Some((index + 1, parts.len()))),
    };
    match (is_whole, files.first()) {
        (false, Some(first)) => Err(Error::Choice {
            repo: repo.to_string(),
            problem: format!("{} is split, and not all of its parts are there", first.path),
        }),
        _ => Ok(files),
    }
}

fn named(
    repo: &RepoId,
    models: &BTreeMap<Quant, Vec<ListedFile>>,
    wanted: &Quant,
    room: Room,
) -> Result<Choice, Error> {
    let Some(files) = models.get(wanted) else {
        let problem = match models.is_empty() {
            true => {
                format!("it has no GGUF files, so no {wanted} either: leave the :{wanted} away for its safetensors")
            }
            false => format!("it has no {wanted}; it has {}", names(models.keys())),
        };
        return Err(Error::Choice { repo: repo.to_string(), problem });
    };
    let unread = ["IQ1", "IQ2", "IQ3", "TQ"].iter().any(|kind| wanted.as_str().starts_with(kind));
    if unread {
        let readable: Vec<_> = models.keys().filter(|quant| rank(quant).is_some()).collect();
        let problem = format!("{wanted} is not read by this version; take one of {}", names(readable.into_iter()));
        return Err(Error::Choice { repo: repo.to_string(), problem });
    }
    let needed = room.needed(size(files));
    let why = match room.free_bytes {
        Some(free) if needed > free => {
            format!("asked for by name; it needs {} and only {} are free now", readable(needed), readable(free))
        }
        _ => format!("asked for by name; it needs {} of memory", readable(needed)),
    };
    Ok(Choice { quant: Some(wanted.clone()), files: files.clone(), why })
}

fn by_memory(repo: &RepoId, models: &BTreeMap<Quant, Vec<ListedFile>>, room: Room) -> Result<Choice, Error> {
    let of = |name: &&str| models.iter().find(|(quant, _)| quant.as_str() == *name);
    let comfortable: Vec<_> = COMFORTABLE.iter().filter_map(of).collect();
    let tight: Vec<_> = TIGHT.iter().chain(&WIDE).filter_map(of).collect();
    let take = |(quant, files): (&Quant, &Vec<ListedFile>), why: String| {
        Ok(Choice { quant: Some(quant.clone()), files: files.clone(), why })
    };
    let Some(free) = room.free_bytes else {
        return match tight.first().or(comfortable.first()) {
            Some(model) => take(*model, "this system does not say how much memory is free".to_owned()),
            None => only_one(repo, models, room),
        };
    };
    let needed = |files: &[ListedFile]| room.needed(size(files));
    if let Some(model) = comfortable.iter().find(|(_, files)| needed(files) <= free / 2) {
        let why = format!(
            "needs {} with its context, at most half of the {} free",
            readable(needed(model.1)),
            readable(free)
        );
        return take(*model, why);
    }
    if let Some(model) = tight.iter().find(|(_, files)| needed(files) <= free) {
        let why = format!("the best that fits: it needs {} of the {} free", readable(needed(model.1)), readable(free));
        return take(*model, why);
    }
    match tight.iter().chain(&comfortable).min_by_key(|(_, files)| size(files)) {
        None => only_one(repo, models, room),
        Some((quant, files)) => Err(Error::Choice {
            repo: repo.to_string(),
            problem: format!(
                "nothing fits: {} are free, and the smallest, {quant}, needs {}; `{repo}:{quant}` fetches it all the same",
                readable(free),
                readable(needed(files)),
            ),
        }),
    }
}

/// A repository whose files name no quantisation that we rank.
fn only_one(repo: &RepoId, models: &BTreeMap<Quant, Vec<ListedFile>>, room: Room) -> Result<Choice, Error> {
    match models.iter().next() {
        Some((quant, files)) if models.len() == 1 => {
            let why = format!("the only one; it needs {} of memory", readable(room.needed(size(files))));
            Ok(Choice { quant: Some(quant.clone()), files: files.clone(), why })
        }
        _ => Err(Error::Choice {
            repo: repo.to_string(),
            problem: format!("name one of {} behind a colon", names(models.keys())),
        }),
    }
}

/// All that a folder with safetensors needs: weights of one layout, configuration, tokenizer, template.
fn safetensors(repo: &RepoId, listing: &Listing, room: Room) -> Result<Choice, Error> {
    let top: Vec<_> = listing.files.iter().filter(|file| file.path.names().len() == 1).collect();
    let has = |name: &str| top.iter().any(|file| file.path.file_name() == name);
    let weights = |start: &str| {
        let start = start.to_owned();
        move |name: &str| {
            name.starts_with(&start) && (name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json"))
        }
    };
    let layout = [("model", "config.json"), ("consolidated", "params.json")].into_iter().find(|(start, config)| {
        let is_weight = weights(start);
        has(config)
            && top
                .iter()
                .any(|file| is_weight(file.path.file_name()) && file.path.file_name().ends_with(".safetensors"))
    });
    let Some((start, config)) = layout else {
        let unfit = match listing.left_out {
            0 => String::new(),
            count => format!(" ({count} files have names or records that are not accepted)"),
        };
        let problem = format!("it holds neither GGUF files nor safetensors with their configuration{unfit}");
        return Err(Error::Choice { repo: repo.to_string(), problem });
    };
    let is_weight = weights(start);
    let is_tokenizer = |name: &str| {
        let model = name.contains("token") && name.contains(".model");
        name == "tekken.json" || (model && !has("tekken.json"))
    };
    let beside = [
        "generation_config.json",
        "chat_template.jinja",
        "chat_template.json",
        "tokenizer_config.json",
        "SYSTEM_PROMPT.txt",
    ];
    let needed = |name: &str| name == config || is_weight(name) || is_tokenizer(name) || beside.contains(&name);
    let signature = |name: &str| name == "model.sig";
    let wanted = |file: &&&ListedFile| needed(file.path.file_name()) || signature(file.path.file_name());
    let files: Vec<_> = top.iter().filter(wanted).map(|file| (*file).clone()).collect();
    let needed = room.needed(size(&files));
    let why = match room.free_bytes {
        Some(free) if needed > free => format!(
            "it has no GGUF files; as it is it needs {}, and only {} are free now: `--quantize` makes it smaller at load",
            readable(needed),
            readable(free),
        ),
        _ => format!("it has no GGUF files; it needs {} of memory as it is", readable(needed)),
    };
    Ok(Choice { quant: None, files, why })
}

/// Bytes of a model's files.
pub(super) fn size(files: &[ListedFile]) -> u64 {
    files.iter().fold(0, |sum, file| sum.saturating_add(file.size_bytes))
}

fn rank(quant: &Quant) -> Option<usize> {
    COMFORTABLE.iter().chain(&TIGHT).chain(&WIDE).position(|name| *name == quant.as_str())
}

fn names<'a>(quants: impl Iterator<Item = &'a Quant>) -> String {
    let all: Vec<_> = quants.map(Quant::as_str).collect();
    match all.len() {
        0 => "none".to_owned(),
        1..=24 => all.join(", "),
        more => format!("{} and {} more", all.get(..24).unwrap_or_default().join(", "), more - 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlobDigest, Commit, RepoPath, Sha256Digest};

    const GIB: u64 = 1 << 30;

    fn listing(files: &[(&str, u64)]) -> Listing {
        let file = |(path, size_bytes): &(&str, u64)| ListedFile {
            path: RepoPath::parse(path).unwrap(),
            size_bytes: *size_bytes,
            digest: BlobDigest::Sha256(Sha256Digest::of(path.as_bytes())),
        };
        let commit = Commit::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
        Listing { commit, license: None, files: files.iter().map(file).collect(), left_out: 0 }
    }

    /// A 24 B model, as repositories have it.
    const WIDE_CHOICE: &[(&str, u64)] = &[
        ("m-BF16/m-BF16-00001-of-00002.gguf", 24 * GIB),
        ("m-BF16/m-BF16-00002-of-00002.gguf", 20 * GIB),
        ("m-IQ2_XXS.gguf", 6 * GIB),
        ("m-Q3_K_S.gguf", 10 * GIB),
        ("m-Q4_K_M.gguf", 14 * GIB),
        ("m-Q5_K_M.gguf", 16 * GIB),
        ("m-Q6_K.gguf", 19 * GIB),
        ("m-Q8_0.gguf", 24 * GIB),
        ("mmproj-m-BF16.gguf", GIB),
        ("README.md", 1000),
    ];

    #[test]
    fn chosen() {
        let two = &[("a-Q4_K_M.gguf", 1), ("b-Q4_K_M.gguf", 2)];
        let split = &[("x-00001-of-00002.gguf", 1), ("x-00002-of-00002.gguf", 1)];
        let folder = &[
            ("config.json", 1),
            ("consolidated.safetensors", 9),
            ("model-00001-of-00002.safetensors", 5),
            ("model-00002-of-00002.safetensors", 4),
            ("model.safetensors.index.json", 1),
            ("params.json", 1),
            ("pytorch_model.bin", 9),
            ("tekken.json", 1),
            ("tokenizer.json", 1),
            ("tokenizer.model.v3", 1),
            ("tokenizer_config.json", 1),
            ("onnx/model.safetensors", 9),
        ];
        // (files, wanted, free GiB, the chosen one and how many files, or a part of the message)
        type Row = (
            &'static [(&'static str, u64)],
            Option<&'static str>,
            Option<u64>,
            Result<(&'static str, usize), &'static str>,
        );
        let rows: [Row; 19] = [
            (WIDE_CHOICE, None, Some(128), Ok(("Q8_0", 1))),
            (WIDE_CHOICE, None, Some(50), Ok(("Q6_K", 1))),
            (WIDE_CHOICE, None, Some(42), Ok(("Q5_K_M", 1))),
            (WIDE_CHOICE, None, Some(37), Ok(("Q4_K_M", 1))),
            (WIDE_CHOICE, None, Some(18), Ok(("Q4_K_M", 1))),
            (WIDE_CHOICE, None, Some(15), Ok(("Q3_K_S", 1))),
            (WIDE_CHOICE, None, Some(8), Err("the smallest, Q3_K_S, needs")),
            (WIDE_CHOICE, None, None, Ok(("Q4_K_M", 1))),
            (WIDE_CHOICE, Some("bf16"), Some(8), Ok(("BF16", 2))),
            (WIDE_CHOICE, Some("q4_k_s"), Some(8), Err("it has BF16, IQ2_XXS, Q3_K_S")),
            (WIDE_CHOICE, Some("iq2_xxs"), Some(8), Err("not read by this version; take one of BF16, Q3_K_S")),
            (two, None, Some(99), Err("name one of A-Q4_K_M, B-Q4_K_M")),
            (two, Some("b-q4_k_m"), Some(99), Ok(("B-Q4_K_M", 1))),
            (split, None, Some(99), Ok(("X", 2))),
            (
                &[("x-00001-of-00003.gguf", 1), ("x-00003-of-00003.gguf", 1)],
                None,
                Some(99),
                Err("not all of its parts"),
            ),
            (folder, None, Some(99), Ok(("", 6))),
            (folder, Some("q4_k_m"), Some(99), Err("leave the :Q4_K_M away")),
            (
                &[("params.json", 1), ("consolidated.safetensors", 9), ("tokenizer.model.v3", 1)],
                None,
                None,
                Ok(("", 3)),
            ),
            (&[("README.md", 1), ("model.safetensors", 1)], None, Some(99), Err("neither GGUF files nor safetensors")),
        ];
        let repo = RepoId::parse("user/repo").unwrap();
        let named = rows.into_iter().map(|row| (format!("{:?} {:?} of {}", row.1, row.2, row.0[0].0), row));
        testkit::check_table(named, |(files, wanted, free, expected)| {
            let room = Room { free_bytes: free.map(|gib| gib * GIB), kv_bytes_per_token: KV_BYTES_PER_TOKEN };
            let wanted = wanted.map(|name| Quant::parse(name).unwrap());
            match (choose(&repo, &listing(files), wanted.as_ref(), room), expected) {
                (Ok(choice), Ok((quant, count))) => {
                    let got = (choice.quant.as_ref().map_or("", Quant::as_str), choice.files.len());
                    if got == (quant, count) { Ok(()) } else { Err(format!("{got:?}: {choice:?}")) }
                }
                (Err(error), Err(part)) if error.to_string().contains(part) => Ok(()),
                (got, _) => Err(format!("{got:?}")),
            }
        });
    }
}
