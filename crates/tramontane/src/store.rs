//! The models on this machine, as the settings and the environment say where to look.

use std::env;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use hub::{Found, Roots};

use crate::brise;
use crate::exit::{Interrupted, Usage};
use crate::settings::Settings;

/// The folders that are looked into.
pub(crate) fn roots(settings: &Settings) -> Roots {
    Roots::find(&|name| env::var_os(name), settings.models_dirs.as_deref().unwrap_or_default())
}

/// All models that are found there.
pub(crate) fn survey(settings: &Settings) -> Vec<Found> {
    hub::survey(&roots(settings))
}

/// The files of the model that `word` means, a path or a name; broken models too.
///
/// # Errors
/// Nothing is meant, or several models are; or the word is the model inside the program, which has no files.
pub(crate) fn find(word: &str, settings: &Settings) -> anyhow::Result<Found> {
    if word == brise::NAME {
        return Err(Usage::error("brise is a part of the program: it has no files of its own"));
    }
    let found = survey(settings);
    let path = Path::new(word);
    if path.exists() {
        let model = hub::at_path(path, &found);
        return model.ok_or_else(|| anyhow::anyhow!("{word}: there is no model in it"));
    }
    Ok(hub::meant(word, &found)?.clone())
}

/// Ctrl-C is no failure to tell of.
pub(crate) fn stopped(error: hub::Error) -> anyhow::Error {
    match error {
        hub::Error::Stopped => anyhow::Error::new(Interrupted),
        error => error.into(),
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
