//! The models on this machine, as the settings and the environment say where to look.

use std::env;

use hub::{Found, Roots};

use crate::settings::Settings;

/// The folders that are looked into.
pub(crate) fn roots(settings: &Settings) -> Roots {
    Roots::find(&|name| env::var_os(name), settings.models_dirs.as_deref().unwrap_or_default())
}

/// All models that are found there.
pub(crate) fn survey(settings: &Settings) -> Vec<Found> {
    hub::survey(&roots(settings))
}
