//! Names from outside, parsed into types that cannot hold a path.
//!
//! Every type here is made by `parse` only and holds ASCII of a stated alphabet: no separator where none belongs, no
//! `..`, no control or bidirectional character, no name that Windows takes for a device, nothing that ends in a dot.
//! So joining them to a folder stays inside that folder, on every system.

mod file;
mod model;
mod repo;

pub use file::{FileName, RepoPath};
pub use model::{ModelName, Quant, ShortName};
pub use repo::{Commit, RepoId, Revision};

/// `Display`, `AsRef`, serde in and out for a type around one checked `String`.
macro_rules! checked_text {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            fn from_str(text: &str) -> Result<Self, crate::Error> {
                Self::parse(text)
            }
        }

        crate::name::serde_as_text!($name);
    };
}

/// serde as the text that `Display` writes and `parse` reads.
macro_rules! serde_as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use {checked_text, serde_as_text};
