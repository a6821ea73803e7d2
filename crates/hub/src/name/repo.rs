//! A repository of the hub, and a state of it.

use std::fmt;

use super::{checked_text, file, serde_as_text};
use crate::{Error, limits};

/// `user/repo`: both halves ASCII letters, digits and `._-`.
///
/// Stricter than the hub where the hub is lax: `--` is out because it stands between the halves in the cache's folder
/// names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId {
    user: String,
    name: String,
}

impl RepoId {
    /// # Errors
    /// The text is not two such names with `/` between them.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(Error::name(text, "a repository (user/repo)", problem));
        match text.split_once('/') {
            None => refuse("there is no / in it"),
            Some((user, name)) => match part_problem(user).or_else(|| part_problem(name)) {
                Some(problem) => refuse(problem),
                None => Ok(Self { user: user.to_owned(), name: name.to_owned() }),
            },
        }
    }

    /// Who published it.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What they called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that the Hugging Face cache keeps it in: `models--user--repo`.
    pub fn cache_folder(&self) -> String {
        format!("models--{}--{}", self.user, self.name)
    }

    /// Back from [`RepoId::cache_folder`]; `None` for folders of other things.
    pub fn from_cache_folder(folder: &str) -> Option<Self> {
        let (user, name) = folder.strip_prefix("models--")?.split_once("--")?;
        Self::parse(&format!("{user}/{name}")).ok()
    }
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user, self.name)
    }
}

impl std::str::FromStr for RepoId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

serde_as_text!(RepoId);

fn part_problem(part: &str) -> Option<&'static str> {
    let wrong = |byte: u8| !byte.is_ascii_alphanumeric() && !b"._-".contains(&byte);
    if part.len() > limits::REPO_PART_BYTES {
        return Some("a half of it is longer than 96 bytes");
    }
    if part.bytes().any(wrong) {
        return Some("it may have only ASCII letters, digits and ._- around one /");
    }
    if part.contains("--") || part.contains("..") || part.starts_with('.') || part.ends_with(".git") {
        return Some("neither half may have .. or -- in it, begin with a dot, or end in .git");
    }
    file::problem(part)
}

/// A branch, a tag, a pull request (`refs/pr/3`) or a commit: what one asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(String);

impl Revision {
    /// # Errors
    /// The text is empty, too long, or could lead out of the folder of references.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(Error::name(text, "a revision", problem));
        if text.len() > limits::REVISION_BYTES {
            return refuse("it is longer than 200 bytes");
        }
        match text.split('/').find_map(file::problem) {
            Some(problem) => refuse(problem),
            None if text.contains([' ', '[', ']', '@', ',', '=', '(', ')']) || text.contains("..") => {
                refuse("it may have only ASCII letters, digits and ._-+/")
            }
            None => Ok(Self(text.to_owned())),
        }
    }

    /// What a repository shows when nothing else is asked for.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The commit that it is, where it names one in full.
    pub fn as_commit(&self) -> Option<Commit> {
        Commit::parse(&self.0).ok()
    }
}

checked_text!(Revision);

/// A commit: 40 lower-case hexadecimal digits. What was got, whatever was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commit(String);

impl Commit {
    /// # Errors
    /// The text is anything else than 40 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::name(text, "a commit", "it is not 40 lower-case hexadecimal digits"))
    }

    /// The first twelve digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

checked_text!(Commit);
