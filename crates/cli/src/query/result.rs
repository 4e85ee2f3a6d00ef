//! What an answer is made of. Its members are kept in their order and its values as the text that they are: a result
//! may have a million events, and is only looked at.

use std::borrow::Cow;
use std::fmt;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The one result in the answer to a query about one period.
///
/// # Errors
/// When it is no list with one element.
pub(super) fn only_result(answer: &[u8]) -> anyhow::Result<&RawValue> {
    let results: Vec<&RawValue> =
        serde_json::from_slice(answer).context("the answer is no list of results")?;
    match results.as_slice() {
        [result] => Ok(result),
        other => bail!("the answer has {} results for one period", other.len()),
    }
}

/// An object, its members in the order in which they came.
#[derive(Debug)]
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

/// An event; its id is left out.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow)]
    pub(super) timestamp: Cow<'a, str>,
    /// Seconds.
    #[serde(borrow)]
    pub(super) duration: &'a RawValue,
    #[serde(borrow)]
    pub(super) data: Members<'a>,
}

/// A value, one floor deep.
#[derive(Debug)]
pub(super) enum Value<'a> {
    /// Also an empty list.
    Events(Vec<Event<'a>>),
    List(Vec<&'a RawValue>),
    Dict(Members<'a>),
    Text(String),
    /// A number, `true`, `false` or `null`, as it is written.
    Plain(&'a str),
}

impl<'a> Value<'a> {
    /// Looks at a value.
    pub(super) fn of(value: &'a RawValue) -> serde_json::Result<Self> {
        let text = value.get();
        match text.bytes().next() {
            Some(b'{') => serde_json::from_str(text).map(Self::Dict),
            Some(b'"') => serde_json::from_str(text).map(Self::Text),
            Some(b'[') => match serde_json::from_str(text) {
                Ok(events) => Ok(Self::Events(events)),
                Err(_) => serde_json::from_str(text).map(Self::List),
            },
            _ => Ok(Self::Plain(text)),
        }
    }

    /// What it is called.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Events(_) => "a list of events",
            Self::List(_) => "a list of other values",
            Self::Dict(_) => "a dict",
            Self::Text(_) => "a string",
            Self::Plain("true" | "false") => "a bool",
            Self::Plain("null") => "null",
            Self::Plain(_) => "a number",
        }
    }
}

impl Members<'_> {
    /// The member of this name.
    pub(super) fn get(&self, name: &str) -> Option<&RawValue> {
        let member = self.0.iter().find(|(key, _)| key == name);
        member.map(|(_, value)| *value)
    }
}

/// The names of all data of these events, in the order in which they occur first.
pub(super) fn names<'a>(events: &'a [Event<'_>]) -> Vec<&'a str> {
    let mut seen = std::collections::HashSet::new();
    let members = events.iter().flat_map(|event| &event.data.0);
    let names = members.map(|(name, _)| name.as_ref());
    names.filter(|name| seen.insert(*name)).collect()
}

/// A value as it stands in a cell: a string without its quotes, everything else as JSON.
pub(super) fn cell(value: &RawValue) -> Cow<'_, str> {
    let text = value.get();
    match serde_json::from_str(text) {
        Ok(string) if text.starts_with('"') => Cow::Owned(string),
        _ => Cow::Borrowed(text),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

/// Gathers members.
struct InOrder;

/// A name that is copied only if it is escaped.
#[derive(Deserialize)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Members<'de>, M::Error> {
        let mut members = Vec::new();
        while let Some((Borrowed(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> &'static str {
        let value: &RawValue = serde_json::from_str(text).unwrap();
        Value::of(value).unwrap().kind()
    }

    #[test]
    fn values_are_known_by_what_they_are_made_of() {
        let event = r#"{"id":1,"timestamp":"2024-03-01T10:00:00Z","duration":1.5,"data":{}}"#;
        for (text, expected) in [
            (format!("[{event},{event}]"), "a list of events"),
            ("[]".to_owned(), "a list of events"),
            (format!("[{event},1]"), "a list of other values"),
            (r#"["a"]"#.to_owned(), "a list of other values"),
            (event.to_owned(), "a dict"),
            ("{}".to_owned(), "a dict"),
            (r#""a""#.to_owned(), "a string"),
            ("1.0".to_owned(), "a number"),
            ("true".to_owned(), "a bool"),
            ("null".to_owned(), "null"),
        ] {
            assert_eq!(kind(&text), expected, "{text}");
        }
    }

    #[test]
    fn members_keep_their_order() {
        let value: &RawValue = serde_json::from_str(r#"{"z":1,"a\u00e9":[2],"b":"c"}"#).unwrap();
        let Value::Dict(members) = Value::of(value).unwrap() else {
            panic!("{value}");
        };
        let names: Vec<&str> = members.0.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(names, ["z", "aé", "b"]);
        assert_eq!(members.get("b").map(cell).as_deref(), Some("c"));
        assert_eq!(members.get("aé").map(cell).as_deref(), Some("[2]"));
        assert!(members.get("c").is_none());
    }

    #[test]
    fn an_answer_has_one_result() {
        assert_eq!(only_result(b"[ {\"a\": 1} ]").unwrap().get(), "{\"a\": 1}");
        for other in [&b"[]"[..], b"[1,2]", b"{}", b"<html>", b""] {
            assert!(only_result(other).is_err(), "{}", String::from_utf8_lossy(other));
        }
    }
}
