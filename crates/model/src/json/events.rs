//! Reading events and heartbeats.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::fields::{self, Fields, FieldsOf};
use super::{ParseError, read};
use crate::bucket::LeftOut;
use crate::{Duration, Heartbeat, NewEvent, Timestamp};

/// The fields of an event, in the order in which they are taken apart below.
pub(super) const EVENT: FieldsOf<4> = FieldsOf(&["id", "timestamp", "duration", "data"]);

/// Reads the body of an insert: a list of events, or one event as the Python server takes it.
///
/// `timestamp` and `data` are required, `duration` is 0 when missing, `id` may be missing or null.
///
/// # Errors
///
/// [`ParseErrorKind::Syntax`](super::ParseErrorKind::Syntax) for what is no JSON,
/// [`ParseErrorKind::Shape`](super::ParseErrorKind::Shape) for what is no event; the message says which event (counted
/// from 0), which field and why.
pub fn parse_events(body: &[u8]) -> Result<Vec<NewEvent<'_>>, ParseError> {
    if body.trim_ascii_start().first() == Some(&b'[') {
        let list = EventList {
            ids: Ids::Keep,
            unreadable: Unreadable::Refuse,
            size_hint: body.len() / TYPICAL_EVENT,
        };
        return read(body, list)?.map(|list| list.events);
    }
    let event = read(body, EVENT)?
        .and_then(|fields| event(fields, Ids::Keep, fields::timestamp))
        .map_err(|error| error.within("the body is neither a list of events nor an event"))?;
    Ok(vec![event])
}

/// Reads the body of a heartbeat: an event whose id, should it have one, means nothing, and whose time is in UTC if it
/// has no offset, as in aw-server.
///
/// # Errors
///
/// As [`parse_events`].
pub fn parse_heartbeat(body: &[u8]) -> Result<Heartbeat<'_>, ParseError> {
    let event = read(body, EVENT)?.and_then(|fields| event(fields, Ids::Keep, fields::lenient_timestamp));
    let event = event.map_err(|error| error.within("heartbeat"))?;
    Ok(Heartbeat {
        start: event.start,
        duration: event.duration,
        data: event.data,
    })
}

/// Bytes of JSON for one event, so that lists are allocated about right.
const TYPICAL_EVENT: usize = 128;

/// What to do with the ids of events.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ids {
    Keep,
    /// They come from another store: not even looked at.
    Ignore,
}

/// What to do with an event that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    Refuse,
    LeaveOut,
}

/// Checks the fields of one event.
#[inline]
fn event<'de>(
    fields: Fields<'de, 4>,
    ids: Ids,
    read_time: fn(&RawValue, &'static str) -> Result<Timestamp, ParseError>,
) -> Result<NewEvent<'de>, ParseError> {
    event_of(fields.once()?, ids, read_time)
}

/// The same for the fields as they are.
#[inline]
pub(super) fn event_of<'de>(
    [id, timestamp, duration, data]: [Option<&'de RawValue>; 4],
    ids: Ids,
    read_time: fn(&RawValue, &'static str) -> Result<Timestamp, ParseError>,
) -> Result<NewEvent<'de>, ParseError> {
    let id = match fields::optional(id) {
        Some(raw) if ids == Ids::Keep => Some(fields::event_id(raw, "id")?),
        _ => None,
    };
    let start = read_time(fields::required(timestamp, "timestamp")?, "timestamp")?;
    let duration = match duration {
        Some(raw) => fields::duration(raw, "duration")?,
        None => Duration::ZERO,
    };
    check_end(start, duration)?;
    let data = fields::data(fields::required(data, "data")?, "data")?;
    Ok(NewEvent {
        id,
        start,
        duration,
        data,
    })
}

/// Refuses an event whose end no timestamp can hold.
#[inline]
pub(super) fn check_end(start: Timestamp, duration: Duration) -> Result<(), ParseError> {
    match start.checked_add(duration) {
        Some(_) => Ok(()),
        None => Err(ParseError::shape(format!(
            "duration: {duration} seconds from {start} end outside the range 1677-09-21..2262-04-11 that a timestamp can hold"
        ))),
    }
}

/// Reads a list of events.
#[derive(Clone, Copy)]
pub(super) struct EventList {
    pub(super) ids: Ids,
    pub(super) unreadable: Unreadable,
    pub(super) size_hint: usize,
}

/// Events that were read, and what was not.
#[derive(Default)]
pub(super) struct EventsRead<'de> {
    pub(super) events: Vec<NewEvent<'de>>,
    pub(super) left_out: Option<LeftOut>,
}

impl EventList {
    /// For the events inside of a bucket, `bytes` long as JSON.
    pub(super) fn of_bucket(bytes: usize) -> EventList {
        EventList {
            ids: Ids::Ignore,
            unreadable: Unreadable::LeaveOut,
            size_hint: bytes / TYPICAL_EVENT,
        }
    }
}

impl<'de> DeserializeSeed<'de> for EventList {
    type Value = Result<EventsRead<'de>, ParseError>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for EventList {
    type Value = Result<EventsRead<'de>, ParseError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut read = EventsRead {
            events: Vec::with_capacity(self.size_hint + 1),
            left_out: None,
        };
        let mut index = 0usize;
        while let Some(fields) = list.next_element_seed(EVENT)? {
            match fields.and_then(|fields| event(fields, self.ids, fields::timestamp)) {
                Ok(event) => read.events.push(event),
                Err(error) if self.unreadable == Unreadable::Refuse => {
                    while list.next_element::<IgnoredAny>()?.is_some() {}
                    return Ok(Err(error.within(format_args!("event {index}"))));
                }
                Err(error) => match &mut read.left_out {
                    Some(left_out) => left_out.count += 1,
                    none => {
                        *none = Some(LeftOut {
                            count: 1,
                            first: error.within(format_args!("event {index}")),
                        })
                    }
                },
            }
            index += 1;
        }
        Ok(Ok(read))
    }
}
