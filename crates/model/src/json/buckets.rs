//! Reading buckets and imports.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::events::{EventList, EventsRead};
use super::fields::{Fields, FieldsOf, data, lenient_timestamp, optional, required, string};
use super::{ParseError, read};
use crate::data::kind_of;
use crate::time::excerpt;
use crate::{BucketUpdate, Data, NewBucket};

/// The fields of a bucket, in the order in which they are taken apart below.
pub(super) const BUCKET: FieldsOf<8> = FieldsOf(&[
    "id",
    "type",
    "client",
    "hostname",
    "created",
    "data",
    "last_updated",
    "events",
]);

/// The fields of a change to a bucket, in the order in which they are taken apart below.
const UPDATE: FieldsOf<4> = FieldsOf(&["type", "client", "hostname", "data"]);

/// Reads the body of a create: `type`, `client` and `hostname` are required; `id`, `created`, `data`, `last_updated`
/// and `events` are optional. Events that cannot be read are left out and counted.
///
/// # Errors
///
/// [`ParseErrorKind::Syntax`](super::ParseErrorKind::Syntax) for what is no JSON,
/// [`ParseErrorKind::Shape`](super::ParseErrorKind::Shape) for what is no bucket; the message says which field and why.
pub fn parse_bucket(body: &[u8]) -> Result<NewBucket<'_>, ParseError> {
    read(body, BUCKET)?
        .and_then(bucket)
        .map_err(|error| error.within("bucket"))
}

/// Reads the body of a change to a bucket: `type`, `client`, `hostname`, `data`, all optional. Null says nothing.
///
/// # Errors
///
/// As [`parse_bucket`].
pub fn parse_bucket_update(body: &[u8]) -> Result<BucketUpdate, ParseError> {
    read(body, UPDATE)?
        .and_then(update)
        .map_err(|error| error.within("bucket"))
}

/// Reads an export of this or a reference server, `{"buckets": {"<id>": {...}, ...}}`, in the order of the file. The
/// id inside the bucket counts; where it has none, the key does. Events that cannot be read are left out and
/// counted, and ids of events are not looked at.
///
/// # Errors
///
/// [`ParseErrorKind::Syntax`](super::ParseErrorKind::Syntax) for what is no JSON,
/// [`ParseErrorKind::Shape`](super::ParseErrorKind::Shape) when a bucket or `buckets` itself is not as it should be.
pub fn parse_import(body: &[u8]) -> Result<Vec<NewBucket<'_>>, ParseError> {
    read(body, Import)?
}

fn bucket<'de>(fields: Fields<'de, 8>) -> Result<NewBucket<'de>, ParseError> {
    let [id, type_, client, hostname, created, data, last_updated, events] = fields.once()?;
    let data = match data {
        Some(raw) => owned_data(raw)?,
        None => Data::default(),
    };
    let EventsRead { events, left_out } = match optional(events) {
        Some(raw) => bucket_events(raw)?,
        None => EventsRead::default(),
    };
    Ok(NewBucket {
        id: optional(id).map(|raw| owned_string(raw, "id")).transpose()?,
        type_: owned_string(required(type_, "type")?, "type")?,
        client: owned_string(required(client, "client")?, "client")?,
        hostname: owned_string(required(hostname, "hostname")?, "hostname")?,
        created: optional(created)
            .map(|raw| lenient_timestamp(raw, "created"))
            .transpose()?,
        data,
        last_updated: optional(last_updated)
            .map(|raw| lenient_timestamp(raw, "last_updated"))
            .transpose()?,
        events,
        left_out,
    })
}

fn update(fields: Fields<'_, 4>) -> Result<BucketUpdate, ParseError> {
    let [type_, client, hostname, data] = fields.once()?;
    let text = |raw, name| optional(raw).map(|raw| owned_string(raw, name)).transpose();
    Ok(BucketUpdate {
        type_: text(type_, "type")?,
        client: text(client, "client")?,
        hostname: text(hostname, "hostname")?,
        data: optional(data).map(owned_data).transpose()?,
    })
}

fn owned_string(raw: &RawValue, name: &'static str) -> Result<String, ParseError> {
    string(raw, name).map(String::from)
}

fn owned_data(raw: &RawValue) -> Result<Data, ParseError> {
    data(raw, "data").map(Data::from_canonical)
}

fn bucket_events(raw: &RawValue) -> Result<EventsRead<'_>, ParseError> {
    let text = raw.get().as_bytes();
    if text.first() != Some(&b'[') {
        let found = kind_of(raw.get());
        return Err(ParseError::shape(format!(
            "events: expected a list of events, found {found}"
        )));
    }
    read(text, EventList::of_bucket(text.len()))?
}

/// Reads the outermost object of an import.
struct Import;

impl<'de> DeserializeSeed<'de> for Import {
    type Value = Result<Vec<NewBucket<'de>>, ParseError>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Import {
    type Value = Result<Vec<NewBucket<'de>>, ParseError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an export, an object with the field `buckets`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut buckets = None;
        while let Some(key) = map.next_key::<String>()? {
            if key != "buckets" {
                map.next_value::<IgnoredAny>()?;
            } else if buckets.replace(map.next_value_seed(BucketMap)?).is_some() {
                return Err(serde::de::Error::duplicate_field("buckets"));
            }
        }
        Ok(buckets.unwrap_or_else(|| Err(ParseError::shape("buckets: is missing: this is no export"))))
    }
}

/// Reads the buckets of an import.
struct BucketMap;

impl<'de> DeserializeSeed<'de> for BucketMap {
    type Value = Result<Vec<NewBucket<'de>>, ParseError>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BucketMap {
    type Value = Result<Vec<NewBucket<'de>>, ParseError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of buckets by id")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut buckets = Ok(Vec::new());
        while let Some(key) = map.next_key::<String>()? {
            let fields = map.next_value_seed(BUCKET)?;
            // After an error only the rest of the JSON is checked.
            let Ok(read) = &mut buckets else { continue };
            match fields.and_then(bucket) {
                Ok(mut bucket) => {
                    bucket.id.get_or_insert(key);
                    read.push(bucket);
                }
                Err(error) => buckets = Err(error.within(format_args!("bucket '{}'", excerpt(&key)))),
            }
        }
        Ok(buckets)
    }
}
