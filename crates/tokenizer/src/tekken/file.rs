//! `tekken.json`: configuration, byte strings by rank, special tokens, and sections that only the template reads.
//!
//! The vocabulary is decoded while it is parsed, straight into one buffer; the small sections are looked at as text
//! first, so that a hostile file cannot make a gigabyte of values out of them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{PATTERN, Tekken};
use crate::pieces::{Kind, Pieces};
use crate::settings::{ModelSettings, SettingsSection};
use crate::{Error, TemplateVersion, limits};

/// What a `tekken.json` says.
pub(crate) struct File {
    pub tekken: Tekken,
    pub version: TemplateVersion,
    pub settings: Option<ModelSettings>,
    pub image: Option<serde_json::Value>,
    pub audio: Option<serde_json::Value>,
}

/// The special tokens of files that do not list them: those of v7 and before.
const FALLBACK: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// Reads the file.
///
/// # Errors
/// The file is damaged, or asks for what is not done here.
pub(crate) fn read(bytes: &[u8]) -> Result<File, Error> {
    let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|cause| Error::malformed("the file", cause))?;
    let config = &wire.config;
    if config.pattern != PATTERN {
        return Err(Error::unsupported("config.pattern", "a pattern other than that of Mistral's models"));
    }
    let unknown = || Error::unsupported("config.version", format_args!("version `{}`", config.version));
    let version = TemplateVersion::from_name(&config.version).ok_or_else(unknown)?;
    let num_special = config.default_num_special_tokens;
    let too_few = || Error::malformed("config.default_vocab_size", "the vocabulary is shorter");
    let num_text = config.default_vocab_size.checked_sub(num_special).ok_or_else(too_few)?;
    let mut pieces = Pieces::with_capacity(config.default_vocab_size);
    for name in special_names(wire.special_tokens.as_deref(), version, num_special)? {
        pieces.push(name.as_bytes(), Kind::Control)?;
    }
    wire.vocab.append_to(&mut pieces, num_text)?;
    let settings = section::<SettingsSection>("model_settings_builder", wire.model_settings_builder)?;
    if settings.is_some() && version < TemplateVersion::V15 {
        return Err(Error::malformed("model_settings_builder", format_args!("version {version} has no settings")));
    }
    Ok(File {
        tekken: Tekken::new(pieces)?,
        version,
        settings: settings.map(ModelSettings::from),
        image: section("image", wire.image.or(wire.multimodal))?,
        audio: section("audio", wire.audio)?,
    })
}

#[derive(Deserialize)]
struct Wire<'f> {
    #[serde(borrow)]
    config: Config<'f>,
    vocab: Vocabulary,
    special_tokens: Option<Vec<Special>>,
    #[serde(borrow)]
    image: Option<&'f RawValue>,
    /// What `image` was called up to v11.
    #[serde(borrow)]
    multimodal: Option<&'f RawValue>,
    #[serde(borrow)]
    audio: Option<&'f RawValue>,
    #[serde(borrow)]
    model_settings_builder: Option<&'f RawValue>,
}

#[derive(Deserialize)]
struct Config<'f> {
    #[serde(borrow)]
    pattern: Cow<'f, str>,
    default_vocab_size: usize,
    default_num_special_tokens: usize,
    #[serde(borrow)]
    version: Cow<'f, str>,
}

/// One of the sections that are kept as data.
fn section<T: DeserializeOwned>(name: &'static str, raw: Option<&RawValue>) -> Result<Option<T>, Error> {
    match raw.map(RawValue::get) {
        None => Ok(None),
        Some(text) if text.len() > limits::SECTION_BYTES => {
            Err(Error::TooLarge { what: "bytes of settings", limit: limits::SECTION_BYTES as u64 })
        }
        Some(text) => serde_json::from_str(text).map_err(|cause| Error::malformed(name, cause)),
    }
}

/// The names of the special tokens by id, all `count` of them.
fn special_names(listed: Option<&[Special]>, version: TemplateVersion, count: usize) -> Result<Vec<String>, Error> {
    let limit = limits::VOCABULARY;
    if count > limit {
        return Err(Error::TooLarge { what: "special tokens", limit: limit as u64 });
    }
    let mut names = vec![None; count];
    let mut place = |rank: usize, name: &str| {
        let slot = names.get_mut(rank).filter(|slot| slot.is_none());
        let wrong = || Error::malformed("special_tokens", format_args!("rank {rank} is taken or out of range"));
        slot.ok_or_else(wrong).map(|slot| *slot = Some(name.to_owned()))
    };
    match listed {
        Some(tokens) => tokens.iter().try_for_each(|token| place(token.rank, &token.token_str))?,
        None if version > TemplateVersion::V7 => {
            return Err(Error::malformed("special_tokens", format_args!("version {version} must list them")));
        }
        None => FALLBACK.iter().enumerate().try_for_each(|(rank, name)| place(rank, name))?,
    }
    let fill = |(rank, name): (usize, Option<String>)| name.unwrap_or_else(|| format!("<SPECIAL_{rank}>"));
    let names: Vec<String> = names.into_iter().enumerate().map(fill).collect();
    let mut seen = HashSet::new();
    match names.iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(Error::malformed("special_tokens", format_args!("`{name}` is there twice"))),
        None => Ok(names),
    }
}

/// The byte strings, one after another.
struct Vocabulary {
    arena: Vec<u8>,
    ends: Vec<usize>,
}

impl Vocabulary {
    /// Appends the first `count` byte strings.
    fn append_to(&self, pieces: &mut Pieces, count: usize) -> Result<(), Error> {
        if self.ends.len() < count {
            let problem = format_args!("it has {} entries, but config asks for {count}", self.ends.len());
            return Err(Error::malformed("vocab", problem));
        }
        let mut start = 0;
        for &end in self.ends.iter().take(count) {
            pieces.push(self.arena.get(start..end).unwrap_or_default(), Kind::Normal)?;
            start = end;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Entry<'f> {
    rank: usize,
    #[serde(borrow)]
    token_bytes: Cow<'f, str>,
}

impl<'de> Deserialize<'de> for Vocabulary {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Vocabulary;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of byte strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Vocabulary, A::Error> {
                let mut vocabulary = Vocabulary { arena: Vec::new(), ends: Vec::new() };
                while let Some(entry) = entries.next_element::<Entry<'de>>()? {
                    vocabulary.push(&entry).map_err(A::Error::custom)?;
                }
                Ok(vocabulary)
            }
        }

        deserializer.deserialize_seq(Entries)
    }
}

impl Vocabulary {
    fn push(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let at = self.ends.len();
        if at >= limits::VOCABULARY {
            return Err(format!("vocab has more than {} entries", limits::VOCABULARY));
        }
        if entry.rank != at {
            return Err(format!("vocab entry {at} has rank {}", entry.rank));
        }
        let start = self.arena.len();
        let decoded = STANDARD.decode_vec(entry.token_bytes.as_bytes(), &mut self.arena);
        decoded.map_err(|cause| format!("vocab entry {at} is not base64: {cause}"))?;
        let bytes = self.arena.get(start..).unwrap_or_default();
        if bytes.is_empty() || (at < 256 && *bytes != [at as u8]) {
            return Err(format!("vocab entry {at} has the wrong bytes: the first 256 are the single bytes in order"));
        }
        self.ends.push(self.arena.len());
        Ok(())
    }
}

/// A listed special token.
#[derive(Deserialize)]
struct Special {
    rank: usize,
    token_str: String,
}
