//! Records that are made of the fuzzer's choices: of every kind that there is. A new kind of record does not compile
//! until it is made here.

use timberline_log::Seq;
use timberline_model::{Duration, EventId, Pulsetime, Timestamp};
use timberline_views::BucketKey;
use timberline_views::record::{
    BatchTaken, BucketCreated, BucketDeleted, BucketListed, BucketRestored, BucketUpdated, Erased, EventBlock, EventsChanged,
    EventsDeleted, EventsInserted, EventsPut, Extension, Heartbeat, Heartbeats, Last, LossCause, Lost, Outcome, PurgeBegun,
    PurgeEnded, PurgedEvents, Record, RecordKind, SettingDeleted, SettingSet,
};

use crate::script::Script;

/// Whether the payload of records of a kind ends with a block of events, which may be compressed.
pub fn has_block(kind: RecordKind) -> bool {
    match kind {
        RecordKind::EventsInserted
        | RecordKind::EventsPut
        | RecordKind::EventsChanged
        | RecordKind::Heartbeats => true,
        RecordKind::BucketCreated
        | RecordKind::BucketUpdated
        | RecordKind::BucketListed
        | RecordKind::BucketDeleted
        | RecordKind::Heartbeat
        | RecordKind::BatchTaken
        | RecordKind::EventsDeleted
        | RecordKind::SettingSet
        | RecordKind::SettingDeleted
        | RecordKind::BucketRestored
        | RecordKind::Erased
        | RecordKind::PurgeBegun
        | RecordKind::PurgeEnded
        | RecordKind::Lost => false,
    }
}

/// Makes records.
#[derive(Debug)]
pub struct Maker<'s, 'b> {
    script: &'s mut Script<'b>,
    /// Numbers are small more often than not, so that records speak of the same buckets and events.
    near: bool,
}

impl<'s, 'b> Maker<'s, 'b> {
    pub fn new(script: &'s mut Script<'b>, near: bool) -> Self {
        Self { script, near }
    }

    /// A record of this kind, over these texts.
    pub fn record<'a>(&mut self, kind: RecordKind, texts: [&'a str; 3]) -> Record<'a> {
        let [id, text, data] = texts;
        let bucket = self.bucket();
        let some = self.script.byte();
        let maybe = |bit: u8, text: &'a str| (some >> bit & 1 == 1).then_some(text);
        match kind {
            RecordKind::BucketCreated => Record::BucketCreated(BucketCreated {
                bucket,
                id,
                type_: text,
                client: data,
                hostname: id,
                created: self.time(),
                data,
                last_updated: (some & 1 == 1).then(|| self.time()),
            }),
            RecordKind::BucketUpdated => Record::BucketUpdated(BucketUpdated {
                bucket,
                type_: maybe(0, id),
                client: maybe(1, text),
                hostname: maybe(2, data),
                data: maybe(3, data),
            }),
            RecordKind::BucketListed => Record::BucketListed(BucketListed {
                bucket,
                id: maybe(0, id),
                aliases: maybe(1, text).map(|alias| vec![alias, data]),
                archived: maybe(2, "").map(|_| some & 8 == 8),
            }),
            RecordKind::BucketDeleted => Record::BucketDeleted(BucketDeleted { bucket }),
            RecordKind::Heartbeat => Record::Heartbeat(self.heartbeat(bucket, some & 1 == 1, data)),
            RecordKind::Heartbeats => Record::Heartbeats(self.heartbeats(bucket, some & 1 == 1, texts)),
            RecordKind::BatchTaken => Record::BatchTaken(BatchTaken {
                client: id,
                id: text,
                digest: self.script.long() as u32,
                parts: self.bucket().0,
                outcomes: self.ids().into_iter().map(|id| id.0 as u32).collect(),
            }),
            RecordKind::EventsInserted => Record::EventsInserted(EventsInserted {
                bucket,
                first: EventId(self.id()),
                events: self.block(texts),
            }),
            RecordKind::EventsPut => {
                let events = self.block(texts);
                let ids = (0..events.len()).map(|_| EventId(self.id())).collect();
                Record::EventsPut(EventsPut { bucket, ids, events })
            }
            RecordKind::EventsDeleted => Record::EventsDeleted(EventsDeleted {
                bucket,
                ids: self.ids(),
            }),
            RecordKind::SettingSet => Record::SettingSet(SettingSet { key: id, value: text }),
            RecordKind::SettingDeleted => Record::SettingDeleted(SettingDeleted { key: id }),
            RecordKind::EventsChanged => Record::EventsChanged(self.changed(bucket, texts)),
            RecordKind::BucketRestored => Record::BucketRestored(BucketRestored { bucket }),
            RecordKind::Erased => Record::Erased(Erased {
                bucket: (some & 1 == 1).then_some(bucket),
                next_event: EventId(self.id()),
                next_bucket: self.bucket().0,
            }),
            RecordKind::PurgeBegun => Record::PurgeBegun(PurgeBegun {
                bucket,
                whole: some & 1 == 1,
                events: (0..some >> 6)
                    .map(|n| {
                        let through = if n == 0 { u64::MAX } else { self.id() };
                        PurgedEvents {
                            through: through.into(),
                            ids: self.ids(),
                        }
                    })
                    .collect(),
                redact: some & 2 == 2,
            }),
            RecordKind::PurgeEnded => Record::PurgeEnded(PurgeEnded { through: Seq(self.id()) }),
            RecordKind::Lost => Record::Lost(Lost {
                cause: match some % 3 {
                    0 => LossCause::Damaged,
                    1 => LossCause::Salvaged,
                    _ => LossCause::Unfoldable,
                },
            }),
        }
    }

    fn bucket(&mut self) -> BucketKey {
        if self.near && self.script.byte() < 240 {
            return BucketKey(u32::from(self.script.byte() % 4));
        }
        BucketKey(self.script.long() as u32)
    }

    fn id(&mut self) -> u64 {
        if self.near && self.script.byte() < 240 {
            return u64::from(self.script.byte());
        }
        self.script.long()
    }

    fn time(&mut self) -> Timestamp {
        Timestamp::from_nanos(self.script.signed())
    }

    fn duration(&mut self) -> Duration {
        Duration::from_nanos(self.script.signed())
    }

    fn ids(&mut self) -> Vec<EventId> {
        (0..self.script.byte()).map(|_| EventId(self.id())).collect()
    }

    fn heartbeat<'a>(&mut self, bucket: BucketKey, created: bool, data: &'a str) -> Heartbeat<'a> {
        let event = EventId(self.id());
        Heartbeat {
            bucket,
            start: self.time(),
            duration: self.duration(),
            pulsetime: Pulsetime::from_nanos(self.script.signed()),
            outcome: if created {
                Outcome::Created { event, data }
            } else {
                let duration = self.duration();
                Outcome::Extended { event, duration }
            },
        }
    }

    fn heartbeats<'a>(&mut self, bucket: BucketKey, extends: bool, texts: [&'a str; 3]) -> Heartbeats<'a> {
        let events = self.block(texts);
        let extended = (extends || events.is_empty()).then(|| Extension {
            event: EventId(self.id()),
            start: self.time(),
            before: self.duration(),
            after: self.duration(),
        });
        let count = events.len() + usize::from(extended.is_some());
        Heartbeats {
            bucket,
            extended,
            first: EventId(self.id()),
            counts: (0..count).map(|_| u32::from(self.script.byte())).collect(),
            events,
        }
    }

    fn changed<'a>(&mut self, bucket: BucketKey, texts: [&'a str; 3]) -> EventsChanged<'a> {
        let events = self.block(texts);
        EventsChanged {
            bucket,
            next_event: EventId(self.id()),
            last: match self.script.byte() % 3 {
                0 => Last::Unchanged,
                1 => Last::Newest,
                _ => Last::Event(EventId(self.id())),
            },
            removed: self.ids(),
            extended: self.ids().into_iter().map(|id| (id, self.duration())).collect(),
            ids: (0..events.len()).map(|_| EventId(self.id())).collect(),
            events,
        }
    }

    /// Events over these texts, as often as not in whole units of time, and enough of them to be compressed.
    fn block<'a>(&mut self, texts: [&'a str; 3]) -> EventBlock<'a> {
        let script = &mut *self.script;
        let count = script.below(600);
        let unit = [1, 1_000, 1_000_000, 1_000_000_000][script.below(4)];
        let mut next = script.signed();
        let events = (0..count).map(|n| {
            next = next.wrapping_add(if n % 8 == 0 { script.signed() } else { 1 });
            let duration = if n % 16 == 0 { script.signed() } else { 0 };
            // Wrapped values are not whole units any more, and then are values like any other.
            (
                Timestamp::from_nanos(next.wrapping_mul(unit)),
                Duration::from_nanos(duration.wrapping_mul(unit)),
                texts[n % texts.len()],
            )
        });
        let events: Vec<_> = events.collect();
        let block = EventBlock::from_events(events.iter().copied());
        assert!(block.iter().eq(events.iter().copied()));
        block
    }
}
