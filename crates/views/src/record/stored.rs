//! Payloads as they lie in the log: ids, instants and durations are the bare numbers that they wrap.
//!
//! The payloads of [`super`] speak of event ids, instants and durations; the encoder knows only numbers. Each payload that
//! has one of them is encoded as the struct of the same name here. The order of fields and variants is the format.

use bincode::{BorrowDecode, Encode};
use timberline_log::Seq;
use timberline_model::{Duration, EventId, Pulsetime, Timestamp};

use super::{BucketKey, Through};

/// Encodes a payload as its stored form, and decodes it from that. A payload that borrows is named with both lifetimes.
macro_rules! stored_as {
    ($stored:ident: $payload:ty) => {
        stored_as!($stored: $payload, $payload);
    };
    ($stored:ident: $payload:ty, $decoded:ty) => {
        impl Encode for $payload {
            fn encode<E: bincode::enc::Encoder>(
                &self,
                encoder: &mut E,
            ) -> Result<(), bincode::error::EncodeError> {
                $stored::from(self).encode(encoder)
            }
        }

        impl<'de, C> BorrowDecode<'de, C> for $decoded {
            fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(
                decoder: &mut D,
            ) -> Result<Self, bincode::error::DecodeError> {
                $stored::borrow_decode(decoder).map(Into::into)
            }
        }
    };
}

stored_as!(BucketCreated: super::BucketCreated<'_>, super::BucketCreated<'de>);
stored_as!(Heartbeat: super::Heartbeat<'_>, super::Heartbeat<'de>);
stored_as!(Extension: super::Extension);
stored_as!(EventsDeleted: super::EventsDeleted);
stored_as!(Last: super::Last);
stored_as!(Erased: super::Erased);
stored_as!(PurgedEvents: super::PurgedEvents);
stored_as!(PurgeEnded: super::PurgeEnded);

/// Ids as the numbers that they are.
pub(super) fn numbers(ids: &[EventId]) -> Vec<u64> {
    ids.iter().map(|id| id.0).collect()
}

/// Numbers as the ids that they are.
pub(super) fn ids(numbers: Vec<u64>) -> Vec<EventId> {
    numbers.into_iter().map(EventId).collect()
}

#[derive(Encode, BorrowDecode)]
struct BucketCreated<'a> {
    bucket: BucketKey,
    id: &'a str,
    type_: &'a str,
    client: &'a str,
    hostname: &'a str,
    created: i64,
    data: &'a str,
    last_updated: Option<i64>,
}

impl<'a> From<&super::BucketCreated<'a>> for BucketCreated<'a> {
    fn from(r: &super::BucketCreated<'a>) -> Self {
        BucketCreated {
            bucket: r.bucket,
            id: r.id,
            type_: r.type_,
            client: r.client,
            hostname: r.hostname,
            created: r.created.nanos(),
            data: r.data,
            last_updated: r.last_updated.map(Timestamp::nanos),
        }
    }
}

impl<'a> From<BucketCreated<'a>> for super::BucketCreated<'a> {
    fn from(stored: BucketCreated<'a>) -> Self {
        super::BucketCreated {
            bucket: stored.bucket,
            id: stored.id,
            type_: stored.type_,
            client: stored.client,
            hostname: stored.hostname,
            created: Timestamp::from_nanos(stored.created),
            data: stored.data,
            last_updated: stored.last_updated.map(Timestamp::from_nanos),
        }
    }
}

#[derive(Encode, BorrowDecode)]
struct Heartbeat<'a> {
    bucket: BucketKey,
    start: i64,
    duration: i64,
    pulsetime: i64,
    outcome: Outcome<'a>,
}

#[derive(Encode, BorrowDecode)]
enum Outcome<'a> {
    Extended { event: u64, duration: i64 },
    Created { event: u64, data: &'a str },
}

impl<'a> From<&super::Heartbeat<'a>> for Heartbeat<'a> {
    fn from(r: &super::Heartbeat<'a>) -> Self {
        Heartbeat {
            bucket: r.bucket,
            start: r.start.nanos(),
            duration: r.duration.nanos(),
            pulsetime: r.pulsetime.nanos(),
            outcome: match r.outcome {
                super::Outcome::Extended { event, duration } => Outcome::Extended {
                    event: event.0,
                    duration: duration.nanos(),
                },
                super::Outcome::Created { event, data } => Outcome::Created { event: event.0, data },
            },
        }
    }
}

impl<'a> From<Heartbeat<'a>> for super::Heartbeat<'a> {
    fn from(stored: Heartbeat<'a>) -> Self {
        super::Heartbeat {
            bucket: stored.bucket,
            start: Timestamp::from_nanos(stored.start),
            duration: Duration::from_nanos(stored.duration),
            pulsetime: Pulsetime::from_nanos(stored.pulsetime),
            outcome: match stored.outcome {
                Outcome::Extended { event, duration } => super::Outcome::Extended {
                    event: EventId(event),
                    duration: Duration::from_nanos(duration),
                },
                Outcome::Created { event, data } => super::Outcome::Created {
                    event: EventId(event),
                    data,
                },
            },
        }
    }
}

#[derive(Encode, BorrowDecode)]
struct Extension {
    event: u64,
    start: i64,
    before: i64,
    after: i64,
}

impl From<&super::Extension> for Extension {
    fn from(extension: &super::Extension) -> Self {
        Extension {
            event: extension.event.0,
            start: extension.start.nanos(),
            before: extension.before.nanos(),
            after: extension.after.nanos(),
        }
    }
}

impl From<Extension> for super::Extension {
    fn from(stored: Extension) -> Self {
        super::Extension {
            event: EventId(stored.event),
            start: Timestamp::from_nanos(stored.start),
            before: Duration::from_nanos(stored.before),
            after: Duration::from_nanos(stored.after),
        }
    }
}

#[derive(Encode, BorrowDecode)]
struct EventsDeleted {
    bucket: BucketKey,
    ids: Vec<u64>,
}

impl From<&super::EventsDeleted> for EventsDeleted {
    fn from(r: &super::EventsDeleted) -> Self {
        EventsDeleted {
            bucket: r.bucket,
            ids: numbers(&r.ids),
        }
    }
}

impl From<EventsDeleted> for super::EventsDeleted {
    fn from(stored: EventsDeleted) -> Self {
        super::EventsDeleted {
            bucket: stored.bucket,
            ids: ids(stored.ids),
        }
    }
}

#[derive(Encode, BorrowDecode)]
enum Last {
    Unchanged,
    Newest,
    Event(u64),
}

impl From<&super::Last> for Last {
    fn from(last: &super::Last) -> Self {
        match last {
            super::Last::Unchanged => Last::Unchanged,
            super::Last::Newest => Last::Newest,
            super::Last::Event(id) => Last::Event(id.0),
        }
    }
}

impl From<Last> for super::Last {
    fn from(stored: Last) -> Self {
        match stored {
            Last::Unchanged => super::Last::Unchanged,
            Last::Newest => super::Last::Newest,
            Last::Event(id) => super::Last::Event(EventId(id)),
        }
    }
}

#[derive(Encode, BorrowDecode)]
struct Erased {
    bucket: Option<BucketKey>,
    next_event: u64,
    next_bucket: u32,
}

impl From<&super::Erased> for Erased {
    fn from(r: &super::Erased) -> Self {
        Erased {
            bucket: r.bucket,
            next_event: r.next_event.0,
            next_bucket: r.next_bucket,
        }
    }
}

impl From<Erased> for super::Erased {
    fn from(stored: Erased) -> Self {
        super::Erased {
            bucket: stored.bucket,
            next_event: EventId(stored.next_event),
            next_bucket: stored.next_bucket,
        }
    }
}

#[derive(Encode, BorrowDecode)]
struct PurgedEvents {
    through: Through,
    ids: Vec<u64>,
}

impl From<&super::PurgedEvents> for PurgedEvents {
    fn from(part: &super::PurgedEvents) -> Self {
        PurgedEvents {
            through: part.through,
            ids: numbers(&part.ids),
        }
    }
}

impl From<PurgedEvents> for super::PurgedEvents {
    fn from(stored: PurgedEvents) -> Self {
        super::PurgedEvents {
            through: stored.through,
            ids: ids(stored.ids),
        }
    }
}

#[derive(Encode, BorrowDecode)]
struct PurgeEnded {
    through: u64,
}

impl From<&super::PurgeEnded> for PurgeEnded {
    fn from(r: &super::PurgeEnded) -> Self {
        PurgeEnded {
            through: r.through.get(),
        }
    }
}

impl From<PurgeEnded> for super::PurgeEnded {
    fn from(stored: PurgeEnded) -> Self {
        super::PurgeEnded {
            through: Seq(stored.through),
        }
    }
}
