//! The known fields of an object, each as the text it is, and how to read them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::ParseError;
use crate::data::kind_of;
use crate::{Data, Duration, EventId, Timestamp};

/// The known fields of one object, in the order in which they were asked for.
pub(super) struct Fields<'de, const N: usize> {
    pub(super) raw: [Option<&'de RawValue>; N],
    /// The first known field that is there twice.
    twice: Option<&'static str>,
}

impl<'de, const N: usize> Fields<'de, N> {
    /// The fields, if none of them was there twice: which one is meant cannot be known.
    pub(super) fn once(self) -> Result<[Option<&'de RawValue>; N], ParseError> {
        match self.twice {
            None => Ok(self.raw),
            Some(name) => Err(ParseError::shape(format!("{name}: is there twice"))),
        }
    }

    /// The fields, the last of each; and the name of the first that was there twice.
    pub(super) fn last(self) -> ([Option<&'de RawValue>; N], Option<&'static str>) {
        (self.raw, self.twice)
    }
}

/// Reads an object's [`Fields`] of these names. A value of any other type is read too, and named in the error: so one
/// wrong element does not keep the rest of a list from being read.
#[derive(Clone, Copy)]
pub(super) struct FieldsOf<const N: usize>(pub(super) &'static [&'static str; N]);

type FieldsOrError<'de, const N: usize> = Result<Fields<'de, N>, ParseError>;

impl<'de, const N: usize> DeserializeSeed<'de> for FieldsOf<N> {
    type Value = FieldsOrError<'de, N>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for FieldsOf<N> {
    type Value = FieldsOrError<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields {
            raw: [None; N],
            twice: None,
        };
        while let Some(known) = map.next_key_seed(NameOf(self.0))? {
            let Some(field) = known.and_then(|at| fields.raw.get_mut(at)) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if field.replace(map.next_value()?).is_some() {
                fields.twice = fields.twice.or(known.and_then(|at| self.0.get(at).copied()));
            }
        }
        Ok(Ok(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Err(not_an_object("a list")))
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Err(not_an_object("a string")))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Err(not_an_object("a boolean")))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Err(not_an_object("a number")))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Err(not_an_object("a number")))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Err(not_an_object("a number")))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Err(not_an_object("null")))
    }
}

fn not_an_object(found: &str) -> ParseError {
    ParseError::shape(format!("expected an object, found {found}"))
}

/// Reads a key as its index among the known names.
struct NameOf(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for NameOf {
    type Value = Option<usize>;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NameOf {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    #[inline]
    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

/// A field that has to be there.
pub(super) fn required<'de>(
    raw: Option<&'de RawValue>,
    name: &'static str,
) -> Result<&'de RawValue, ParseError> {
    raw.ok_or_else(|| ParseError::shape(format!("{name}: is missing")))
}

/// A field that may be missing, or null, which says the same.
pub(super) fn optional(raw: Option<&RawValue>) -> Option<&RawValue> {
    raw.filter(|raw| raw.get() != "null")
}

/// Reads a string.
pub(super) fn string<'de>(raw: &'de RawValue, name: &'static str) -> Result<Cow<'de, str>, ParseError> {
    let text = raw.get();
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return Err(ParseError::shape(format!(
            "{name}: expected a string, found {}",
            kind_of(text)
        )));
    };
    if !inner.contains('\\') {
        return Ok(Cow::Borrowed(inner));
    }
    // Here half of a surrogate pair is found: the text as such may have it.
    let resolved = serde_json::from_str(text).map_err(|error| ParseError::from(error).within(name))?;
    Ok(Cow::Owned(resolved))
}

/// Reads an instant.
#[inline]
pub(super) fn timestamp(raw: &RawValue, name: &'static str) -> Result<Timestamp, ParseError> {
    let text = raw.get();
    // No escape can be part of a time, so the text between the quotes is what counts.
    if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'))
        && let Ok(timestamp) = Timestamp::parse(inner)
    {
        return Ok(timestamp);
    }
    Timestamp::parse(&string(raw, name)?).map_err(|error| ParseError::from(error).within(name))
}

/// Reads an instant that need not have an offset: then it is in UTC.
#[inline]
pub(super) fn lenient_timestamp(raw: &RawValue, name: &'static str) -> Result<Timestamp, ParseError> {
    match timestamp(raw, name) {
        Err(_) => Timestamp::parse_lenient(&string(raw, name)?)
            .map_err(|error| ParseError::from(error).within(name)),
        read => read,
    }
}

/// Reads a number of seconds.
#[inline]
pub(super) fn duration(raw: &RawValue, name: &'static str) -> Result<Duration, ParseError> {
    let text = raw.get();
    match text.as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => {
            Duration::parse(text).map_err(|error| ParseError::from(error).within(name))
        }
        _ => Err(ParseError::shape(format!(
            "{name}: expected a number of seconds, found {}",
            kind_of(text)
        ))),
    }
}

/// Reads a data object into its canonical spelling.
#[inline]
pub(super) fn data<'de>(raw: &'de RawValue, name: &'static str) -> Result<Cow<'de, str>, ParseError> {
    Data::canonical(raw.get()).map_err(|error| ParseError::from(error).within(name))
}

/// Reads an event id a client may give.
pub(super) fn event_id(raw: &RawValue, name: &'static str) -> Result<EventId, ParseError> {
    let text = raw.get();
    let id = text.parse().ok().map(EventId).filter(|id| id.is_valid());
    id.ok_or_else(|| {
        let found = match text.as_bytes().first() {
            Some(b'-' | b'0'..=b'9') => text.chars().take(32).collect(),
            _ => kind_of(text).to_owned(),
        };
        let (least, greatest) = (EventId::MIN, EventId::MAX);
        ParseError::shape(format!(
            "{name}: expected a whole number from {least} to {greatest}, or null, found {found}"
        ))
    })
}
