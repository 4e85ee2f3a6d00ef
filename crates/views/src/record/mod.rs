//! What the log holds: one record per decision of the sequencer.
//!
//! A record states an outcome (which event was extended, which ids were given) and the facts it came from, so that
//! folding never depends on today's rules. Kinds and versions are numbered in [`codec`]; every version that was
//! ever written stays readable and has a golden fixture in `tests/golden/`.

// Payloads come from the disk.
#![deny(clippy::indexing_slicing)]

mod block;
pub(crate) mod codec;
#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod codec_tests;
mod effect;
mod kind;
mod numbers;
mod stored;

pub use block::EventBlock;
pub use codec::CodecError;
pub use effect::{Effect, ErasedEvents, EventChanges, Extended, IdsUsed, Purge, Put};
pub use kind::RecordKind;

use bincode::{BorrowDecode, Encode};
use timberline_log::Seq;
use timberline_model::{Bucket, Data, Duration, EventId, Pulsetime, Timestamp};

/// Bytes of text in one record (a single event may have more): it fits the smallest segment even if nothing in it repeats.
pub(crate) const MAX_RECORD_TEXT: usize = 768 << 10;

/// Names a bucket within one log: given in order of creation, never reused, so that a new bucket under an old
/// id is a different one, and a heartbeat does not repeat thirty bytes of name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, BorrowDecode)]
pub struct BucketKey(pub u32);

/// One decision, as the fold reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Record<'a> {
    /// A bucket was created.
    BucketCreated(BucketCreated<'a>),
    /// Fields of a bucket changed; `None` leaves a field as it was.
    BucketUpdated(BucketUpdated<'a>),
    /// A bucket was deleted, with all of its events.
    BucketDeleted(BucketDeleted),
    /// A heartbeat arrived and extended an event or became one.
    Heartbeat(Heartbeat<'a>),
    /// Heartbeats of one bucket arrived in one request.
    Heartbeats(Heartbeats<'a>),
    /// A request with the client's name for it was carried out, by the records just before this one.
    BatchTaken(BatchTaken<'a>),
    /// Events were inserted; their ids count up from `first`.
    EventsInserted(EventsInserted<'a>),
    /// Events were inserted with given ids, and replace the events that had them.
    EventsPut(EventsPut<'a>),
    /// Events were deleted.
    EventsDeleted(EventsDeleted),
    /// A setting was given a value.
    SettingSet(SettingSet<'a>),
    /// A setting was deleted.
    SettingDeleted(SettingDeleted<'a>),
    /// The squashed state of many records, or an undo.
    EventsChanged(EventsChanged<'a>),
    /// A deleted bucket was restored, with all of its events.
    BucketRestored(BucketRestored),
    /// A record was here, and what it held is erased.
    Erased(Erased),
    /// Events, or a bucket, are purged: from here on the log and all its copies must be erased of them.
    PurgeBegun(PurgeBegun),
    /// All purges up to a record are complete: no byte of what they named is left.
    PurgeEnded(PurgeEnded),
    /// The id of a bucket changed, its aliases, or whether it is archived.
    BucketListed(BucketListed<'a>),
    /// A record that was here is gone: it keeps the place of its number, and changes nothing.
    Lost(Lost),
}

impl Record<'_> {
    /// The bucket that it speaks of, if it is one.
    pub fn bucket(&self) -> Option<BucketKey> {
        match self {
            Record::BucketCreated(r) => Some(r.bucket),
            Record::BucketUpdated(r) => Some(r.bucket),
            Record::BucketListed(r) => Some(r.bucket),
            Record::BucketDeleted(r) => Some(r.bucket),
            Record::Heartbeat(r) => Some(r.bucket),
            Record::Heartbeats(r) => Some(r.bucket),
            Record::EventsInserted(r) => Some(r.bucket),
            Record::EventsPut(r) => Some(r.bucket),
            Record::EventsDeleted(r) => Some(r.bucket),
            Record::EventsChanged(r) => Some(r.bucket),
            Record::BucketRestored(r) => Some(r.bucket),
            Record::PurgeBegun(r) => Some(r.bucket),
            Record::Erased(r) => r.bucket,
            Record::SettingSet(_)
            | Record::SettingDeleted(_)
            | Record::BatchTaken(_)
            | Record::PurgeEnded(_)
            | Record::Lost(_) => None,
        }
    }
}

/// Payload of [`Record::BucketCreated`].
#[derive(Clone, Debug, PartialEq)]
pub struct BucketCreated<'a> {
    /// Its name in this log.
    pub bucket: BucketKey,
    /// Its id in the API.
    pub id: &'a str,
    /// What kind of events it holds, e.g. `currentwindow`.
    pub type_: &'a str,
    /// Who fills it.
    pub client: &'a str,
    /// On which machine.
    pub hostname: &'a str,
    /// When it was made.
    pub created: Timestamp,
    /// Canonical JSON object.
    pub data: &'a str,
    /// `last_updated` of an imported bucket.
    pub last_updated: Option<Timestamp>,
}

impl<'a> BucketCreated<'a> {
    /// The record that creates this bucket.
    pub(crate) fn of(key: BucketKey, bucket: &'a Bucket) -> BucketCreated<'a> {
        BucketCreated {
            bucket: key,
            id: &bucket.id,
            type_: &bucket.type_,
            client: &bucket.client,
            hostname: &bucket.hostname,
            created: bucket.created,
            data: bucket.data.as_str(),
            last_updated: bucket.last_updated,
        }
    }

    /// The bucket that it creates.
    pub fn made(&self) -> Bucket {
        Bucket {
            id: self.id.to_owned(),
            type_: self.type_.to_owned(),
            client: self.client.to_owned(),
            hostname: self.hostname.to_owned(),
            created: self.created,
            data: Data::from_canonical(self.data),
            last_updated: self.last_updated,
        }
    }
}

/// Payload of [`Record::BucketUpdated`].
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct BucketUpdated<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// New type.
    pub type_: Option<&'a str>,
    /// New client.
    pub client: Option<&'a str>,
    /// New host name.
    pub hostname: Option<&'a str>,
    /// New data, a canonical JSON object.
    pub data: Option<&'a str>,
}

/// Payload of [`Record::BucketListed`]: under which ids a bucket is found; `None` leaves as is.
#[derive(Clone, Debug, Default, PartialEq, Encode, BorrowDecode)]
pub struct BucketListed<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// Its id from now on.
    pub id: Option<&'a str>,
    /// All of its aliases from now on.
    pub aliases: Option<Vec<&'a str>>,
    /// Whether it is archived from now on.
    pub archived: Option<bool>,
}

/// Payload of [`Record::BucketDeleted`].
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct BucketDeleted {
    /// Which bucket.
    pub bucket: BucketKey,
}

/// Payload of [`Record::Heartbeat`]: what the watcher sent and what came of it. Data is there only when an event was
/// created: a merged heartbeat has the data of the event it extends.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeat<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// Its timestamp.
    pub start: Timestamp,
    /// Its duration.
    pub duration: Duration,
    /// The pulsetime it came with.
    pub pulsetime: Pulsetime,
    /// What came of it.
    pub outcome: Outcome<'a>,
}

impl Heartbeat<'_> {
    /// The event that it extended or created.
    pub fn event(&self) -> EventId {
        match self.outcome {
            Outcome::Extended { event, .. } | Outcome::Created { event, .. } => event,
        }
    }
}

/// What a heartbeat did.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome<'a> {
    /// It extended this event to this duration.
    Extended {
        /// Id of the event.
        event: EventId,
        /// Its duration from now on.
        duration: Duration,
    },
    /// It became this event.
    Created {
        /// Id of the new event.
        event: EventId,
        /// Canonical JSON object.
        data: &'a str,
    },
}

/// Payload of [`Record::Heartbeats`]: what came of heartbeats of one bucket that were sent together. A run of them that
/// extends one event is one entry, with the event as it was after the last of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Heartbeats<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// The event that was there before and that the first of them extended, if it did.
    pub extended: Option<Extension>,
    /// Id of the first new event; the others follow without a gap.
    pub first: EventId,
    /// How many heartbeats made up each event, in the order of the request: the extended one, if there is one, then
    /// the new ones.
    pub counts: Vec<u32>,
    /// The new events.
    pub events: EventBlock<'a>,
}

/// An event that heartbeats extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Its id.
    pub event: EventId,
    /// When it begins.
    pub start: Timestamp,
    /// How long it lasted before the first of them.
    pub before: Duration,
    /// How long it lasts after the last.
    pub after: Duration,
}

impl Heartbeats<'_> {
    /// The event that the last of them extended or created.
    pub fn newest(&self) -> Option<EventId> {
        match self.events.len() as u64 {
            0 => self.extended.map(|extended| extended.event),
            new => Some(self.first.plus(new - 1)),
        }
    }

    /// How many heartbeats there were.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }
}

/// Payload of [`Record::BatchTaken`]: what must be known to answer the same request again without carrying it out.
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct BatchTaken<'a> {
    /// Who sent it: the name of the token, or nothing.
    pub client: &'a str,
    /// What the client calls it.
    pub id: &'a str,
    /// A checksum of what was sent.
    pub digest: u32,
    /// How many of the records just before this one are its heartbeats.
    pub parts: u32,
    /// What became of each heartbeat: [`BatchTaken::STORED`] and more, the number of the record among the parts; less, why
    /// it was not stored.
    pub outcomes: Vec<u32>,
}

impl BatchTaken<'_> {
    /// The outcome of a heartbeat that is stored in the first of the parts.
    pub const STORED: u32 = 16;
}

/// Payload of [`Record::EventsInserted`].
#[derive(Clone, Debug, PartialEq)]
pub struct EventsInserted<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// Id of the first event; the others follow without a gap.
    pub first: EventId,
    /// The events, in the order of the request.
    pub events: EventBlock<'a>,
}

/// Payload of [`Record::EventsPut`].
#[derive(Clone, Debug, PartialEq)]
pub struct EventsPut<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// Id of each event.
    pub ids: Vec<EventId>,
    /// The events, in the order of the request.
    pub events: EventBlock<'a>,
}

/// Payload of [`Record::EventsDeleted`].
#[derive(Clone, Debug, PartialEq)]
pub struct EventsDeleted {
    /// Which bucket.
    pub bucket: BucketKey,
    /// Ids of the events.
    pub ids: Vec<EventId>,
}

/// Payload of [`Record::SettingSet`].
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct SettingSet<'a> {
    /// Which setting.
    pub key: &'a str,
    /// Its value, JSON text.
    pub value: &'a str,
}

/// Payload of [`Record::SettingDeleted`].
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct SettingDeleted<'a> {
    /// Which setting.
    pub key: &'a str,
}

/// Payload of [`Record::EventsChanged`]: first events go, then some get another duration, then some come or are replaced.
#[derive(Clone, Debug, PartialEq)]
pub struct EventsChanged<'a> {
    /// Which bucket.
    pub bucket: BucketKey,
    /// All ids below this are used up.
    pub next_event: EventId,
    /// What the next heartbeat is compared with from now on.
    pub last: Last,
    /// Ids of events that go; those that are not there are passed over.
    pub removed: Vec<EventId>,
    /// Events that are there before, and their duration from now on.
    pub extended: Vec<(EventId, Duration)>,
    /// Id of each of `events`.
    pub ids: Vec<EventId>,
    /// Events that come, or take the place of those that have their id.
    pub events: EventBlock<'a>,
}

/// Which event the next heartbeat of a bucket is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// The same as before; if that one was removed, the newest.
    Unchanged,
    /// The one with the latest start.
    Newest,
    /// The one with this id.
    Event(EventId),
}

/// Payload of [`Record::BucketRestored`].
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct BucketRestored {
    /// Which bucket.
    pub bucket: BucketKey,
}

/// Payload of [`Record::Erased`]: what must be known of a record whose content is gone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Erased {
    /// The bucket whose events it changed, if it did; its next heartbeat is compared with its newest event.
    pub bucket: Option<BucketKey>,
    /// All event ids below this are used up.
    pub next_event: EventId,
    /// All bucket keys below this are used up.
    pub next_bucket: u32,
}

/// Payload of [`Record::PurgeBegun`].
#[derive(Clone, Debug, PartialEq, Encode, BorrowDecode)]
pub struct PurgeBegun {
    /// Which bucket.
    pub bucket: BucketKey,
    /// Whether all of it goes.
    pub whole: bool,
    /// Which events are erased from which records.
    pub events: Vec<PurgedEvents>,
    /// The events stay, and what those records hold of them is not erased but becomes the data that the records
    /// [`EventsPut`] between them and this one, which are of the same batch, give them.
    pub redact: bool,
}

impl PurgeBegun {
    /// The order to erase all of a bucket.
    pub fn whole(bucket: BucketKey) -> PurgeBegun {
        PurgeBegun {
            bucket,
            whole: true,
            events: Vec::new(),
            redact: false,
        }
    }
}

/// Events that an order erases from the same records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgedEvents {
    /// From which records.
    pub through: Through,
    /// Ids of the events.
    pub ids: Vec<EventId>,
}

/// From which records events are erased. In the log it is a number: `u64::MAX` stands for [`Through::Now`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// From the records up to and including this one: an earlier version of the events is erased, the events stay.
    UpTo(Seq),
    /// From all records before the order: the events are deleted, too.
    Now,
}

impl From<u64> for Through {
    fn from(number: u64) -> Through {
        match number {
            u64::MAX => Through::Now,
            seq => Through::UpTo(Seq(seq)),
        }
    }
}

impl From<Through> for u64 {
    fn from(through: Through) -> u64 {
        match through {
            Through::UpTo(seq) => seq.get(),
            Through::Now => u64::MAX,
        }
    }
}

impl Encode for Through {
    fn encode<E: bincode::enc::Encoder>(&self, encoder: &mut E) -> Result<(), bincode::error::EncodeError> {
        u64::from(*self).encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Through {
    fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Through, bincode::error::DecodeError> {
        u64::borrow_decode(decoder).map(Through::from)
    }
}

/// Payload of [`Record::PurgeEnded`].
#[derive(Clone, Debug, PartialEq)]
pub struct PurgeEnded {
    /// The newest purge that is complete.
    pub through: Seq,
}

/// Payload of [`Record::Lost`]. `timberline log repair` puts it where a record was; a start that brings events back from a
/// view segment puts it before them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Lost {
    /// Why it is gone.
    pub cause: LossCause,
}

/// Why a record is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum LossCause {
    /// Its bytes could not be read.
    Damaged,
    /// It was readable, but built on a record that is lost.
    Unfoldable,
    /// No record was here. The next record of the batch puts back events that damaged records had held; they were read
    /// from a view segment.
    Salvaged,
}
