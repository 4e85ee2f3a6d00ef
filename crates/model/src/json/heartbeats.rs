//! Reading many heartbeats for many buckets.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::events::{Ids, event_of};
use super::fields::{self, Fields, FieldsOf};
use super::{ParseError, read};
use crate::{Heartbeat, Pulsetime};

/// The fields of a heartbeat that says which bucket it is for: those of an event without an id, and two more.
const ADDRESSED: FieldsOf<5> = FieldsOf(&["bucket", "pulsetime", "timestamp", "duration", "data"]);

/// Bytes of JSON for one heartbeat, so that lists are allocated about right.
const TYPICAL: usize = 160;

/// A heartbeat, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressedHeartbeat<'a> {
    /// The id of the bucket.
    pub bucket: Cow<'a, str>,
    /// The longest gap that it bridges.
    pub pulsetime: Pulsetime,
    /// The heartbeat.
    pub heartbeat: Heartbeat<'a>,
}

/// The body of a request with many heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heartbeats<'a> {
    /// What the client calls the request.
    pub batch: Option<String>,
    /// Which answers it wants.
    pub answers: Option<String>,
    /// The heartbeats in order, or what is wrong with one.
    pub heartbeats: Vec<Result<AddressedHeartbeat<'a>, ParseError>>,
}

/// Reads `{"batch": …, "answers": …, "heartbeats": […]}`. The first two may be missing.
///
/// # Errors
///
/// [`ParseErrorKind::Syntax`](super::ParseErrorKind::Syntax) for what is no JSON,
/// [`ParseErrorKind::Shape`](super::ParseErrorKind::Shape) for another shape. One heartbeat that cannot be read is an
/// error in its place in the list.
pub fn parse_heartbeats(body: &[u8]) -> Result<Heartbeats<'_>, ParseError> {
    read(
        body,
        Request {
            size_hint: body.len() / TYPICAL,
        },
    )
}

/// Reads one heartbeat a line; empty lines are passed over.
///
/// # Errors
///
/// As [`parse_heartbeats`]; the message says which line (counted from 1).
pub fn parse_heartbeat_lines(body: &[u8]) -> Result<Heartbeats<'_>, ParseError> {
    let mut heartbeats = Vec::with_capacity(body.len() / TYPICAL + 1);
    for (index, line) in body.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let fields =
            read(line, ADDRESSED).map_err(|error| error.within(format_args!("line {}", index + 1)))?;
        heartbeats.push(fields.and_then(addressed));
    }
    Ok(Heartbeats {
        heartbeats,
        ..Heartbeats::default()
    })
}

#[inline]
fn addressed(fields: Fields<'_, 5>) -> Result<AddressedHeartbeat<'_>, ParseError> {
    let [bucket, pulsetime, timestamp, duration, data] = fields.once()?;
    let bucket = fields::string(fields::required(bucket, "bucket")?, "bucket")?;
    let seconds = fields::required(pulsetime, "pulsetime")?.get();
    let pulsetime = seconds
        .parse()
        .ok()
        .and_then(|s| Pulsetime::from_secs_f64(s).ok());
    let pulsetime = pulsetime
        .ok_or_else(|| ParseError::shape("pulsetime: expected a number of seconds, such as 60".to_owned()))?;
    let event = event_of(
        [None, timestamp, duration, data],
        Ids::Ignore,
        fields::lenient_timestamp,
    )?;
    Ok(AddressedHeartbeat {
        bucket,
        pulsetime,
        heartbeat: Heartbeat {
            start: event.start,
            duration: event.duration,
            data: event.data,
        },
    })
}

/// Reads the body.
#[derive(Clone, Copy)]
struct Request {
    size_hint: usize,
}

impl<'de> DeserializeSeed<'de> for Request {
    type Value = Heartbeats<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Request {
    type Value = Heartbeats<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the list \"heartbeats\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut batch, mut answers, mut heartbeats) = (None, None, None);
        while let Some(name) = map.next_key::<String>()? {
            let twice = match name.as_str() {
                "batch" => batch.replace(map.next_value::<Option<String>>()?).is_some(),
                "answers" => answers.replace(map.next_value::<Option<String>>()?).is_some(),
                "heartbeats" => heartbeats
                    .replace(map.next_value_seed(List(self.size_hint))?)
                    .is_some(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    false
                }
            };
            if twice {
                return Err(A::Error::custom(format_args!("{name}: is there twice")));
            }
        }
        Ok(Heartbeats {
            batch: batch.flatten(),
            answers: answers.flatten(),
            heartbeats: heartbeats.ok_or_else(|| A::Error::missing_field("heartbeats"))?,
        })
    }
}

/// Reads the list; about so many are in it.
#[derive(Clone, Copy)]
struct List(usize);

impl<'de> DeserializeSeed<'de> for List {
    type Value = Vec<Result<AddressedHeartbeat<'de>, ParseError>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List {
    type Value = Vec<Result<AddressedHeartbeat<'de>, ParseError>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of heartbeats")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut heartbeats = Vec::with_capacity(self.0 + 1);
        while let Some(fields) = list.next_element_seed(ADDRESSED)? {
            heartbeats.push(fields.and_then(addressed));
        }
        Ok(heartbeats)
    }
}
