//! What a person types to name a model.

use std::fmt;

use super::{RepoId, checked_text, file, serde_as_text};
use crate::{Error, limits};

/// Where the hub's own pages lie, as people paste it.
const HUB_PREFIXES: [&str; 4] = ["https://huggingface.co/", "https://hf.co/", "huggingface.co/", "hf.co/"];

/// A model by name: a row of the table of short names, or a repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ModelName {
    /// `ministral-3:3b`.
    Short(ShortName),
    /// `user/repo`, `user/repo:Q4_K_M`, and the same behind `hf.co/`.
    Repo {
        /// The repository.
        repo: RepoId,
        /// Which of its files; `None` lets the machine's memory decide.
        quant: Option<Quant>,
    },
}

impl ModelName {
    /// # Errors
    /// The text is neither: which it seemed to be, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > limits::GIVEN_NAME_BYTES {
            return Err(Error::name(text, "a model's name", "it is longer than 512 bytes"));
        }
        let bare = HUB_PREFIXES.iter().find_map(|prefix| text.strip_prefix(prefix));
        let name = bare.unwrap_or(text);
        if bare.is_none() && !name.contains('/') {
            return Ok(Self::Short(ShortName::parse(name)?));
        }
        let (repo, quant) = match name.split_once(':') {
            None => (name, None),
            Some((repo, quant)) => (repo, Some(Quant::parse(quant)?)),
        };
        Ok(Self::Repo { repo: RepoId::parse(repo.trim_end_matches('/'))?, quant })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short(name) => name.fmt(f),
            Self::Repo { repo, quant: None } => repo.fmt(f),
            Self::Repo { repo, quant: Some(quant) } => write!(f, "{repo}:{quant}"),
        }
    }
}

impl std::str::FromStr for ModelName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

serde_as_text!(ModelName);

/// `mistral-small`, `ministral-3:3b`: a family and perhaps a tag, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortName(String);

impl ShortName {
    /// Upper case is taken for lower case.
    ///
    /// # Errors
    /// The text has anything but letters, digits and `._-` around at most one `:`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refuse = |problem: &str| Err(Error::name(text, "a model's name", problem));
        let name = text.to_ascii_lowercase();
        if name.len() > limits::SHORT_NAME_BYTES {
            return refuse("it is longer than 64 bytes");
        }
        let is_part = |part: &str| {
            let allowed = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
            allowed && file::problem(part).is_none()
        };
        // `C:x` is a path on Windows.
        let is_drive = name.as_bytes().get(1) == Some(&b':');
        if !is_drive && name.split(':').count() <= 2 && name.split(':').all(is_part) {
            return Ok(Self(name));
        }
        refuse("it is neither a short name (ministral-3:3b) nor a repository (user/repo:Q4_K_M)")
    }
}

checked_text!(ShortName);

/// A quantisation as files name it, in upper case: `Q4_K_M`, `BF16`, `UD-Q4_K_XL`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quant(String);

impl Quant {
    /// Lower case is taken for upper case.
    ///
    /// # Errors
    /// The text is empty, too long, or has anything but letters, digits and `._-`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let name = text.to_ascii_uppercase();
        let allowed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if (1..=limits::SHORT_NAME_BYTES).contains(&name.len()) && allowed {
            return Ok(Self(name));
        }
        Err(Error::name(text, "a quantisation (Q4_K_M)", "it may have 1 to 64 ASCII letters, digits and ._-"))
    }
}

checked_text!(Quant);
