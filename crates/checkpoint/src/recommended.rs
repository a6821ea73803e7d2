//! How a model's makers recommend that its tokens are chosen.
//!
//! GGUF files say it under `general.sampling.*` (llama.cpp's names), Hugging Face folders in `generation_config.json`.
//! A value that is out of its range is left out with a note: a recommendation is no reason to refuse a model.

use serde_json::{Map, Value as Json};

use crate::gguf::{Gguf, Value};
use crate::notes::Notes;

/// What is recommended; `None` where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Recommended {
    /// Divides the logits; 0 takes the most probable token.
    pub temperature: Option<f32>,
    /// How many of the most probable tokens to choose among; 0 is all.
    pub top_k: Option<usize>,
    /// Share of probability to choose among.
    pub top_p: Option<f32>,
    /// Least probability, as a share of the highest.
    pub min_p: Option<f32>,
    /// Penalty on what was said before.
    pub repetition_penalty: Option<f32>,
}

/// GGUF key under `general.sampling.`, key of `generation_config.json`; in the order of the fields.
const KEYS: [(&str, &str); 5] = [
    ("temp", "temperature"),
    ("top_k", "top_k"),
    ("top_p", "top_p"),
    ("min_p", "min_p"),
    ("penalty_repeat", "repetition_penalty"),
];

impl Recommended {
    pub(crate) fn of_gguf(gguf: &Gguf, notes: &mut Notes) -> Self {
        let number = |key: &str| match gguf.keys.value(&format!("general.sampling.{key}"))? {
            // Through its shortest decimal form: 0.15 is what was meant, not 0.15000000596.
            Value::F32(x) => x.to_string().parse().ok(),
            Value::F64(x) => Some(*x),
            other => other.integer().map(|x| x as f64),
        };
        let others: Vec<_> = gguf.keys.iter().filter_map(|(key, _)| key.strip_prefix("general.sampling.")).collect();
        let others: Vec<_> = others.into_iter().filter(|key| KEYS.iter().all(|(known, _)| known != key)).collect();
        if !others.is_empty() {
            notes.add(format!("recommendations for sampling that are not followed: {}", others.join(", ")));
        }
        Self::of(KEYS.map(|(key, _)| number(key)), KEYS.map(|(key, _)| key), notes)
    }

    /// Temperature and its like count only where `do_sample` is not false: without sampling, the most probable token.
    pub(crate) fn of_generation_config(object: &Map<String, Json>, notes: &mut Notes) -> Self {
        let number = |key: &str| object.get(key).and_then(Json::as_f64);
        let mut found = Self::of(KEYS.map(|(_, key)| number(key)), KEYS.map(|(_, key)| key), notes);
        if object.get("do_sample") == Some(&Json::Bool(false)) {
            found.temperature = Some(0.0);
        }
        found
    }

    /// Nothing is recommended.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn of(values: [Option<f64>; 5], names: [&str; 5], notes: &mut Notes) -> Self {
        let mut within = |index: usize, least: f64, most: f64| {
            let (value, name) = (*values.get(index)?, names.get(index)?);
            let value = value?;
            if (least..=most).contains(&value) {
                return Some(value);
            }
            notes.add(format!("the files recommend {name} {value}, which is out of range and left out"));
            None
        };
        Self {
            temperature: within(0, 0.0, 10.0).map(|x| x as f32),
            top_k: within(1, 0.0, 1e6).map(|x| x as usize),
            top_p: within(2, 0.0, 1.0).map(|x| x as f32),
            min_p: within(3, 0.0, 1.0).map(|x| x as f32),
            repetition_penalty: within(4, f64::from(f32::MIN_POSITIVE), 10.0).map(|x| x as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generation_configs() {
        let read = |text: &str| {
            let mut notes = Notes::default();
            let found = Recommended::of_generation_config(&serde_json::from_str(text).unwrap(), &mut notes);
            (found, notes.into_lines().len())
        };
        let some = Recommended { temperature: Some(0.15), top_p: Some(0.9), top_k: Some(40), ..Default::default() };
        assert_eq!(read(r#"{"do_sample": true, "temperature": 0.15, "top_p": 0.9, "top_k": 40}"#), (some, 0));
        assert_eq!(read(r#"{"do_sample": false}"#).0.temperature, Some(0.0));
        assert_eq!(read(r#"{"temperature": -1, "top_p": "high", "eos_token_id": 2}"#), (Recommended::default(), 1));
    }
}
