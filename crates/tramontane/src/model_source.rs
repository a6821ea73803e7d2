//! From the word that names a model to where its files are.

use std::fmt;
use std::path::{Path, PathBuf};

use checkpoint::Checkpoint;

use crate::brise;
use crate::settings::Settings;
use crate::store;

/// Where a model is; shown as people would name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ModelSource {
    /// Brise, inside the program.
    Embedded,
    /// A `.gguf` file or a folder.
    Files(PathBuf),
}

impl ModelSource {
    /// What MODEL means: `brise`, a path, or a name in one of the stores on this machine. Without MODEL, what the settings
    /// say; if they say nothing, Brise, with an introduction on standard error. A file or folder of that name is `./brise`.
    ///
    /// # Errors
    /// There is no such path or name, or the name means several models: the message says which, and what to do.
    pub(crate) fn find(word: Option<&str>, settings: &Settings) -> anyhow::Result<Self> {
        let Some(word) = word.or(settings.model.as_deref()) else {
            brise::introduce();
            return Ok(Self::Embedded);
        };
        if word == brise::NAME {
            return Ok(Self::Embedded);
        }
        let path = Path::new(word);
        if path.exists() {
            return Ok(Self::Files(path.to_owned()));
        }
        if looks_like_path(word) {
            return Err(anyhow::anyhow!("{word}: there is no such file or folder"));
        }
        Ok(Self::Files(hub::resolve(word, &store::survey(settings))?.path.clone()))
    }

    /// Opens the files, without reading weights.
    ///
    /// # Errors
    /// They are not there, or are no model.
    pub(crate) fn open(&self) -> Result<Checkpoint, checkpoint::Error> {
        match self {
            Self::Embedded => brise::open(),
            Self::Files(path) => Checkpoint::open(path),
        }
    }
}

impl ModelSource {
    /// What requests to `serve` call it where nobody says otherwise: the name of the file without its ending, or of the folder.
    pub(crate) fn short_name(&self) -> String {
        let Self::Files(path) = self else { return brise::NAME.to_owned() };
        // A link bears the name that people know, what it leads to may be called by its digest; `..` bears none.
        let path = if path.file_name().is_some() { path.clone() } else { path.canonicalize().unwrap_or_default() };
        let name = if path.is_dir() { path.file_name() } else { path.file_stem() };
        name.map_or_else(|| "model".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// The same for `serve`, under this name.
    pub(crate) fn to_serve(&self, name: String) -> server::ModelSource {
        match self {
            Self::Embedded => {
                let size = (brise::size_bytes(), std::time::SystemTime::UNIX_EPOCH);
                server::ModelSource::new(name, size, || Ok(brise::open()?))
            }
            Self::Files(path) => server::ModelSource::at(name, path),
        }
    }
}

impl fmt::Display for ModelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => brise::NAME.fmt(f),
            Self::Files(path) => path.display().fmt(f),
        }
    }
}

/// Whether a single argument of `run` is rather a prompt for the default model than a model.
///
/// It is when it has white space in it, is no path, and does not look like one.
pub(crate) fn is_prompt(word: &str) -> bool {
    word.contains(char::is_whitespace) && !Path::new(word).exists() && !looks_like_path(word)
}

/// Whether nobody would call a model so: `a/b` may be a repository, and names of the hub may have its address before them.
fn looks_like_path(word: &str) -> bool {
    if ["hf.co/", "huggingface.co/", "https://"].iter().any(|start| word.starts_with(start)) {
        return false;
    }
    let ending = [".gguf", ".safetensors", ".json", ".model"].iter().any(|end| word.ends_with(end));
    ending || word.starts_with(['.', '/', '~']) || word.contains('\\') || word.matches('/').count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        let rows = [
            ("not-a-model:3b", "not-a-model:3b: there is no such file, folder or model"),
            ("mistral:7b", "not on this machine: pull it with `tramontane pull mistral:7b`"),
            ("nobody/Nothing", "not on this machine: pull it with `tramontane pull nobody/Nothing`"),
            ("hf.co/nobody/Nothing:q4_0", "pull it with `tramontane pull nobody/Nothing:Q4_0`"),
            ("not a name", "there is no such file, folder or model"),
            ("missing.gguf", "missing.gguf: there is no such file or folder"),
            ("./models/x", "./models/x: there is no such file or folder"),
        ];
        for (word, expected) in rows {
            let message = ModelSource::find(Some(word), &Settings::default()).unwrap_err().to_string();
            assert!(message.contains(expected), "{word}: {message}");
        }
    }

    #[test]
    fn brise_is_the_default_and_bears_its_name() {
        let find = |word, settings: &Settings| ModelSource::find(word, settings).unwrap();
        assert_eq!(find(Some("brise"), &Settings::default()), ModelSource::Embedded);
        assert_eq!(find(None, &Settings::default()), ModelSource::Embedded);
        let settings = Settings { model: Some(".".into()), ..Settings::default() };
        assert_eq!(find(None, &settings), ModelSource::Files(".".into()));
    }

    #[test]
    fn prompts() {
        assert!(is_prompt("Why is the sky blue?"));
        assert!(!is_prompt("my model.gguf") && !is_prompt("Hello") && !is_prompt("ministral-3:3b"));
    }
}
