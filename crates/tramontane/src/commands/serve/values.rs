//! Values of flags: durations, sizes, models with names.

use std::path::Path;
use std::time::Duration;

use server::ModelSource;

use crate::exit::Usage;
use crate::model_source;
use crate::settings::Settings;

/// `90`, `90s`, `5m`, `2h`, `1d`.
///
/// # Errors
/// It is none of these.
pub(super) fn duration(flag: &str, text: &str) -> anyhow::Result<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => Some(1),
        "m" => Some(60),
        "h" => Some(60 * 60),
        "d" => Some(24 * 60 * 60),
        _ => None,
    };
    let seconds = unit.and_then(|unit| digits.parse::<u32>().ok()?.checked_mul(unit));
    let wrong = || Usage::error(format!("--{flag} is {text}: a duration is expected, like 30s, 5m or 2h"));
    Ok(Duration::from_secs(u64::from(seconds.ok_or_else(wrong)?)))
}

/// A duration; `-1` and `never` are for good (`None`).
///
/// # Errors
/// It is neither.
pub(super) fn keep_alive(text: &str) -> anyhow::Result<Option<Duration>> {
    if matches!(text, "-1" | "never") { Ok(None) } else { duration("keep-alive", text).map(Some) }
}

/// MODEL or NAME=MODEL.
///
/// # Errors
/// There is no such model.
pub(super) fn model(word: Option<&str>, settings: &Settings) -> anyhow::Result<ModelSource> {
    let (name, word) = match word.and_then(|word| word.split_once('=')) {
        // A path may have such a sign in it too.
        Some((name, path)) if !name.contains(['/', '\\']) && !word.is_some_and(|word| Path::new(word).exists()) => {
            (Some(name.to_owned()), Some(path))
        }
        _ => (None, word),
    };
    let source = model_source::ModelSource::find(word, settings)?;
    let name = match name {
        Some(name) if is_name(&name) => name,
        Some(name) => {
            return Err(Usage::error(format!("{name:?} cannot name a model: letters, digits and -._:/ can")));
        }
        // What was asked for by its name in a store is called by that name.
        None => match word.filter(|word| is_name(word) && !Path::new(word).exists()) {
            Some(word) => word.to_owned(),
            None => source.short_name(),
        },
    };
    Ok(source.to_serve(name))
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:/".contains(c);
    (1..=128).contains(&name.len()) && name.chars().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let rows = [("0", Some(0)), ("90", Some(90)), ("5m", Some(300)), ("2h", Some(7200)), ("1d", Some(86400))];
        let wrong = ["", "m", "-1", "5 m", "1.5h", "5x", "99999999999"].map(|text| (text, None));
        for (text, seconds) in rows.into_iter().chain(wrong) {
            assert_eq!(duration("drain", text).ok().map(|d| d.as_secs()), seconds, "{text}");
        }
        assert_eq!(keep_alive("-1").unwrap(), None);
    }

    #[test]
    fn models_have_names() {
        let name = |word| model(Some(word), &Settings::default()).map(|model| model.name);
        assert_eq!(name("brise").unwrap(), "brise");
        assert_eq!(name("gpt-4o=brise").unwrap(), "gpt-4o");
        assert_eq!(name("src").unwrap(), "src");
        assert!(name("a b=brise").unwrap_err().to_string().contains("cannot name a model"));
    }
}
