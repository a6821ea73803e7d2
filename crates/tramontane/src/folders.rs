//! Where the user's files are: the platform's own places.

use std::env;
use std::path::PathBuf;

/// The folder of `config.toml`; `None` on a machine without a home folder.
pub(crate) fn configuration() -> Option<PathBuf> {
    place("XDG_CONFIG_HOME", ".config", "APPDATA")
}

/// The folder of what the program keeps: the history of `chat`.
pub(crate) fn data() -> Option<PathBuf> {
    place("XDG_DATA_HOME", ".local/share", "LOCALAPPDATA")
}

fn place(xdg: &str, unix: &str, windows: &str) -> Option<PathBuf> {
    let base = if cfg!(windows) {
        variable(windows)
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        // A relative path there is to be ignored (XDG Base Directory Specification).
        let given = variable(xdg).filter(|path| path.is_absolute());
        given.or_else(|| variable("HOME").map(|home| home.join(unix)))
    };
    base.map(|path| path.join("tramontane"))
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
