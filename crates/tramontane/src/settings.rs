//! `config.toml`: defaults for flags, under the flags' own names with `_` for `-`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::exit::Usage;
use crate::{flags, folders};

/// What the file says; flags and environment variables come first.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) model: Option<String>,
    /// Folders in which models are looked for, besides those of other programs.
    pub(crate) models_dirs: Option<Vec<PathBuf>>,
    #[serde(default, deserialize_with = "at_least_one")]
    pub(crate) threads: Option<usize>,
    pub(crate) isa: Option<String>,
    #[serde(default, deserialize_with = "at_least_one")]
    pub(crate) context: Option<usize>,
    pub(crate) kv_type: Option<String>,
    pub(crate) quantize: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) seed: Option<u64>,
    pub(crate) temperature: Option<f32>,
    pub(crate) top_p: Option<f32>,
    pub(crate) top_k: Option<usize>,
    pub(crate) min_p: Option<f32>,
    pub(crate) typical_p: Option<f32>,
    pub(crate) repetition_penalty: Option<f32>,
    pub(crate) presence_penalty: Option<f32>,
    pub(crate) frequency_penalty: Option<f32>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) stop: Option<Vec<String>>,
    pub(crate) speculate: Option<String>,
    pub(crate) stats: Option<bool>,
    pub(crate) models: Option<Vec<String>>,
    /// What requests may say → what the served model is called.
    #[serde(default)]
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) host: Option<String>,
    pub(crate) port: Option<u16>,
    pub(crate) unix: Option<PathBuf>,
    pub(crate) tls_cert: Option<PathBuf>,
    pub(crate) tls_key: Option<PathBuf>,
    pub(crate) insecure_plain_http: Option<bool>,
    pub(crate) allow_host: Option<Vec<String>>,
    pub(crate) allow_origin: Option<Vec<String>>,
    #[serde(default, deserialize_with = "size")]
    pub(crate) kv_memory: Option<String>,
    pub(crate) prefix_cache_dir: Option<PathBuf>,
    #[serde(default, deserialize_with = "size")]
    pub(crate) prefix_cache_size: Option<String>,
    pub(crate) keep_alive: Option<String>,
    pub(crate) drain: Option<String>,
    pub(crate) max_connections: Option<usize>,
    pub(crate) log_format: Option<String>,
    pub(crate) log_level: Option<String>,
}

/// As [`read`], from this file where there is one.
///
/// # Errors
/// As [`read`]; and the file has to be there.
pub(crate) fn read_from(file: Option<&Path>) -> anyhow::Result<Settings> {
    let Some(path) = file else { return read() };
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    with_environment(parse(&text, path)?)
}

/// The file that is read: `$TRAMONTANE_CONFIG`, or `config.toml` in the configuration folder.
pub(crate) fn path() -> Option<PathBuf> {
    named().or_else(|| folders::configuration().map(|folder| folder.join("config.toml")))
}

/// Reads the file, and over it what the environment says of `model`, `models_dirs`, `system` and `template`; the variables of other
/// flags are read with the flags. The file need not be there, unless the environment names it.
///
/// # Errors
/// The file cannot be read or says something unknown: file, line and what.
pub(crate) fn read() -> anyhow::Result<Settings> {
    with_environment(read_file()?)
}

fn with_environment(settings: Settings) -> anyhow::Result<Settings> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let text = |name| match set(name).map(OsString::into_string) {
        Some(Err(value)) => Err(Usage::error(format!("{name} is {}: it is not UTF-8 text", value.display()))),
        value => Ok(value.and_then(Result::ok)),
    };
    Ok(Settings {
        model: text("TRAMONTANE_MODEL")?.or(settings.model),
        // Paths need not be text.
        models_dirs: set("TRAMONTANE_MODELS_DIRS")
            .map(|list| env::split_paths(&list).collect())
            .or(settings.models_dirs),
        system: text("TRAMONTANE_SYSTEM")?.or(settings.system),
        template: text("TRAMONTANE_TEMPLATE")?.or(settings.template),
        ..settings
    })
}

fn read_file() -> anyhow::Result<Settings> {
    let Some(path) = path() else { return Ok(Settings::default()) };
    match fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named().is_none() => Ok(Settings::default()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

fn named() -> Option<PathBuf> {
    env::var_os("TRAMONTANE_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from)
}

fn parse(text: &str, path: &Path) -> anyhow::Result<Settings> {
    toml::from_str(text).map_err(|error: toml::de::Error| {
        let start = error.span().map_or(0, |span| span.start);
        let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
        Usage::error(format!("{}:{line}: {}", path.display(), error.message().replace('\n', " ")))
    })
}

/// Numbers that flags refuse with their own name are refused here, where the line is known.
fn at_least_one<'de, D: Deserializer<'de>>(number: D) -> Result<Option<usize>, D::Error> {
    match Option::deserialize(number)? {
        Some(0) => Err(D::Error::custom("it is 0: at least one is needed")),
        number => Ok(number),
    }
}

fn size<'de, D: Deserializer<'de>>(text: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(text)?;
    if let Some(text) = &text {
        flags::bytes(text).map_err(|problem| D::Error::custom(format_args!("it is {text}: {problem}")))?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_named() {
        let message = |text: &str| parse(text, Path::new("c.toml")).unwrap_err().to_string();
        assert!(message("threads = 2\n\ntempratur = 0.5\n").starts_with("c.toml:3: unknown field `tempratur`"));
        assert!(message("threads = 2\ntop_p = \"high\"").starts_with("c.toml:2: invalid type"));
        assert!(message("threads = \n").starts_with("c.toml:1: "));
        assert_eq!(message("seed = 1\nthreads = 0"), "c.toml:2: it is 0: at least one is needed");
        assert_eq!(message("\n\ncontext = 0"), "c.toml:3: it is 0: at least one is needed");
        for key in ["kv_memory", "prefix_cache_size"] {
            let text = format!("\n{key} = \"8X\"");
            assert_eq!(message(&text), "c.toml:2: it is 8X: a size is expected, like 512M or 8G");
        }
    }

    #[test]
    fn an_empty_file_is_all_defaults() {
        assert_eq!(parse("", Path::new("c.toml")).unwrap(), Settings::default());
        let settings = parse("temperature = 1\nstop = [\"x\"]", Path::new("c.toml")).unwrap();
        assert_eq!((settings.temperature, settings.stop), (Some(1.0), Some(vec!["x".to_owned()])));
    }
}
