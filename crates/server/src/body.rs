//! JSON bodies from outside.
//!
//! Bounded in size, time and depth; a name that stands twice in an object is refused, because readers differ in which
//! one counts. Errors name the path of the field.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body as Incoming, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::app::App;
use crate::limits;
use crate::refusal::{Refusal, RefusalKind};

/// A JSON body, read into `T`.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        JsonBytes::from_request(request, app).await?.read().map(Body)
    }
}

/// A body that is JSON, whole and without duplicate names; for whoever has to look at it before it knows the type.
#[derive(Clone, Debug)]
pub(crate) struct JsonBytes(Bytes);

impl FromRequest<Arc<App>> for JsonBytes {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Refusal> {
        // The gate has looked at the content type.
        let bytes = receive(request.into_body(), app.options.deadlines.body).await?;
        apart(bytes.len(), || Self::check(bytes))
    }
}

impl JsonBytes {
    fn check(bytes: Bytes) -> Result<Self, Refusal> {
        read::<Distinct>(&bytes)?;
        Ok(Self(bytes))
    }

    /// Reads it into `T`.
    ///
    /// # Errors
    /// It does not have the form of `T`: the field's path, and what was expected. [`RefusalKind::UnknownField`] where `T`
    /// denies unknown fields and there is one.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        self.apart(|| read(&self.0))
    }

    /// Runs `work` on what the body says; a large one keeps nobody else waiting.
    pub(crate) fn apart<T>(&self, work: impl FnOnce() -> T) -> T {
        apart(self.0.len(), work)
    }
}

/// The threads that serve connections are few: one that is busy with a large body gives its place to another.
fn apart<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    if bytes > limits::LARGE_BODY_BYTES { tokio::task::block_in_place(work) } else { work() }
}

async fn receive(body: Incoming, deadline: Duration) -> Result<Bytes, Refusal> {
    let read = tokio::time::timeout(deadline, to_bytes(body, limits::BODY_BYTES)).await;
    let slow = || {
        let seconds = deadline.as_secs();
        Refusal::new(RefusalKind::Slow, format!("the body did not arrive within {seconds} seconds"))
    };
    read.map_err(|_| slow())?.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        if cause.contains("length limit") {
            return too_large();
        }
        Refusal::new(RefusalKind::Invalid, "the body broke off before its end")
    })
}

/// The refusal of a body that is or claims to be too long.
pub(crate) fn too_large() -> Refusal {
    Refusal::new(RefusalKind::TooLarge, format!("the body is longer than {} MiB", limits::BODY_BYTES >> 20))
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| refused(&error))?;
    json.end().map_err(|error| Refusal::new(RefusalKind::Invalid, format!("the body is not JSON: {error}")))?;
    Ok(value)
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Refusal {
    let (path, cause) = (error.path().to_string(), error.inner());
    if !cause.is_data() {
        return Refusal::new(RefusalKind::Invalid, format!("the body is not JSON: {cause}"));
    }
    let cause = cause.to_string();
    let cause = cause.rsplit_once(" at line ").map_or(cause.as_str(), |(text, _)| text);
    let kind = if cause.starts_with("unknown field") { RefusalKind::UnknownField } else { RefusalKind::Invalid };
    match path.as_str() {
        "." | "?" => Refusal::new(kind, format!("the body is wrong: {cause}")),
        path => Refusal::new(kind, format!("{path}: {cause}")).at(path),
    }
}

/// Any JSON in which no object has a name twice.
struct Distinct;

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self, A::Error> {
        while items.next_element::<Self>()?.is_some() {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names: HashSet<String> = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(A::Error::custom(format!("the name {name:?} stands twice in one object")));
            }
            names.insert(name);
            members.next_value::<Self>()?;
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        list: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[allow(dead_code)]
        count: u32,
    }

    #[test]
    fn errors_name_the_field() {
        let rows: [(&str, Option<&str>, &str); 9] = [
            (r#"{"list":[{"count":1},{"count":"x"}]}"#, Some("list[1].count"), "list[1].count: invalid type: string"),
            (r#"{"list":[{"count":-1}]}"#, Some("list[0].count"), "list[0].count: invalid value: integer `-1`"),
            (r#"{"lost":1}"#, Some("lost"), "lost: unknown field `lost`, expected `list`"),
            (r#"{"list":[{}]}"#, Some("list[0]"), "list[0]: missing field `count`"),
            (r#"{"list":[],"list":[]}"#, None, "the body is wrong: the name \"list\" stands twice"),
            (r#"{"list":[{"a":{"b":1,"b":2}}]}"#, Some("list[0].a"), "list[0].a: the name \"b\" stands twice"),
            ("{\"list\":[]", None, "the body is not JSON: EOF while parsing an object at line 1"),
            ("{\"list\":[]} x", None, "the body is not JSON: trailing characters"),
            ("\u{feff}{}", None, "the body is not JSON: expected value at line 1 column 1"),
        ];
        for (text, param, message) in rows {
            let read = JsonBytes::check(Bytes::from_static(text.as_bytes())).and_then(|json| json.read::<Sample>());
            let refusal = read.unwrap_err();
            assert!(refusal.message.starts_with(message), "{text}: {}", refusal.message);
            assert_eq!(refusal.param.as_deref(), param, "{text}");
        }
    }

    #[test]
    fn depth_and_numbers_are_bounded() {
        for text in ["[".repeat(100_000), format!("{}1{}", "[".repeat(200), "]".repeat(200)), "1e400".to_owned()] {
            let refusal = JsonBytes::check(Bytes::from(text)).unwrap_err();
            assert_eq!(refusal.kind, RefusalKind::Invalid);
        }
        let lone = JsonBytes::check(Bytes::from_static(br#""\ud800""#));
        assert!(lone.is_err());
        let fine = JsonBytes::check(Bytes::from_static(br#"{"a":"\u0000","b":[1.5,null,true,-1]}"#)).unwrap();
        assert!(fine.read::<Value>().is_ok());
    }
}
