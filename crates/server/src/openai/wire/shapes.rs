//! Prompts and inputs, which may be texts or token ids, one or many. Read by hand: untagged enums would say of every
//! mistake only that nothing matched.

use std::fmt;

use engine::TokenId;
use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

/// Texts or lists of token ids, one or many: prompts of completions, inputs of embeddings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// A text to be encoded.
    Text(String),
    /// Ids as they are.
    Ids(Vec<TokenId>),
}

impl Tokens {
    /// One text, one list of ids, a list of texts, or a list of lists of ids.
    pub(crate) fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Self>, D::Error> {
        deserializer.deserialize_any(TokensVisitor)
    }
}

struct TokensVisitor;

/// An element of the outer list.
enum Element {
    Id(u32),
    Whole(Tokens),
}

impl<'de> Visitor<'de> for TokensVisitor {
    type Value = Vec<Tokens>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list of strings, a list of token ids, or a list of lists of token ids")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![Tokens::Text(text.to_owned())])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let (mut ids, mut wholes) = (Vec::new(), Vec::new());
        while let Some(element) = items.next_element()? {
            match element {
                Element::Id(id) => ids.push(TokenId(id)),
                Element::Whole(whole) => wholes.push(whole),
            }
        }
        match (ids.is_empty(), wholes.is_empty()) {
            (false, false) => Err(A::Error::custom("token ids and strings in one list: send one kind")),
            (false, true) => Ok(vec![Tokens::Ids(ids)]),
            (true, _) => Ok(wholes),
        }
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ElementVisitor)
    }
}

struct ElementVisitor;

impl<'de> Visitor<'de> for ElementVisitor {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a token id, or a list of token ids")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Whole(Tokens::Text(text.to_owned())))
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<Element, E> {
        u32::try_from(id).map(Element::Id).map_err(|_| E::custom(format_args!("token id {id} is out of range")))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Element, E> {
        Err(E::custom(format_args!("token id {id} is out of range")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Element, A::Error> {
        let mut ids = Vec::new();
        while let Some(id) = items.next_element()? {
            ids.push(TokenId(id));
        }
        Ok(Element::Whole(Tokens::Ids(ids)))
    }
}

#[cfg(test)]
mod tests {
    use engine::TokenId;
    use serde::Deserialize;

    use super::Tokens;

    #[derive(Debug, Deserialize)]
    struct Holder {
        #[serde(deserialize_with = "Tokens::one_or_many")]
        input: Vec<Tokens>,
    }

    #[test]
    fn inputs_take_four_forms() {
        let text = |text: &str| Tokens::Text(text.to_owned());
        let ids = |ids: &[u32]| Tokens::Ids(ids.iter().copied().map(TokenId).collect());
        let rows = [
            (r#""a""#, Some(vec![text("a")])),
            (r#"["a","b"]"#, Some(vec![text("a"), text("b")])),
            ("[1,2]", Some(vec![ids(&[1, 2])])),
            ("[[1],[]]", Some(vec![ids(&[1]), ids(&[])])),
            ("[]", Some(vec![])),
            (r#"[1,"a"]"#, None),
            ("[-1]", None),
            ("[4294967296]", None),
            ("[1.5]", None),
            ("[[-1]]", None),
            ("7", None),
        ];
        testkit::check_table(rows.map(|row| (row.0, row)), |(json, expected)| {
            let read = serde_json::from_str::<Holder>(&format!("{{\"input\":{json}}}")).ok().map(|h| h.input);
            if read == expected { Ok(()) } else { Err(format!("{read:?}")) }
        });
    }
}
