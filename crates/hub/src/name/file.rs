//! Names of files: one component, and a path of them inside a repository.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{checked_text, serde_as_text};
use crate::{Error, limits};

/// Marks that may stand in a file's name beside letters and digits.
const MARKS: &[u8] = b"._-+@=,()[] ";
/// What Windows opens as a device, whatever follows the first dot.
const DEVICES: [&str; 6] = ["con", "prn", "aux", "nul", "conin$", "conout$"];

/// The name of one file or folder: ASCII letters, digits and `._-+@=,()[]` with inner spaces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(String);

impl FileName {
    /// # Errors
    /// The text is empty, too long, or has something in it that could lead elsewhere.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match problem(text) {
            None => Ok(Self(text.to_owned())),
            Some(problem) => Err(Error::name(text, "a file's name", problem)),
        }
    }
}

checked_text!(FileName);

/// A file's place inside a repository: one to eight [`FileName`]s.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<FileName>);

impl RepoPath {
    /// `BF16/model-00001-of-00002.gguf`: components with `/` between them, on every system.
    ///
    /// # Errors
    /// A component is no [`FileName`], or there are too many.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > limits::FILE_NAME_BYTES * limits::PATH_COMPONENTS {
            return Err(Error::name(text, "a file of a repository", "it is too long"));
        }
        let names = text.split('/').map(FileName::parse).collect::<Result<Vec<_>, _>>()?;
        if names.len() > limits::PATH_COMPONENTS {
            let problem = format!("it lies more than {} folders deep", limits::PATH_COMPONENTS);
            return Err(Error::name(text, "a file of a repository", problem));
        }
        Ok(Self(names))
    }

    /// The components, outermost folder first.
    pub fn names(&self) -> &[FileName] {
        &self.0
    }

    /// The file's own name.
    pub fn file_name(&self) -> &str {
        self.0.last().map_or("", FileName::as_str)
    }

    /// The folders around the file, `/` between them; empty where there are none.
    pub fn folder(&self) -> String {
        let (_, folders) = self.0.split_last().unzip();
        folders.unwrap_or_default().iter().map(FileName::as_str).collect::<Vec<_>>().join("/")
    }

    /// The place below `folder`, with the system's own separators.
    pub fn below(&self, folder: &Path) -> PathBuf {
        self.0.iter().fold(folder.to_owned(), |path, name| path.join(name.as_str()))
    }
}

impl From<FileName> for RepoPath {
    fn from(name: FileName) -> Self {
        Self(vec![name])
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", if index > 0 { "/" } else { "" })?;
        }
        Ok(())
    }
}

serde_as_text!(RepoPath);

/// What keeps the text from being the name of one file, if anything.
pub(super) fn problem(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    let wrong = |byte: &u8| !byte.is_ascii_alphanumeric() && !MARKS.contains(byte);
    match bytes {
        [] => Some("it is empty"),
        _ if bytes.len() > limits::FILE_NAME_BYTES => Some("it is longer than 255 bytes"),
        _ if bytes.iter().any(wrong) => Some("it may have only ASCII letters, digits, spaces and ._-+@=,()[]"),
        // `..`, `.`, and what Windows drops in silence.
        [.., b'.' | b' '] => Some("it ends in a dot or a space"),
        [b' ' | b'-', ..] => Some("it begins with a space or a dash"),
        _ if is_device(text) => Some("Windows takes it for a device"),
        _ => None,
    }
}

/// `NUL`, `con.txt`, `LPT1`: <https://learn.microsoft.com/windows/win32/fileio/naming-a-file>.
fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    let port = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    let numbered = port.is_some_and(|digit| digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit()));
    numbered || DEVICES.contains(&stem.as_str())
}
