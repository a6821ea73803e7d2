//! A field that is a text or something else: content, `stop`, `input`, `tool_choice`.
//!
//! serde's untagged enums forget where a mistake was made; this one passes list and object on to their own type, whose
//! errors name the field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::__dev::ComposeSchema;
use utoipa::openapi::{OneOfBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// A text, or a list or object.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextOr<T> {
    /// A text.
    Text(String),
    /// What else it may be.
    Other(T),
}

impl TextOr<Vec<String>> {
    /// The texts, where one text stands for a list of one.
    pub(crate) fn into_list(self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text],
            Self::Other(list) => list,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextOrVisitor(PhantomData))
    }
}

struct TextOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOrVisitor<T> {
    type Value = TextOr<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a list or an object")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(TextOr::Text(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
        Ok(TextOr::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        T::deserialize(SeqAccessDeserializer::new(list)).map(TextOr::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(TextOr::Other)
    }
}

impl<T: ComposeSchema> ComposeSchema for TextOr<T> {
    fn compose(generics: Vec<RefOr<Schema>>) -> RefOr<Schema> {
        OneOfBuilder::new().item(String::schema()).item(T::compose(generics)).into()
    }
}

impl<T: ToSchema + ComposeSchema> ToSchema for TextOr<T> {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
