//! `keep_alive`: how long a model stays in memory after its last use.

use std::time::Duration;

use super::wire::KeepAlive;
use crate::models::Loaded;
use crate::refusal::Refusal;

/// How long a model is to stay; `None` is for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stay(pub(super) Option<Duration>);

impl Stay {
    /// Reads the field.
    ///
    /// # Errors
    /// It is no duration.
    pub(super) fn read(field: Option<&KeepAlive>) -> Result<Option<Self>, Refusal> {
        let Some(field) = field else { return Ok(None) };
        let seconds = match field {
            KeepAlive::Seconds(seconds) => Some(*seconds),
            KeepAlive::Text(text) => parse(text),
        };
        match seconds {
            Some(seconds) if seconds < 0.0 => Ok(Some(Self(None))),
            // Longer than anybody can wait is for good.
            Some(seconds) if seconds.is_finite() => Ok(Some(Self(Duration::try_from_secs_f64(seconds).ok()))),
            _ => {
                let message = "keep_alive: expected seconds, or a duration such as 5m or 1h30m; below 0 is for good";
                Err(Refusal::field("keep_alive", message))
            }
        }
    }

    /// Tells the model.
    pub(super) fn apply(stay: Option<Self>, model: &Loaded) {
        if let Some(Self(stay)) = stay {
            model.stay(stay);
        }
    }

    /// The model is to go at once.
    pub(super) fn is_over(stay: Option<Self>) -> bool {
        stay == Some(Self(Some(Duration::ZERO)))
    }
}

/// Go's durations: numbers with units, one after the other; a number alone is seconds.
fn parse(text: &str) -> Option<f64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Some(seconds);
    }
    let (sign, mut rest) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
    let mut sum = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        let (scale, after) = unit(rest.get(end..)?)?;
        sum += number * scale;
        rest = after;
    }
    (!text.is_empty()).then_some(sign * sum)
}

/// The longest unit that fits: `ms` before `m`.
fn unit(text: &str) -> Option<(f64, &str)> {
    const UNITS: [(&str, f64); 7] =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    UNITS.iter().find_map(|(name, scale)| Some((*scale, text.strip_prefix(name)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_gos() {
        let some = |seconds: u64| Some(Some(Duration::from_secs(seconds)));
        let rows = [
            ("5m", some(300)),
            ("1h30m", some(5400)),
            ("90", some(90)),
            ("1500ms", Some(Some(Duration::from_millis(1500)))),
            ("0", some(0)),
            ("-1", Some(None)),
            ("-1m", Some(None)),
            ("1e30", Some(None)),
            ("", None),
            ("5 minutes", None),
            ("m", None),
            ("nan", None),
            ("5m3", None),
        ];
        for (text, expected) in rows {
            let read = Stay::read(Some(&KeepAlive::Text(text.to_owned())));
            assert_eq!(read.ok().map(|stay| stay.and_then(|stay| stay.0)), expected, "{text}");
        }
        assert_eq!(Stay::read(Some(&KeepAlive::Seconds(-1.0))), Ok(Some(Stay(None))));
        assert!(Stay::is_over(Stay::read(Some(&KeepAlive::Seconds(0.0))).unwrap()));
    }
}
