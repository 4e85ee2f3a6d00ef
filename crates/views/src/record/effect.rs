//! What each kind of record does to buckets, events and settings.
//!
//! This is the one place that says so. The fold, squash, undo, erasure and every reader of history work on effects, not
//! on kinds: a new kind of record is one more arm in [`Record::effect`] and in [`Record::ids_used`].

use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp};

use super::{
    BucketCreated, BucketKey, BucketListed, BucketUpdated, EventBlock, Extension, Heartbeats, Last, Outcome,
    PurgeBegun, Record, Through,
};

/// What a record does. Each record does one thing.
#[derive(Clone, Copy, Debug)]
pub enum Effect<'r> {
    /// A bucket is created.
    CreateBucket(&'r BucketCreated<'r>),
    /// Fields of a bucket change.
    UpdateBucket(&'r BucketUpdated<'r>),
    /// The id of a bucket changes, its aliases, or whether it is archived.
    ListBucket(&'r BucketListed<'r>),
    /// A bucket goes to the trash, with its events.
    DeleteBucket(BucketKey),
    /// A bucket comes back from the trash, with its events.
    RestoreBucket(BucketKey),
    /// Events of one bucket change.
    ChangeEvents(EventChanges<'r>),
    /// A setting has this value from now on; `None`: it is gone.
    Set {
        /// Which setting.
        key: &'r str,
        /// Its value, JSON text.
        value: Option<&'r str>,
    },
    /// Events, the data of their prior versions, or a whole bucket are purged.
    Purge(Purge<'r>),
    /// All purges up to this record are complete.
    EndPurges {
        /// Its sequence number.
        through: Seq,
    },
    /// A request was carried out under the client's name for it.
    TakeBatch {
        /// Who sent it.
        client: &'r str,
        /// What the client calls it.
        id: &'r str,
    },
    /// Nothing: the record only keeps its sequence number.
    Nothing,
}

/// Changes to the events of one bucket. They happen in the order of the fields.
#[derive(Clone, Copy, Debug)]
pub struct EventChanges<'r> {
    /// The bucket.
    pub bucket: BucketKey,
    /// Ids of events that are deleted. An id without an event is passed over.
    pub removed: &'r [EventId],
    /// Events that get another duration.
    pub extended: Extended<'r>,
    /// Events that are added, or replace the events that have their ids.
    pub put: Option<Put<'r>>,
    /// The event that the next heartbeat is compared with.
    pub last: Last,
    /// Heartbeats made the change, so the next one probably extends the same event.
    pub by_heartbeat: bool,
}

/// Events and the duration that each gets.
#[derive(Clone, Copy, Debug)]
pub enum Extended<'r> {
    /// One event.
    One(EventId, Duration),
    /// Any number of them.
    Many(&'r [(EventId, Duration)]),
}

/// Events that are added to a bucket, or that replace events in it. Of equal ids the last counts.
#[derive(Clone, Copy, Debug)]
pub struct Put<'r> {
    ids: Ids<'r>,
    events: Events<'r>,
}

#[derive(Clone, Copy, Debug)]
enum Ids<'r> {
    /// The first of consecutive ids that no event had before.
    New(EventId),
    /// One id for each event. They may be in use.
    Given(&'r [EventId]),
}

#[derive(Clone, Copy, Debug)]
enum Events<'r> {
    One {
        start: Timestamp,
        duration: Duration,
        text: &'r str,
    },
    Block(&'r EventBlock<'r>),
}

/// What a purge erases.
#[derive(Clone, Copy, Debug)]
pub struct Purge<'r>(&'r PurgeBegun);

/// The numbers that are in use after a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IdsUsed {
    /// All event ids below this one.
    pub next_event: EventId,
    /// All bucket keys below this one.
    pub next_bucket: u32,
}

impl Record<'_> {
    /// What the record does.
    pub fn effect(&self) -> Effect<'_> {
        match self {
            Record::BucketCreated(r) => Effect::CreateBucket(r),
            Record::BucketUpdated(r) => Effect::UpdateBucket(r),
            Record::BucketListed(r) => Effect::ListBucket(r),
            Record::BucketDeleted(r) => Effect::DeleteBucket(r.bucket),
            Record::BucketRestored(r) => Effect::RestoreBucket(r.bucket),
            Record::Heartbeat(r) => {
                let change = EventChanges {
                    by_heartbeat: true,
                    ..EventChanges::none(r.bucket, Last::Event(r.event()))
                };
                Effect::ChangeEvents(match r.outcome {
                    Outcome::Extended { event, duration } => EventChanges {
                        extended: Extended::One(event, duration),
                        ..change
                    },
                    Outcome::Created { event, data } => {
                        let events = Events::One {
                            start: r.start,
                            duration: r.duration,
                            text: data,
                        };
                        change.with(Ids::New(event), events)
                    }
                })
            }
            Record::Heartbeats(r) => Effect::ChangeEvents(heartbeats(r)),
            Record::BatchTaken(r) => Effect::TakeBatch {
                client: r.client,
                id: r.id,
            },
            Record::EventsInserted(r) => Effect::ChangeEvents(
                EventChanges::none(r.bucket, Last::Newest).with(Ids::New(r.first), Events::Block(&r.events)),
            ),
            Record::EventsPut(r) => Effect::ChangeEvents(
                EventChanges::none(r.bucket, Last::Newest).with(Ids::Given(&r.ids), Events::Block(&r.events)),
            ),
            Record::EventsDeleted(r) => Effect::ChangeEvents(EventChanges {
                removed: &r.ids,
                ..EventChanges::none(r.bucket, Last::Unchanged)
            }),
            Record::EventsChanged(r) => {
                let change = EventChanges {
                    removed: &r.removed,
                    extended: Extended::Many(&r.extended),
                    ..EventChanges::none(r.bucket, r.last)
                };
                Effect::ChangeEvents(match r.ids.is_empty() {
                    true => change,
                    false => change.with(Ids::Given(&r.ids), Events::Block(&r.events)),
                })
            }
            // What was erased had changed which event is compared with; without it, that is the newest.
            Record::Erased(r) => r.bucket.map_or(Effect::Nothing, |bucket| {
                Effect::ChangeEvents(EventChanges::none(bucket, Last::Newest))
            }),
            Record::SettingSet(r) => Effect::Set {
                key: r.key,
                value: Some(r.value),
            },
            Record::SettingDeleted(r) => Effect::Set {
                key: r.key,
                value: None,
            },
            Record::PurgeBegun(r) => Effect::Purge(Purge(r)),
            Record::PurgeEnded(r) => Effect::EndPurges { through: r.through },
            Record::Lost(_) => Effect::Nothing,
        }
    }

    /// How many heartbeats it stands for.
    pub fn heartbeats(&self) -> u64 {
        match self {
            Record::Heartbeat(_) => 1,
            Record::Heartbeats(r) => r.count(),
            _ => 0,
        }
    }

    /// The numbers that the record gives out, or says are given out.
    pub fn ids_used(&self) -> IdsUsed {
        let events = |next_event: EventId| IdsUsed {
            next_event,
            next_bucket: 0,
        };
        let after = |ids: &[EventId]| ids.iter().max().map_or(EventId::NONE, |id| id.next());
        match self {
            Record::BucketCreated(r) => IdsUsed {
                next_event: EventId::NONE,
                next_bucket: r.bucket.0.saturating_add(1),
            },
            Record::Heartbeat(r) => match r.outcome {
                Outcome::Created { event, .. } => events(event.next()),
                Outcome::Extended { .. } => IdsUsed::default(),
            },
            Record::EventsInserted(r) => events(r.first.plus(r.events.len() as u64)),
            Record::Heartbeats(r) => events(r.first.plus(r.events.len() as u64)),
            Record::EventsPut(r) => events(after(&r.ids)),
            Record::EventsChanged(r) => events(r.next_event.max(after(&r.ids))),
            Record::Erased(r) => IdsUsed {
                next_event: r.next_event,
                next_bucket: r.next_bucket,
            },
            Record::BucketUpdated(_)
            | Record::BucketListed(_)
            | Record::BucketDeleted(_)
            | Record::BucketRestored(_)
            | Record::EventsDeleted(_)
            | Record::SettingSet(_)
            | Record::SettingDeleted(_)
            | Record::BatchTaken(_)
            | Record::PurgeBegun(_)
            | Record::PurgeEnded(_)
            | Record::Lost(_) => IdsUsed::default(),
        }
    }
}

/// What heartbeats that were sent together do: the first of them may extend an event, the others make new ones.
fn heartbeats<'r>(r: &'r Heartbeats<'r>) -> EventChanges<'r> {
    let one = |extended: Extension| Extended::One(extended.event, extended.after);
    let change = EventChanges {
        extended: r.extended.map_or(Extended::Many(&[]), one),
        by_heartbeat: true,
        ..EventChanges::none(r.bucket, r.newest().map_or(Last::Unchanged, Last::Event))
    };
    match r.events.is_empty() {
        true => change,
        false => change.with(Ids::New(r.first), Events::Block(&r.events)),
    }
}

impl<'r> EventChanges<'r> {
    fn none(bucket: BucketKey, last: Last) -> EventChanges<'r> {
        EventChanges {
            bucket,
            removed: &[],
            extended: Extended::Many(&[]),
            put: None,
            last,
            by_heartbeat: false,
        }
    }

    fn with(self, ids: Ids<'r>, events: Events<'r>) -> EventChanges<'r> {
        EventChanges {
            put: Some(Put { ids, events }),
            ..self
        }
    }

    /// Whether they change this event.
    pub(crate) fn names(&self, id: EventId) -> bool {
        self.removed.contains(&id)
            || self.extended.iter().any(|(extended, _)| extended == id)
            || self.put.is_some_and(|put| put.ids().any(|other| other == id))
    }

    /// Whether no event changes: at most, another one is compared with the next heartbeat.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.extended.is_empty() && self.put.is_none_or(|put| put.is_empty())
    }
}

impl<'r> Extended<'r> {
    /// Ids and durations.
    pub fn iter(self) -> impl Iterator<Item = (EventId, Duration)> + use<'r> {
        let (one, many): (_, &[(EventId, Duration)]) = match self {
            Extended::One(event, duration) => (Some((event, duration)), &[]),
            Extended::Many(all) => (None, all),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// Number of events.
    pub fn len(self) -> usize {
        match self {
            Extended::One(..) => 1,
            Extended::Many(all) => all.len(),
        }
    }

    /// Whether there are no events.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

impl<'r> Put<'r> {
    /// Events of a block under these ids.
    pub(crate) fn of(ids: &'r [EventId], events: &'r EventBlock<'r>) -> Put<'r> {
        Put {
            ids: Ids::Given(ids),
            events: Events::Block(events),
        }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        match self.events {
            Events::One { .. } => 1,
            Events::Block(block) => block.len(),
        }
    }

    /// Whether there are no events.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first of the ids if they are new: no event had any of them before.
    pub fn first_new(&self) -> Option<EventId> {
        match self.ids {
            Ids::New(first) => Some(first),
            Ids::Given(_) => None,
        }
    }

    /// The ids, if they may be in use.
    pub fn given(&self) -> Option<&'r [EventId]> {
        match self.ids {
            Ids::New(_) => None,
            Ids::Given(ids) => Some(ids),
        }
    }

    /// The id of each event.
    pub fn ids(&self) -> impl Iterator<Item = EventId> + use<'r> {
        let (new, given): (_, &[EventId]) = match self.ids {
            Ids::New(first) => (first.until(first.plus(self.len() as u64)), &[]),
            Ids::Given(ids) => (EventId::NONE.until(EventId::NONE), ids),
        };
        new.chain(given.iter().copied())
    }

    /// The distinct data of the events, canonical JSON objects.
    pub fn texts(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        let (one, block) = match self.events {
            Events::One { text, .. } => (Some(text), None),
            Events::Block(block) => (None, Some(block)),
        };
        let block = block.into_iter().flat_map(|block| &block.texts);
        one.into_iter().chain(block.map(AsRef::as_ref))
    }

    /// Each event: start, duration, and the number of its data in [`Put::texts`].
    pub fn rows(&self) -> impl Iterator<Item = (Timestamp, Duration, u32)> + use<'r> {
        let (one, block) = match self.events {
            Events::One { start, duration, .. } => (Some((start, duration, 0)), None),
            Events::Block(block) => (None, Some(block)),
        };
        let block = block.into_iter().flat_map(|block| {
            let times = block.starts.iter().zip(&block.durations);
            times.zip(&block.data).map(|((start, duration), text)| {
                (
                    Timestamp::from_nanos(*start),
                    Duration::from_nanos(*duration),
                    *text,
                )
            })
        });
        one.into_iter().chain(block)
    }

    /// Each event: id, start, duration, data.
    pub fn iter(&self) -> impl Iterator<Item = (EventId, Timestamp, Duration, &'r str)> + use<'r> {
        let (one, block) = match self.events {
            Events::One {
                start,
                duration,
                text,
            } => (Some((start, duration, text)), None),
            Events::Block(block) => (None, Some(block)),
        };
        let events = one
            .into_iter()
            .chain(block.into_iter().flat_map(EventBlock::iter));
        self.ids()
            .zip(events)
            .map(|(id, (start, duration, text))| (id, start, duration, text))
    }

    /// The events as a block with texts of its own.
    pub fn block(&self) -> EventBlock<'static> {
        match self.events {
            Events::One {
                start,
                duration,
                text,
            } => EventBlock::from_events([(start, duration, text)].into_iter()).into_owned(),
            Events::Block(block) => block.clone().into_owned(),
        }
    }

    /// The event with this id.
    pub fn find(&self, id: EventId) -> Option<(EventId, Timestamp, Duration, &'r str)> {
        let position = match self.ids {
            Ids::New(first) => usize::try_from(id.0.checked_sub(first.0)?).ok()?,
            Ids::Given(ids) => ids.iter().rposition(|other| *other == id)?,
        };
        self.iter().nth(position)
    }
}

impl<'r> Purge<'r> {
    /// What this order erases.
    pub(crate) fn of(order: &'r PurgeBegun) -> Purge<'r> {
        Purge(order)
    }

    /// The bucket.
    pub fn bucket(self) -> BucketKey {
        self.0.bucket
    }

    /// Whether all of the bucket is purged.
    pub fn is_whole(self) -> bool {
        self.0.whole
    }

    /// Ids of the events that are purged: from now on they do not exist.
    pub fn removed(self) -> impl Iterator<Item = &'r [EventId]> {
        let now = self.0.events.iter().filter(|part| part.through == Through::Now);
        now.map(|part| part.ids.as_slice())
    }

    /// What is erased from the log. `seq` is the purge's own sequence number.
    pub fn erased(self, seq: Seq) -> impl Iterator<Item = ErasedEvents<'r>> {
        self.0.events.iter().map(move |part| match part.through {
            Through::Now => ErasedEvents {
                through: seq,
                ids: &part.ids,
                redacted: false,
            },
            Through::UpTo(through) => ErasedEvents {
                through,
                ids: &part.ids,
                redacted: self.0.redact,
            },
        })
    }
}

/// Events that records hold no longer once a purge is complete.
#[derive(Clone, Copy, Debug)]
pub struct ErasedEvents<'r> {
    /// The newest of the records that are erased from.
    pub through: Seq,
    /// Ids of the events.
    pub ids: &'r [EventId],
    /// Only the data is erased: in its place comes the data that a later record gives the event.
    pub redacted: bool,
}
