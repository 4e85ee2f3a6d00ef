//! The squashed state of a segment: the fewest records that fold to what all of its records fold to.
//!
//! A heartbeat that extended an event leaves the event's last duration; an event that came and went leaves nothing; of
//! a setting its last value is left. Large inserts that nobody touched later are taken over with their bytes: a segment
//! full of them costs no more memory than its file.

use crate::pace::Pace;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;
use timberline_log::{LogReader, Rewrite, Rewritten, SegmentInfo, Seq};
use timberline_model::{Duration, EventId, Timestamp};

use crate::error::HistoryError;
use crate::history::each_record;
use crate::record::codec::{self, CodecError};
use crate::record::{
    BatchTaken, BucketCreated, BucketDeleted, BucketKey, BucketListed, BucketUpdated, Effect, Erased,
    EventBlock, EventChanges, EventsChanged, Last, PurgeEnded, Record, RecordKind, SettingDeleted,
    SettingSet,
};

/// Events in one record of a squashed segment.
const RECORD_EVENTS: usize = 4096;
/// Bytes of their texts.
const RECORD_BYTES: usize = 768 << 10;
/// Inserts of at least so many events are taken over as they are.
const LARGE: usize = 256;

/// Squashes a sealed segment. `None` if it stays as it is: when it is damaged, when a purge of it is not complete
/// (`purges`), or when it holds a bucket restore or gives a bucket another id or other aliases: a name may have gone from
/// one bucket to another within the segment and back, and no order of the few records that stay would fold to the same.
///
/// # Errors
/// When the log cannot be read or the new segment not written; the old one is then still there.
pub(crate) fn squash(
    reader: &LogReader,
    segment: &SegmentInfo,
    purges: &[Seq],
    pace: &mut dyn Pace,
) -> Result<Option<Rewritten>, HistoryError> {
    let Some(last) = segment.last.filter(|_| !segment.squashed) else {
        return Ok(None);
    };
    let mut touched = Touched::default();
    match each_record(reader, segment.first, last, |found, record| {
        pace.spent(found.size())?;
        Ok(touched.note(found.seq, &record, purges))
    }) {
        Ok(()) => {}
        Err(HistoryError::Damaged(damage)) => {
            tracing::warn!(%damage, "a damaged log segment is not squashed");
            return Ok(None);
        }
        Err(error) => return Err(error),
    }
    if touched.refused {
        return Ok(None);
    }
    let mut squasher = Squasher::default();
    each_record(reader, segment.first, last, |found, record| {
        pace.spent(found.size())?;
        squasher.take(found, record, &touched)?;
        Ok(true)
    })?;
    let Some(mut rewrite) = reader.squash(segment.first)? else {
        return Ok(None);
    };
    squasher.write(&mut rewrite)?;
    Ok(Some(rewrite.commit()?))
}

/// Which events are changed by something else than what made them.
#[derive(Default)]
struct Touched {
    ids: FxHashMap<BucketKey, BTreeSet<EventId>>,
    refused: bool,
}

impl Touched {
    /// Takes note of a record. False when the segment cannot be squashed.
    fn note(&mut self, seq: Seq, record: &Record<'_>, purges: &[Seq]) -> bool {
        match record.effect() {
            Effect::ChangeEvents(changes) => {
                let extended = changes.extended.iter().map(|(id, _)| id);
                let given = changes.put.and_then(|put| put.given()).unwrap_or_default();
                let all = changes.removed.iter().chain(given).copied().chain(extended);
                self.ids.entry(changes.bucket).or_default().extend(all);
            }
            Effect::RestoreBucket(_) => self.refused = true,
            Effect::ListBucket(r) => self.refused |= r.id.is_some() || r.aliases.is_some(),
            Effect::Purge(_) => self.refused |= purges.contains(&seq),
            Effect::CreateBucket(_)
            | Effect::UpdateBucket(_)
            | Effect::DeleteBucket(_)
            | Effect::Set { .. }
            | Effect::EndPurges { .. }
            | Effect::TakeBatch { .. }
            | Effect::Nothing => {}
        }
        !self.refused
    }

    fn any(&self, bucket: BucketKey, from: EventId, count: u64) -> bool {
        self.ids
            .get(&bucket)
            .is_some_and(|ids| ids.range(from..from.plus(count)).next().is_some())
    }
}

/// Gathers the squashed state.
#[derive(Default)]
struct Squasher {
    buckets: BTreeMap<BucketKey, SquashedBucket>,
    settings: BTreeMap<String, Option<String>>,
    next_event: EventId,
    next_bucket: u32,
    purged_through: Option<Seq>,
    /// Requests that were carried out, in order: client, name.
    batches: Vec<(String, String)>,
    time: i64,
}

/// The squashed state of one bucket.
#[derive(Default)]
struct SquashedBucket {
    created: Option<Created>,
    updated: Option<Updated>,
    archived: Option<bool>,
    /// Inserts taken over: when, and their payload.
    inserts: Vec<(i64, Vec<u8>)>,
    removed: BTreeSet<EventId>,
    extended: BTreeMap<EventId, Duration>,
    events: BTreeMap<EventId, Event>,
    texts: Texts,
    last: Option<Last>,
    /// There is more than the traces of what was erased.
    exists: bool,
    deleted: bool,
}

struct Created {
    id: String,
    client: String,
    hostname: String,
    type_: String,
    data: String,
    created: Timestamp,
    last_updated: Option<Timestamp>,
}

#[derive(Default)]
struct Updated {
    type_: Option<String>,
    client: Option<String>,
    hostname: Option<String>,
    data: Option<String>,
}

#[derive(Clone, Copy)]
struct Event {
    start: Timestamp,
    duration: Duration,
    text: u32,
}

/// Distinct data.
#[derive(Default)]
struct Texts {
    numbers: FxHashMap<std::sync::Arc<str>, u32>,
    texts: Vec<std::sync::Arc<str>>,
}

impl Texts {
    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        let text: std::sync::Arc<str> = text.into();
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        number
    }

    /// The text with a number that [`Texts::number`] has given; others are a bug, and the answer is no JSON.
    fn text(&self, number: u32) -> &str {
        let text = self.texts.get(number as usize);
        debug_assert!(text.is_some(), "text {number} was never numbered");
        text.map_or("", |text| text)
    }
}

impl Squasher {
    fn take(
        &mut self,
        found: &timberline_log::Record<'_>,
        record: Record<'_>,
        touched: &Touched,
    ) -> Result<(), CodecError> {
        self.time = self.time.max(found.time);
        let used = record.ids_used();
        self.next_event = self.next_event.max(used.next_event);
        self.next_bucket = self.next_bucket.max(used.next_bucket);
        if let Record::EventsInserted(r) = &record
            && r.events.len() >= LARGE
            && !touched.any(r.bucket, r.first, r.events.len() as u64)
        {
            let payload = codec::inserted_as_changed(found.payload, r)?;
            let bucket = self.of(r.bucket);
            bucket.inserts.push((found.time, payload));
            bucket.last = Some(Last::Newest);
            return Ok(());
        }
        match record.effect() {
            Effect::CreateBucket(r) => self.of(r.bucket).created = Some(Created::from(r)),
            Effect::UpdateBucket(r) => self.of(r.bucket).update(r),
            Effect::ListBucket(r) => {
                let bucket = self.of(r.bucket);
                bucket.archived = r.archived.or(bucket.archived);
            }
            Effect::DeleteBucket(key) => self.of(key).deleted = true,
            // All that an erased record leaves, whether its bucket is there or not.
            Effect::ChangeEvents(changes) if changes.is_empty() && changes.last == Last::Newest => {
                self.buckets.entry(changes.bucket).or_default().last = Some(Last::Newest);
            }
            Effect::ChangeEvents(changes) => self.of(changes.bucket).change(&changes),
            Effect::Set { key, value } => {
                self.settings.insert(key.to_owned(), value.map(str::to_owned));
            }
            Effect::EndPurges { through } => self.purged_through = self.purged_through.max(Some(through)),
            // What became of each heartbeat is not kept, only that they came.
            Effect::TakeBatch { client, id } => self.batches.push((client.to_owned(), id.to_owned())),
            // The purge is complete, so nothing is left of what it named.
            Effect::Purge(_) | Effect::Nothing => {}
            // Segments with one of these are not squashed.
            Effect::RestoreBucket(_) => {}
        }
        Ok(())
    }

    fn of(&mut self, bucket: BucketKey) -> &mut SquashedBucket {
        let squashed = self.buckets.entry(bucket).or_default();
        squashed.exists = true;
        squashed
    }

    /// Buckets in the order of their keys: one that was deleted makes room for a later one of its name before that one
    /// comes.
    fn write(&self, rewrite: &mut Rewrite) -> Result<(), HistoryError> {
        let mut out = Out {
            rewrite,
            time: self.time,
        };
        out.record(&Record::Erased(Erased {
            bucket: None,
            next_event: EventId::NONE,
            next_bucket: self.next_bucket,
        }))?;
        for (key, bucket) in &self.buckets {
            bucket.write(*key, &mut out)?;
        }
        out.record(&Record::Erased(Erased {
            bucket: None,
            next_event: self.next_event,
            next_bucket: 0,
        }))?;
        for (key, value) in &self.settings {
            out.record(&match value {
                Some(value) => Record::SettingSet(SettingSet { key, value }),
                None => Record::SettingDeleted(SettingDeleted { key }),
            })?;
        }
        for (client, id) in &self.batches {
            out.record(&Record::BatchTaken(BatchTaken {
                client,
                id,
                digest: 0,
                parts: 0,
                outcomes: Vec::new(),
            }))?;
        }
        if let Some(through) = self.purged_through {
            out.record(&Record::PurgeEnded(PurgeEnded { through }))?;
        }
        Ok(())
    }
}

/// Where the records of the squashed state go.
struct Out<'a> {
    rewrite: &'a mut Rewrite,
    time: i64,
}

impl Out<'_> {
    fn record(&mut self, record: &Record<'_>) -> Result<(), HistoryError> {
        let mut payload = Vec::new();
        record.encode(&mut payload)?;
        self.rewrite
            .add_squashed(self.time, record.kind().number(), &payload);
        Ok(())
    }
}

impl SquashedBucket {
    fn update(&mut self, r: &BucketUpdated<'_>) {
        let set = |field: &mut Option<String>, value: Option<&str>| {
            if let Some(value) = value {
                *field = Some(value.to_owned());
            }
        };
        let updated = self.updated.get_or_insert_default();
        set(&mut updated.type_, r.type_);
        set(&mut updated.client, r.client);
        set(&mut updated.hostname, r.hostname);
        set(&mut updated.data, r.data);
    }

    fn change(&mut self, changes: &EventChanges<'_>) {
        self.remove(changes.removed);
        for (id, duration) in changes.extended.iter() {
            match self.events.get_mut(&id) {
                Some(event) => event.duration = duration,
                None => drop(self.extended.insert(id, duration)),
            }
        }
        for (id, start, duration, text) in changes.put.iter().flat_map(|put| put.iter()) {
            let text = self.texts.number(text);
            self.extended.remove(&id);
            let event = Event {
                start,
                duration,
                text,
            };
            self.events.insert(id, event);
        }
        self.compare_with(changes.last);
    }

    fn remove(&mut self, ids: &[EventId]) {
        for id in ids {
            self.events.remove(id);
            self.extended.remove(id);
            // It may have been there before this segment.
            self.removed.insert(*id);
            if self.last == Some(Last::Event(*id)) {
                self.last = Some(Last::Newest);
            }
        }
    }

    fn compare_with(&mut self, last: Last) {
        if last != Last::Unchanged {
            self.last = Some(last);
        }
    }

    fn write(&self, key: BucketKey, out: &mut Out<'_>) -> Result<(), HistoryError> {
        if !self.exists {
            return out.record(&Record::Erased(Erased {
                bucket: Some(key),
                ..Erased::default()
            }));
        }
        if let Some(created) = &self.created {
            out.record(&Record::BucketCreated(created.record(key)))?;
        }
        if let Some(updated) = &self.updated {
            out.record(&Record::BucketUpdated(updated.record(key)))?;
        }
        if self.archived.is_some() {
            out.record(&Record::BucketListed(BucketListed {
                bucket: key,
                archived: self.archived,
                ..BucketListed::default()
            }))?;
        }
        for (time, payload) in &self.inserts {
            out.rewrite
                .add_squashed(*time, RecordKind::EventsChanged.number(), payload);
        }
        self.write_events(key, out)?;
        if self.deleted {
            out.record(&Record::BucketDeleted(BucketDeleted { bucket: key }))?;
        }
        Ok(())
    }

    fn write_events(&self, key: BucketKey, out: &mut Out<'_>) -> Result<(), HistoryError> {
        let mut first = EventsChanged {
            bucket: key,
            next_event: EventId::NONE,
            last: Last::Unchanged,
            removed: self.removed.iter().copied().collect(),
            extended: self
                .extended
                .iter()
                .map(|(id, duration)| (*id, *duration))
                .collect(),
            ids: Vec::new(),
            events: EventBlock::default(),
        };
        if !first.removed.is_empty() || !first.extended.is_empty() {
            out.record(&Record::EventsChanged(first.clone()))?;
            (first.removed, first.extended) = (Vec::new(), Vec::new());
        }
        let mut events: Vec<(EventId, Event)> = self.events.iter().map(|(id, event)| (*id, *event)).collect();
        events.sort_by_key(|(id, event)| (event.start, *id));
        let mut rest = events.as_slice();
        while !rest.is_empty() {
            let (part, later) = rest.split_at(self.fitting(rest));
            rest = later;
            let block = part
                .iter()
                .map(|(_, e)| (e.start, e.duration, self.texts.text(e.text)));
            out.record(&Record::EventsChanged(EventsChanged {
                ids: part.iter().map(|(id, _)| *id).collect(),
                events: EventBlock::from_events(block),
                ..first.clone()
            }))?;
        }
        match self.last {
            None => Ok(()),
            Some(last) => out.record(&Record::EventsChanged(EventsChanged { last, ..first })),
        }
    }

    /// How many of these events go into one record; at least one.
    fn fitting(&self, events: &[(EventId, Event)]) -> usize {
        let mut bytes = 0;
        let fits = events.iter().take(RECORD_EVENTS).take_while(|(_, event)| {
            bytes += self.texts.text(event.text).len();
            bytes <= RECORD_BYTES
        });
        fits.count().max(1)
    }
}

impl From<&BucketCreated<'_>> for Created {
    fn from(r: &BucketCreated<'_>) -> Created {
        Created {
            id: r.id.to_owned(),
            client: r.client.to_owned(),
            hostname: r.hostname.to_owned(),
            type_: r.type_.to_owned(),
            data: r.data.to_owned(),
            created: r.created,
            last_updated: r.last_updated,
        }
    }
}

impl Created {
    fn record(&self, bucket: BucketKey) -> BucketCreated<'_> {
        BucketCreated {
            bucket,
            id: &self.id,
            type_: &self.type_,
            client: &self.client,
            hostname: &self.hostname,
            created: self.created,
            data: &self.data,
            last_updated: self.last_updated,
        }
    }
}

impl Updated {
    fn record(&self, bucket: BucketKey) -> BucketUpdated<'_> {
        BucketUpdated {
            bucket,
            type_: self.type_.as_deref(),
            client: self.client.as_deref(),
            hostname: self.hostname.as_deref(),
            data: self.data.as_deref(),
        }
    }
}
