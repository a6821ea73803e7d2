//! Short names: a small table in the tree (`catalogue.toml`) from `ministral-3:3b` to a repository.
//!
//! A row names repository, revision, licence, what a token's keys and values take, and what is known of single files. A
//! quantisation may stand behind the name: `ministral-3:3b-q8_0`, `mistral-small:q4_k_m`.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::{Error, Quant, RepoId, RepoPath, Revision, Sha256Digest, ShortName, quantisation_of};

const TABLE: &str = include_str!("catalogue.toml");

/// The rows, or what is wrong with the table.
static ROWS: LazyLock<Result<Vec<Row>, String>> = LazyLock::new(|| {
    let table: Result<Table, _> = toml::from_str(TABLE);
    table.map(|table| table.model).map_err(|problem| problem.to_string())
});

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    model: Vec<Row>,
}

/// What a short name means.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Row {
    /// What to type.
    pub name: ShortName,
    /// What may be typed too.
    #[serde(default)]
    pub aliases: Vec<ShortName>,
    /// What it is, in a few words.
    pub about: String,
    /// Where it is.
    pub repo: RepoId,
    /// Which state of that: a commit where it is pinned, else a branch.
    pub revision: Revision,
    /// Its licence.
    pub license: String,
    /// Keys and values of one token in f16: 4 × layers × key-value heads × head dimension.
    pub kv_bytes_per_token: u64,
    /// What is known of its files.
    #[serde(default, rename = "file")]
    pub files: Vec<KnownFile>,
}

/// A file that the table promises.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct KnownFile {
    /// Which quantisation it is.
    pub quant: Quant,
    /// Its place in the repository.
    pub path: RepoPath,
    /// Its length, where a source gives it to the byte.
    pub size_bytes: Option<u64>,
    /// Its digest, where a source gives it.
    pub sha256: Option<Sha256Digest>,
}

/// All rows.
pub fn catalogue() -> &'static [Row] {
    ROWS.as_ref().map_or(&[], Vec::as_slice)
}

/// The row of a name, and the quantisation behind it, if any.
///
/// # Errors
/// There is no such row; the message lists what there is.
pub(crate) fn find(name: &ShortName) -> Result<(&'static Row, Option<Quant>), Error> {
    let row = |text: &str| {
        let is_it = |row: &&Row| row.name.as_str() == text || row.aliases.iter().any(|alias| alias.as_str() == text);
        catalogue().iter().find(is_it)
    };
    if let Some(row) = row(name.as_str()) {
        return Ok((row, None));
    }
    let text = name.as_str();
    let quant = quantisation_of(&text.replace(':', "-")).and_then(|label| Quant::parse(&label).ok());
    let base = quant.as_ref().and_then(|quant| text.get(..text.len().checked_sub(quant.as_str().len() + 1)?));
    match base.and_then(row) {
        Some(row) => Ok((row, quant)),
        None => {
            let names: Vec<_> = catalogue().iter().map(|row| row.name.as_str()).collect();
            let problem = format!("the short names are {}; anything else is user/repo[:QUANT]", names.join(", "));
            Err(Error::name(text, "a model's name that is known here", problem))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_is_sound() {
        let rows = ROWS.as_ref().unwrap();
        let mut seen = HashSet::new();
        for row in rows {
            for name in row.aliases.iter().chain([&row.name]) {
                assert!(seen.insert(name.as_str()), "{name} stands there twice");
            }
            for file in &row.files {
                assert_eq!(
                    quantisation_of(file.path.file_name()).as_deref(),
                    Some(file.quant.as_str()),
                    "{}",
                    row.name
                );
            }
            // Nothing that the owner of a repository does later may change what a name means.
            let is_pinned = row.revision.as_commit().is_some() || row.files.iter().all(|file| file.sha256.is_some());
            assert!(is_pinned && !row.files.is_empty(), "{}", row.name);
            assert!(
                !row.about.is_empty() && !row.license.is_empty() && row.kv_bytes_per_token % 1024 == 0,
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn found() {
        let rows = [
            ("ministral-3:3b", Some(("ministral-3:3b", None))),
            ("Ministral-3:3B", Some(("ministral-3:3b", None))),
            ("ministral-3:3b-q8_0", Some(("ministral-3:3b", Some("Q8_0")))),
            ("mistral-small:q4_k_m", Some(("mistral-small", Some("Q4_K_M")))),
            ("mistral", Some(("mistral:7b", None))),
            ("ministral-3:5b", None),
            ("q8_0", None),
            ("gpt-4", None),
        ];
        for (name, expected) in rows {
            let found = find(&ShortName::parse(name).unwrap());
            let found = found.as_ref().ok().map(|(row, quant)| (row.name.as_str(), quant.as_ref().map(Quant::as_str)));
            assert_eq!(found, expected, "{name}");
        }
    }
}
