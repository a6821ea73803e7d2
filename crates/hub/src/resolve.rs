//! From a word to the one model that it means.
//!
//! Exactly as written first, then regardless of case: names, other names, `user/repo` where it has one model, and
//! `user/repo:QUANT` wherever the repository's files lie. Nothing is guessed: where several models are meant the error
//! lists them, where none is it says how to get it and which names are near.

use crate::{Error, Found, ModelName, catalogue, quantisation_of};

/// What people put before names of the hub's repositories.
const PREFIXES: [&str; 4] = ["https://huggingface.co/", "https://hf.co/", "huggingface.co/", "hf.co/"];
/// Names that an error suggests.
const SUGGESTED: usize = 3;

/// The model that `word` means among those found.
///
/// Copies in several places count as one, the first in the order of places: of the same name or repository, with files of the
/// same sizes. What the files are called differs from program to program.
/// A model that cannot be used gives way to one that can.
///
/// # Errors
/// None is meant, several are, or the one that is cannot be used: with what to do.
pub fn resolve<'a>(word: &str, found: &'a [Found]) -> Result<&'a Found, Error> {
    let one = meant(word, found)?;
    match &one.problem {
        None => Ok(one),
        Some(problem) => {
            let message = format!("{} ({}, {}) cannot be used: {problem}", one.name, one.place, one.path.display());
            Err(Error::Unclear(message))
        }
    }
}

/// As [`resolve`], for those who can do something with a broken model too: verify it, remove it.
///
/// # Errors
/// None is meant, or several are.
pub fn meant<'a>(word: &str, found: &'a [Found]) -> Result<&'a Found, Error> {
    let meant = without_copies(candidates(word, found));
    match meant.as_slice() {
        [] => Err(Error::Unclear(nothing(word, found))),
        [one] => Ok(one),
        several => {
            let names: Vec<_> = several.iter().map(|model| choice(model, several)).collect();
            Err(Error::Unclear(format!("{word} means several models, name one of them: {}", names.join(", "))))
        }
    }
}

/// Whether a word means any model among those found, be it several.
pub fn is_known(word: &str, found: &[Found]) -> bool {
    !candidates(word, found).is_empty()
}

/// The name, and the path where names are not enough.
fn choice(model: &Found, all: &[&Found]) -> String {
    match all.iter().filter(|other| other.name == model.name).count() {
        0 | 1 => model.name.clone(),
        _ => format!("{} ({})", model.path.display(), model.place),
    }
}

fn candidates<'a>(word: &str, found: &'a [Found]) -> Vec<&'a Found> {
    // What Ollama fetched from the hub is called `hf.co/…` by Ollama itself.
    let bare = PREFIXES.iter().find_map(|prefix| word.strip_prefix(prefix)).unwrap_or(word);
    let names = |model: &'a Found| std::iter::once(&model.name).chain(&model.aliases);
    let same = |a: &str, b: &str| a == b;
    let alike = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
    for equal in [&same as &dyn Fn(&str, &str) -> bool, &alike] {
        for meant in [word, bare] {
            let named: Vec<_> = found.iter().filter(|model| names(model).any(|name| equal(name, meant))).collect();
            if !named.is_empty() {
                return named;
            }
        }
    }
    // A short name stands for a repository, whoever fetched it.
    let short = ModelName::parse(word).ok().and_then(|name| match name {
        ModelName::Short(short) => catalogue::find(&short).ok(),
        ModelName::Repo { .. } => None,
    });
    let short = short.map(|(row, quant)| (row.repo.to_string(), quant.map(|quant| quant.to_string())));
    let (repo, label) = match &short {
        Some((repo, quant)) => (repo.as_str(), quant.as_deref()),
        None => bare.split_once(':').map_or((bare, None), |(repo, label)| (repo, Some(label))),
    };
    let from_repo = |model: &&Found| {
        let here = model.origin.as_deref().is_some_and(|origin| alike(origin, repo));
        // Older states of a repository are meant by their commit only.
        here && !model.name.contains('@') && label.is_none_or(|label| has_label(model, label))
    };
    found.iter().filter(from_repo).collect()
}

fn has_label(model: &Found, label: &str) -> bool {
    let of_file = model.files.first().and_then(|file| quantisation_of(&file.name));
    of_file.is_some_and(|own| own.eq_ignore_ascii_case(label))
}

fn without_copies(mut meant: Vec<&Found>) -> Vec<&Found> {
    if meant.iter().any(|model| model.problem.is_none()) {
        meant.retain(|model| model.problem.is_none());
    }
    let mut kept: Vec<&Found> = Vec::new();
    for model in meant {
        if !kept.iter().any(|other| other.path == model.path || are_copies(other, model)) {
            kept.push(model);
        }
    }
    kept
}

fn are_copies(a: &Found, b: &Found) -> bool {
    let sizes = |model: &Found| {
        let mut sizes: Vec<_> = model.files.iter().map(|file| file.size_bytes).collect();
        sizes.sort_unstable();
        sizes
    };
    let origins = a.origin.as_ref().zip(b.origin.as_ref());
    let same_origin = origins.is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
    // In one place different names are different models.
    let same = a.name == b.name || (same_origin && a.place != b.place);
    same && !a.files.is_empty() && sizes(a) == sizes(b)
}

fn nothing(word: &str, found: &[Found]) -> String {
    let near = nearest(word, found);
    let near = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
    let name = ModelName::parse(word).ok();
    // Only what `pull` would know.
    let name = name.filter(|name| !matches!(name, ModelName::Short(short) if catalogue::find(short).is_err()));
    match name {
        // Known to the letter: what is near it is no news.
        Some(name @ ModelName::Short(_)) => {
            format!("{word} is not on this machine: pull it with `tramontane pull {name}`")
        }
        Some(name) => format!("{word} is not on this machine: pull it with `tramontane pull {name}`{near}"),
        None => format!("{word}: there is no such file, folder or model (`tramontane list` shows what is here){near}"),
    }
}

/// Names within a few letters of the word, or with the word in them: of models here, and of those that can be pulled.
fn nearest(word: &str, found: &[Found]) -> Vec<String> {
    let word = word.to_ascii_lowercase();
    let most = (word.chars().count() / 4).max(2);
    let away = |name: &str| {
        let name = name.to_ascii_lowercase();
        let inside = word.len() >= 3 && name.contains(&word);
        if inside { 0 } else { distance(&word, &name) }
    };
    let here = found.iter().filter_map(|model| {
        let names = std::iter::once(model.name.as_str()).chain(model.aliases.iter().map(String::as_str));
        Some((names.map(away).min()?, model.name.as_str()))
    });
    // Nobody looks for a part of a short name.
    let known = catalogue::catalogue().iter().map(|row| (distance(&word, row.name.as_str()), row.name.as_str()));
    let mut near: Vec<_> = here.chain(known).filter(|(away, _)| *away <= most).collect();
    near.sort();
    near.dedup();
    near.into_iter().take(SUGGESTED).map(|(_, name)| name.to_owned()).collect()
}

/// Letters to add, drop or change (Levenshtein), one row of the table at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (above, letter) in a.chars().enumerate() {
        let mut left = above.saturating_add(1);
        let mut diagonal = std::mem::replace(row.first_mut().unwrap_or(&mut 0), left);
        for (cell, other) in row.iter_mut().skip(1).zip(&b) {
            let changed = diagonal.saturating_add(usize::from(letter != *other));
            diagonal = *cell;
            left = changed.min(left.saturating_add(1)).min(cell.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, letters) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("mistral", "mistal", 1), ("é", "e", 1)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (letters, letters), "{a} {b}");
        }
    }
}
