//! What a purge is to erase: every event that matches, or that matched before it was changed or deleted.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::{Duration, EventId, Timestamp};

use crate::error::HistoryError;
use crate::history::cancel_check::CancelCheck;
use crate::record::{BucketKey, Effect, PurgeBegun, PurgedEvents, Put, Record, Through};
use crate::row::{Bounds, Row, TimeRange};
use crate::view::BucketView;
use crate::view::Snapshot;

/// Ids in one record: it fits the smallest log segment.
const RECORD_IDS: usize = 32 << 10;

/// Which events are meant: all conditions hold.
pub struct Selection<'a> {
    /// Of these buckets; of all if empty.
    pub buckets: Vec<BucketKey>,
    /// These, if any are named.
    pub ids: Option<Vec<EventId>>,
    /// Those that touch this time.
    pub range: TimeRange,
    /// Those whose data (a canonical JSON object) this says yes to.
    pub data: &'a dyn Fn(&str) -> bool,
}

/// One of the events that were selected.
#[derive(Clone, Debug)]
pub struct SelectedEvent {
    /// The bucket that it is in, or was.
    pub bucket: BucketKey,
    /// Its id.
    pub id: EventId,
    /// When it starts.
    pub start: Timestamp,
    /// How long it takes.
    pub duration: Duration,
    /// Its data, canonical JSON.
    pub data: String,
}

/// What was selected.
#[derive(Clone, Debug, Default)]
pub struct Selected {
    /// Events that are there and match.
    pub events: u64,
    /// Events that match and were deleted, or are in a deleted bucket.
    pub deleted: u64,
    /// Events that are there and do not match, but did before they were changed.
    pub prior_versions: u64,
    /// Some of them.
    pub samples: Vec<SelectedEvent>,
    /// How many there are in each bucket.
    pub by_bucket: Vec<(BucketKey, u64)>,
    pub(crate) purges: Vec<PurgeBegun>,
}

impl Selected {
    /// Whether nothing matches.
    pub fn is_empty(&self) -> bool {
        self.purges.is_empty()
    }

    /// The orders that erase it.
    pub fn purges(&self) -> &[PurgeBegun] {
        &self.purges
    }
}

/// An event that matches, or did.
struct Seen {
    start: Timestamp,
    duration: Duration,
    /// The data that it has, if that matches.
    text: Option<Box<str>>,
    /// The newest record that holds a prior version of it that matched.
    prior: Option<Seq>,
    deleted: bool,
}

/// Goes through the log up to the snapshot's record. If records are damaged, also through the snapshot's events: views
/// still have what such records held. `cancel` is checked now and then.
///
/// # Errors
/// When the log, or after damage a view, cannot be read; [`HistoryError::Cancelled`].
pub(crate) fn select(
    reader: &LogReader,
    snapshot: &Snapshot,
    selection: &Selection<'_>,
    samples: usize,
    cancel: &Cancel,
) -> Result<Selected, HistoryError> {
    let mut search = Search {
        selection,
        ids: selection.ids.as_ref().map(|ids| ids.iter().copied().collect()),
        bounds: selection.range.bounds(),
        seen: FxHashMap::default(),
        trashed: FxHashSet::default(),
    };
    let mut records = reader.read_from(Seq::FIRST)?;
    let mut check = CancelCheck::new(cancel);
    // A missing first segment is no gap between records.
    let segments = reader.segments()?;
    let mut is_damaged = segments.first().is_some_and(|first| first.first > Seq::FIRST);
    while let Some(record) = records.next() {
        let bytes = record.as_ref().map_or(0, |record| record.payload.len());
        check.after(bytes)?;
        let Ok(record) = record else {
            is_damaged = true;
            continue;
        };
        if record.seq > snapshot.seq() {
            break;
        }
        let Some(key) = Record::bucket_of(record.kind, record.payload)? else {
            continue;
        };
        if selection.buckets.is_empty() || selection.buckets.contains(&key) {
            let decoded = Record::decode(record.kind, record.payload)?;
            search.take(key, record.seq, &decoded);
        }
    }
    if is_damaged {
        for view in snapshot.kept() {
            search.look_at(view, &mut check)?;
        }
    }
    Ok(search.selected(samples))
}

struct Search<'a> {
    selection: &'a Selection<'a>,
    /// [`Selection::ids`], to be found fast: it is asked for every event of the log.
    ids: Option<FxHashSet<EventId>>,
    bounds: Bounds,
    seen: FxHashMap<BucketKey, FxHashMap<EventId, Seen>>,
    /// Deleted buckets.
    trashed: FxHashSet<BucketKey>,
}

impl Search<'_> {
    /// Takes the events of a bucket as they are now, whatever the records that could be read say.
    fn look_at(&mut self, view: &BucketView, check: &mut CancelCheck<'_>) -> Result<(), HistoryError> {
        let key = view.key();
        if !self.selection.buckets.is_empty() && !self.selection.buckets.contains(&key) {
            return Ok(());
        }
        let mut text = Vec::new();
        for event in view.events(self.selection.range)? {
            let event = event?;
            text.clear();
            event.write_data(&mut text);
            check.after(text.len())?;
            let id = event.id();
            let data = String::from_utf8_lossy(&text);
            if !self.is_wanted(id) || !(self.selection.data)(&data) {
                continue;
            }
            let bucket = self.seen.entry(key).or_default();
            let prior = bucket.get(&id).and_then(|seen| seen.prior);
            let seen = Seen {
                start: event.start(),
                duration: event.duration(),
                text: Some(data.into()),
                prior,
                deleted: false,
            };
            bucket.insert(id, seen);
        }
        Ok(())
    }

    fn take(&mut self, key: BucketKey, seq: Seq, record: &Record<'_>) {
        match record.effect() {
            Effect::ChangeEvents(changes) => {
                self.remove(key, changes.removed);
                for (id, duration) in changes.extended.iter() {
                    self.extend(key, id, duration);
                }
                if let Some(put) = &changes.put {
                    self.put_all(key, seq, put);
                }
            }
            Effect::DeleteBucket(_) => drop(self.trashed.insert(key)),
            Effect::RestoreBucket(_) => drop(self.trashed.remove(&key)),
            // What an earlier purge names is being erased already.
            Effect::Purge(purge) => {
                if purge.is_whole() {
                    self.seen.remove(&key);
                }
                for id in purge.erased(seq).flat_map(|erased| erased.ids) {
                    self.forget_prior(key, *id);
                }
                for id in purge.removed().flatten() {
                    self.forget(key, *id);
                }
            }
            Effect::CreateBucket(_)
            | Effect::UpdateBucket(_)
            | Effect::ListBucket(_)
            | Effect::Set { .. }
            | Effect::EndPurges { .. }
            | Effect::TakeBatch { .. }
            | Effect::Nothing => {}
        }
    }

    fn put_all(&mut self, key: BucketKey, seq: Seq, put: &Put<'_>) {
        // Each distinct text once, and only if somebody asks for it.
        let matches: Vec<bool> = put.texts().map(|text| (self.selection.data)(text)).collect();
        for ((id, start, duration, text), (_, _, number)) in put.iter().zip(put.rows()) {
            let hit = matches.get(number as usize).copied();
            debug_assert!(
                hit.is_some(),
                "a block of events was read with numbers that its texts have"
            );
            let hit = hit.unwrap_or(false);
            self.put(key, seq, id, (start, duration, text), hit);
        }
    }

    fn put(
        &mut self,
        key: BucketKey,
        seq: Seq,
        id: EventId,
        (start, duration, text): (Timestamp, Duration, &str),
        hit: bool,
    ) {
        let hit = hit && self.is_wanted(id);
        let prior = self.newest_prior(key, id, seq.prev());
        if hit || prior.is_some() {
            let seen = Seen {
                start,
                duration,
                text: hit.then(|| text.into()),
                prior,
                deleted: false,
            };
            self.seen.entry(key).or_default().insert(id, seen);
        } else if let Some(bucket) = self.seen.get_mut(&key) {
            bucket.remove(&id);
        }
    }

    /// The newest record up to which a prior version of an event matched, the one it has now included, which ends with
    /// record `until`.
    fn newest_prior(&self, key: BucketKey, id: EventId, until: Seq) -> Option<Seq> {
        let seen = self.seen.get(&key)?.get(&id)?;
        if self.matches(id, seen) {
            Some(until)
        } else {
            seen.prior
        }
    }

    fn extend(&mut self, key: BucketKey, id: EventId, duration: Duration) {
        if let Some(seen) = self.seen.get_mut(&key).and_then(|bucket| bucket.get_mut(&id)) {
            seen.duration = duration;
        }
    }

    fn remove(&mut self, key: BucketKey, ids: &[EventId]) {
        if let Some(bucket) = self.seen.get_mut(&key) {
            for id in ids {
                if let Some(seen) = bucket.get_mut(id) {
                    seen.deleted = true;
                }
            }
        }
    }

    /// An event is purged.
    fn forget(&mut self, key: BucketKey, id: EventId) {
        if let Some(bucket) = self.seen.get_mut(&key) {
            bucket.remove(&id);
        }
    }

    /// What an event was before is erased.
    fn forget_prior(&mut self, key: BucketKey, id: EventId) {
        if let Some(seen) = self.seen.get_mut(&key).and_then(|bucket| bucket.get_mut(&id)) {
            seen.prior = None;
        }
    }

    fn is_wanted(&self, id: EventId) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.contains(&id))
    }

    fn matches(&self, id: EventId, seen: &Seen) -> bool {
        let row = Row {
            start: seen.start,
            duration: seen.duration,
            id,
            data: 0,
        };
        seen.text.is_some() && self.bounds.touches(&row)
    }

    fn selected(self, samples: usize) -> Selected {
        let mut selected = Selected::default();
        let mut keys: Vec<BucketKey> = self.seen.keys().copied().collect();
        keys.sort_unstable();
        for key in keys {
            let Some(bucket) = self.seen.get(&key) else {
                continue;
            };
            let mut ids: Vec<(&EventId, &Seen)> = bucket.iter().collect();
            ids.sort_unstable_by_key(|(id, _)| **id);
            let mut groups: BTreeMap<Through, Vec<EventId>> = BTreeMap::new();
            let mut count = 0;
            for (id, seen) in ids {
                let through = match (self.matches(*id, seen), seen.prior) {
                    (true, _) => Through::Now,
                    (false, Some(prior)) => Through::UpTo(prior),
                    (false, None) => continue,
                };
                count += 1;
                match (through, seen.deleted || self.trashed.contains(&key)) {
                    (Through::Now, false) => selected.events += 1,
                    (_, true) => selected.deleted += 1,
                    _ => selected.prior_versions += 1,
                }
                if let Some(text) = seen.text.as_ref().filter(|_| selected.samples.len() < samples) {
                    selected.samples.push(SelectedEvent {
                        bucket: key,
                        id: *id,
                        start: seen.start,
                        duration: seen.duration,
                        data: text.to_string(),
                    });
                }
                groups.entry(through).or_default().push(*id);
            }
            if count > 0 {
                selected.by_bucket.push((key, count));
                selected.purges.extend(purges(key, groups));
            }
        }
        selected
    }
}

/// The records for a bucket: groups of events by the record through which they are erased.
pub(crate) fn purges(bucket: BucketKey, groups: BTreeMap<Through, Vec<EventId>>) -> Vec<PurgeBegun> {
    let mut all: Vec<(Through, EventId)> = groups
        .into_iter()
        .flat_map(|(through, ids)| ids.into_iter().map(move |id| (through, id)))
        .collect();
    all.sort_unstable();
    let record = |part: &[(Through, EventId)]| PurgeBegun {
        bucket,
        whole: false,
        events: part
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(|group| {
                let (through, _) = *group.first()?;
                let ids = group.iter().map(|(_, id)| *id).collect();
                Some(PurgedEvents { through, ids })
            })
            .collect(),
        redact: false,
    };
    all.chunks(RECORD_IDS).map(record).collect()
}
