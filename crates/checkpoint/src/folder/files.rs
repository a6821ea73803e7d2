//! What lies in a folder, and which model files belong together.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::source::read_text;
use crate::{Error, limits};

/// Names in a folder, sorted.
pub(super) struct Folder {
    path: PathBuf,
    names: Vec<String>,
}

impl Folder {
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let read = |cause| Error::read(path, cause);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(read)?.take(limits::FOLDER_ENTRIES) {
            // Names that are not Unicode are none of those looked for.
            names.extend(entry.map_err(read)?.file_name().into_string());
        }
        names.sort();
        Ok(Self { path: path.to_path_buf(), names })
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|other| other == name)
    }

    /// Names that start and end so.
    pub(super) fn between<'a>(&'a self, start: &'a str, end: &'a str) -> impl Iterator<Item = &'a str> {
        self.names
            .iter()
            .map(String::as_str)
            .filter(move |name| name.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)))
    }

    /// Files of safetensors whose names start with `stem`: those that the index names, or else all.
    pub(super) fn shards(&self, stem: &str) -> Result<Vec<String>, Error> {
        let index = format!("{stem}.safetensors.index.json");
        let shards = match self.has(&index) {
            true => self.indexed(&index)?,
            false => self.between(stem, ".safetensors").map(str::to_owned).collect(),
        };
        let promised =
            shards.iter().filter_map(|name| Some((name, shard_count(name)?))).max_by_key(|(_, count)| *count);
        let missing = shards.iter().find(|name| !self.has(name)).cloned().or_else(|| {
            let (name, count) = promised?;
            (shards.len() < count).then(|| format!("{} of the {count} parts of {name}", count - shards.len()))
        });
        match missing {
            Some(missing) => {
                Err(Error::not_a_model(self.shown(), format_args!("{missing} is missing: download it too")))
            }
            None if shards.len() > limits::FILES => {
                Err(Error::not_a_model(self.shown(), format_args!("{} files are no model", shards.len())))
            }
            None => Ok(shards),
        }
    }

    /// Files that an index names. They lie in this folder: a name that leads out of it is refused.
    fn indexed(&self, index: &str) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: FileNames,
        }
        let path = self.path(index);
        let text = read_text(&path, limits::INDEX_BYTES)?;
        let Index { weight_map: FileNames(names) } =
            serde_json::from_str(&text).map_err(|fault| Error::malformed(path.display(), "JSON", fault))?;
        match names.iter().find(|name| name.contains(['/', '\\', '\0']) || !name.ends_with(".safetensors")) {
            Some(name) => {
                Err(Error::malformed(path.display(), "weight_map", format_args!("{name:.200?} is not a file name")))
            }
            None => Ok(names),
        }
    }
}

/// `model-00002-of-00003.safetensors` → 3.
fn shard_count(name: &str) -> Option<usize> {
    name.strip_suffix(".safetensors")?.rsplit_once("-of-")?.1.parse().ok()
}

/// The values of a map, each once: an index has a hundred thousand entries that name a few files.
struct FileNames(Vec<String>);

impl<'de> Deserialize<'de> for FileNames {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Values;
        impl<'de> serde::de::Visitor<'de> for Values {
            type Value = FileNames;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map from tensors to files")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<FileNames, A::Error> {
                let mut names = std::collections::BTreeSet::new();
                while let Some((serde::de::IgnoredAny, name)) = map.next_entry::<_, String>()? {
                    names.insert(name);
                    if names.len() > limits::FILES {
                        return Err(serde::de::Error::custom(format_args!("more than {} files", limits::FILES)));
                    }
                }
                Ok(FileNames(names.into_iter().collect()))
            }
        }
        deserializer.deserialize_map(Values)
    }
}
