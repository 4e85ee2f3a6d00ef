//! Taking changes back: new records that make what some records changed what it was before them.
//!
//! Three states decide: before the records, after them, and now. What is now as it was after them goes back to what
//! it was before; what has changed again since is a conflict, and left alone. Heartbeats are not taken back: they are
//! what happened, not what somebody did to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_cancel::Cancel;
use timberline_log::{LogReader, Seq};
use timberline_model::EventId;

use crate::error::HistoryError;
use crate::fold::State;
use crate::history::backward::{self, Asked};
use crate::history::each_record_until;
use crate::history::event_state::{BucketAt, BucketPresence, EventState, Fields, StateAt};
use crate::record::MAX_RECORD_TEXT;
use crate::record::{
    BucketDeleted, BucketKey, BucketRestored, BucketUpdated, Effect, EventBlock, EventsChanged, Last, Record,
    SettingDeleted, SettingSet,
};
use crate::view::Snapshot;
use crate::view::{BucketView, Located};

/// What to do about what was changed again since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undoing {
    /// Nothing is changed; the answer says what would be.
    Preview,
    /// Nothing is changed if anything cannot be taken back.
    All,
    /// What can be taken back is.
    Possible,
}

/// What an undo changed, or would change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Events that were restored or got their earlier times or data.
    pub events_restored: u64,
    /// Events that were removed.
    pub events_removed: u64,
    /// Buckets that were restored or deleted, or got their earlier fields.
    pub buckets: u64,
    /// Settings that got their earlier value.
    pub settings: u64,
    /// Heartbeats among the records, which stay.
    pub heartbeats_kept: u64,
    /// What could not be taken back, and why.
    pub conflicts: Vec<String>,
}

impl Undone {
    /// Whether there was nothing to take back.
    pub fn is_empty(&self) -> bool {
        self.events_restored + self.events_removed + self.buckets + self.settings == 0
    }
}

/// What some records changed, and what it was before.
#[derive(Debug)]
pub(crate) struct Undo {
    /// The first of the records.
    from: Seq,
    events: FxHashMap<BucketKey, FxHashSet<EventId>>,
    buckets: FxHashSet<BucketKey>,
    /// Those of the buckets that were made by the records.
    made: FxHashSet<BucketKey>,
    /// What was there before, or may have been: events and buckets that came with the records were not.
    asked: Asked,
    heartbeats: u64,
    purges: u64,
    before: StateAt,
    after: StateAt,
    now: StateAt,
    standing: Standing,
}

/// How things are in the snapshot that is decided on.
#[derive(Debug, Default)]
struct Standing {
    /// The events, by bucket.
    located: FxHashMap<BucketKey, Arc<Located>>,
    /// Those that are no longer what they were after the records: changed again, come, or gone.
    changed: FxHashMap<BucketKey, FxHashSet<EventId>>,
    /// Buckets of which it was decided anew since what the next heartbeat is compared with.
    decided: FxHashSet<BucketKey>,
}

/// Whether a decision that was made on a snapshot still holds.
#[derive(Debug)]
pub(crate) enum Verdict {
    Holds,
    /// More was changed again since: once that is noted, the records are to be made again.
    Narrowed(News),
    /// It must be decided again, on a newer snapshot.
    Outdated,
}

/// What was changed since a decision was made.
#[derive(Debug, Default)]
pub(crate) struct News {
    changed: Vec<(BucketKey, Vec<EventId>)>,
    decided: Vec<BucketKey>,
}

impl Undo {
    /// Reads what the records `from..=to` changed.
    ///
    /// # Errors
    /// When a part of the log cannot be read; [`HistoryError::Cancelled`].
    pub(crate) fn of(
        reader: &LogReader,
        (from, to): (Seq, Seq),
        newest: Seq,
        cancel: &Cancel,
    ) -> Result<Undo, HistoryError> {
        let mut undo = Undo {
            from,
            events: FxHashMap::default(),
            buckets: FxHashSet::default(),
            made: FxHashSet::default(),
            asked: Asked::default(),
            heartbeats: 0,
            purges: 0,
            before: StateAt::default(),
            after: StateAt::default(),
            now: StateAt::default(),
            standing: Standing::default(),
        };
        each_record_until(reader, from, to, cancel, |_, record| {
            undo.note(&record);
            Ok(true)
        })?;
        undo.before = backward::before(reader, &undo.asked, from, cancel)?;
        let before = undo.before.clone().keeping(undo.events.clone());
        if let Ok([after, now]) = <[StateAt; 2]>::try_from(before.at(reader, from, &[to, newest], cancel)?) {
            (undo.after, undo.now) = (after, now);
        }
        Ok(undo)
    }

    fn note(&mut self, record: &Record<'_>) {
        match record.effect() {
            Effect::CreateBucket(r) => {
                self.buckets.insert(r.bucket);
                self.made.insert(r.bucket);
            }
            Effect::UpdateBucket(r) => self.bucket_changed(r.bucket),
            Effect::DeleteBucket(key) | Effect::RestoreBucket(key) => self.bucket_changed(key),
            Effect::ChangeEvents(changes) if changes.by_heartbeat => self.heartbeats += 1,
            // What is left of an erased record changes no event.
            Effect::ChangeEvents(changes) if changes.is_empty() => {}
            Effect::ChangeEvents(changes) => {
                let new = changes.put.filter(|put| put.first_new().is_some());
                // Events with new ids were not there before.
                let new = new.iter().flat_map(|put| put.ids());
                self.events.entry(changes.bucket).or_default().extend(new);
                let extended = changes.extended.iter().map(|(id, _)| id);
                let given = changes.put.and_then(|put| put.given()).unwrap_or_default();
                let all = changes.removed.iter().chain(given).copied().chain(extended);
                self.changed(changes.bucket, all);
            }
            Effect::Set { key, .. } => drop(self.asked.settings.insert(key.to_owned())),
            Effect::Purge(_) => self.purges += 1,
            Effect::EndPurges { .. } | Effect::Nothing => {}
        }
    }

    fn bucket_changed(&mut self, key: BucketKey) {
        self.buckets.insert(key);
        if !self.made.contains(&key) {
            self.asked.buckets.insert(key);
        }
    }

    /// A record changed events. Those that came with an earlier one of the records were not there before.
    fn changed(&mut self, key: BucketKey, ids: impl Iterator<Item = EventId>) {
        let all = self.events.entry(key).or_default();
        if self.made.contains(&key) {
            all.extend(ids);
            return;
        }
        let asked = self.asked.events.entry(key).or_default();
        for id in ids {
            if all.insert(id) {
                asked.insert(id);
            }
        }
    }

    /// Compares the events with what they are in a snapshot. Then it can be decided.
    ///
    /// # Errors
    /// When a view segment cannot be read.
    pub(crate) fn stand(&mut self, snapshot: &Snapshot) -> Result<(), HistoryError> {
        let mut standing = Standing::default();
        for (key, ids) in &self.events {
            let Some(view) = snapshot.kept_of(*key) else {
                continue;
            };
            let all: Vec<EventId> = ids.iter().copied().collect();
            standing.located.insert(*key, Arc::new(Located::of(view, &all)?));
            standing
                .changed
                .insert(*key, self.changed_since(view, *key, ids)?);
        }
        self.standing = standing;
        Ok(())
    }

    /// Where the events of a bucket lie in the snapshot.
    pub(crate) fn located(&self, key: BucketKey) -> Option<&Arc<Located>> {
        self.standing.located.get(&key)
    }

    /// The buckets that it is about.
    fn keys(&self) -> Vec<BucketKey> {
        let mut keys: Vec<BucketKey> = self.events.keys().chain(&self.buckets).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Whether the decision that was made on a snapshot holds for a later state. Reads nothing. `unmade` are the buckets
    /// that it deletes.
    pub(crate) fn verdict(&self, snapshot: &Snapshot, state: &State, unmade: &[BucketKey]) -> Verdict {
        let same_settings = std::ptr::eq(state.settings(), &**snapshot.shared_settings());
        if !same_settings && !self.asked.settings.is_empty() {
            return Verdict::Outdated;
        }
        let mut news = News::default();
        for key in self.keys() {
            let (then, now) = match (snapshot.anywhere(key), state.anywhere(key)) {
                (None, None) => continue,
                (Some((then, was)), Some((now, is))) if was == is => (then, &now.view),
                _ => return Verdict::Outdated,
            };
            let id = then.bucket.id.as_str();
            let renamed = snapshot.bucket(id).map(|view| view.key) != state.named(id).map(|b| b.view.key);
            let touched = unmade.contains(&key) && then.touched != now.touched;
            if renamed || touched || !Arc::ptr_eq(&then.bucket, &now.bucket) {
                return Verdict::Outdated;
            }
            let Some(located) = self.standing.located.get(&key) else {
                continue;
            };
            let Some(mut changed) = located.changed(now) else {
                return Verdict::Outdated;
            };
            let known = self.standing.changed.get(&key);
            let is_known = |id: &EventId| known.is_some_and(|known| known.contains(id));
            let is_as_after = |id: &EventId| self.is_as_after(now, key, *id);
            if changed.iter().any(|id| is_known(id) && is_as_after(id)) {
                // It was changed again, and now changed back.
                return Verdict::Outdated;
            }
            changed.retain(|id| !is_known(id) && !is_as_after(id));
            if !changed.is_empty() {
                news.changed.push((key, changed));
            }
            if then.touched != now.touched && !self.standing.decided.contains(&key) {
                news.decided.push(key);
            }
        }
        match news.changed.is_empty() && news.decided.is_empty() {
            true => Verdict::Holds,
            false => Verdict::Narrowed(news),
        }
    }

    /// Whether an event that has changed lately is what it was after the records. It lies in memory, if it is there.
    fn is_as_after(&self, view: &BucketView, key: BucketKey, id: EventId) -> bool {
        let was = self
            .after
            .buckets
            .get(&key)
            .and_then(|after| after.events.get(&id));
        let now = view.find_in_memory(id).map(|place| view.read(place));
        match (was, now) {
            (None, None) => true,
            (Some(v), Some(Ok(Some((row, text))))) => {
                (v.start, v.duration, &*v.text) == (row.start, row.duration, text.as_str())
            }
            _ => false,
        }
    }

    /// Notes what has changed since: that is not undone.
    pub(crate) fn narrow(&mut self, news: News) {
        for (key, changed) in news.changed {
            self.standing.changed.entry(key).or_default().extend(changed);
        }
        self.standing.decided.extend(news.decided);
    }

    /// The records that take them back, as it was found by [`Undo::stand`] on this snapshot.
    pub(crate) fn records(&self, snapshot: &Snapshot) -> (Vec<Record<'_>>, Undone) {
        let mut undone = Undone {
            heartbeats_kept: self.heartbeats,
            ..Undone::default()
        };
        if self.purges > 0 {
            undone
                .conflicts
                .push("what was purged is gone for good and cannot be brought back".to_owned());
        }
        let mut records = Vec::new();
        for key in self.keys() {
            self.bucket(snapshot, key, &mut records, &mut undone);
        }
        self.settings(snapshot, &mut records, &mut undone);
        (records, undone)
    }

    fn bucket<'a>(
        &'a self,
        snapshot: &Snapshot,
        key: BucketKey,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let none = BucketAt::default();
        let before = self.before.buckets.get(&key).unwrap_or(&none);
        let after = self.after.buckets.get(&key).unwrap_or(&none);
        let Some((view, trashed)) = snapshot.anywhere(key) else {
            if after.presence != BucketPresence::Nowhere {
                undone
                    .conflicts
                    .push(format!("bucket number {} was purged since", key.0));
            }
            return;
        };
        let id = &view.bucket.id;
        let was = |trace: &BucketAt| trace.presence;
        match (was(before), was(after)) {
            (BucketPresence::There, BucketPresence::Trashed) if trashed => {
                if snapshot.bucket(id).is_some() {
                    undone.conflicts.push(format!(
                        "bucket '{id}' cannot come back: there is a new one of that name"
                    ));
                    return;
                }
                records.push(Record::BucketRestored(BucketRestored { bucket: key }));
                undone.buckets += 1;
            }
            (BucketPresence::Nowhere | BucketPresence::Trashed, BucketPresence::There) if !trashed => {
                return self.unmake(view, before, records, undone);
            }
            _ if trashed && self.events.contains_key(&key) => {
                undone
                    .conflicts
                    .push(format!("bucket '{id}' was deleted since: restore it first"));
                return;
            }
            _ => {}
        }
        self.fields(view, key, records, undone);
        self.events(view, key, records, undone);
    }

    /// Deletes a bucket that was created or restored, if it holds the same as it did then.
    fn unmake<'a>(
        &'a self,
        view: &BucketView,
        before: &BucketAt,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let key = view.key;
        let came_back = before.presence == BucketPresence::Trashed;
        let after = self.after.buckets.get(&key);
        let ours = match came_back {
            true => self.untouched_since(key),
            false => {
                view.len == after.map_or(0, |after| after.events.len() as u64)
                    && self.standing.changed.get(&key).is_none_or(FxHashSet::is_empty)
            }
        };
        if ours {
            records.push(Record::BucketDeleted(BucketDeleted { bucket: key }));
            undone.buckets += 1;
            undone.events_removed += view.len;
            return;
        }
        let id = &view.bucket.id;
        undone.conflicts.push(format!(
            "bucket '{id}' stays: there are other events in it by now"
        ));
        if !came_back {
            self.events(view, key, records, undone);
        }
    }

    /// Whether no record since has named what is traced of a bucket.
    fn untouched_since(&self, key: BucketKey) -> bool {
        let trace = |t: &StateAt| t.buckets.get(&key).map(|b| (b.events.clone(), b.last));
        trace(&self.after) == trace(&self.now)
    }

    fn fields<'a>(
        &'a self,
        view: &BucketView,
        key: BucketKey,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let traces = (self.before.buckets.get(&key), self.after.buckets.get(&key));
        let (Some(before), Some(after)) = traces else {
            return;
        };
        if before.presence == BucketPresence::Nowhere || before.fields == after.fields {
            return;
        }
        let b = &view.bucket;
        let now: Fields = [
            b.type_.clone(),
            b.client.clone(),
            b.hostname.clone(),
            b.data.as_str().to_owned(),
        ];
        if now != after.fields {
            undone
                .conflicts
                .push(format!("bucket '{}' was changed again since", b.id));
            return;
        }
        let [type_, client, hostname, data] = &before.fields;
        records.push(Record::BucketUpdated(BucketUpdated {
            bucket: key,
            type_: Some(type_),
            client: Some(client),
            hostname: Some(hostname),
            data: Some(data),
        }));
        undone.buckets += 1;
    }

    /// The events that are no longer what they were after the records: changed again, come, or gone.
    fn changed_since(
        &self,
        view: &BucketView,
        key: BucketKey,
        ids: &FxHashSet<EventId>,
    ) -> Result<FxHashSet<EventId>, HistoryError> {
        let after = self.after.buckets.get(&key);
        let was = |id: &EventId| after.and_then(|after| after.events.get(id));
        // Until they are found to be what they were.
        let mut changed: FxHashSet<EventId> = ids.iter().filter(|id| was(id).is_some()).copied().collect();
        view.read_these(ids, |row, text| {
            let same = was(&row.id)
                .is_some_and(|v| (v.start, v.duration, &*v.text) == (row.start, row.duration, text));
            match same {
                true => drop(changed.remove(&row.id)),
                false => drop(changed.insert(row.id)),
            }
        })?;
        Ok(changed)
    }

    fn events<'a>(
        &'a self,
        view: &BucketView,
        key: BucketKey,
        records: &mut Vec<Record<'a>>,
        undone: &mut Undone,
    ) {
        let Some(ids) = self.events.get(&key) else {
            return;
        };
        let none = FxHashSet::default();
        let changed = self.standing.changed.get(&key).unwrap_or(&none);
        let value = |trace: &'a StateAt, id: &EventId| trace.buckets.get(&key).and_then(|b| b.events.get(id));
        let (mut removed, mut back): (Vec<EventId>, BTreeMap<EventId, &'a EventState>) =
            (Vec::new(), BTreeMap::new());
        for id in ids {
            let (before, after) = (value(&self.before, id), value(&self.after, id));
            match before {
                before if before == after => {}
                _ if changed.contains(id) => {
                    let bucket = &view.bucket.id;
                    undone
                        .conflicts
                        .push(format!("event {id} of bucket '{bucket}' was changed again since"));
                }
                Some(before) => drop(back.insert(*id, before)),
                None if self.is_before_erased(key, *id) => {
                    let bucket = &view.bucket.id;
                    undone.conflicts.push(format!(
                        "event {id} of bucket '{bucket}' stays: what it was before was purged or redacted"
                    ));
                }
                None => removed.push(*id),
            }
        }
        if removed.is_empty() && back.is_empty() {
            return;
        }
        removed.sort_unstable();
        undone.events_removed += removed.len() as u64;
        undone.events_restored += back.len() as u64;
        let last = self.last(key);
        push_events(key, &removed, &back, last, records);
    }

    /// Whether what an event was before the records may be gone: a purge erased it since. That there is none in the log is
    /// then no reason to delete the event.
    fn is_before_erased(&self, key: BucketKey, id: EventId) -> bool {
        let bucket = self.now.buckets.get(&key);
        bucket
            .and_then(|bucket| bucket.erased.get(&id))
            .is_some_and(|purge| *purge > self.from)
    }

    /// The next heartbeat is compared with the same event as before, unless another write has decided that since.
    fn last(&self, key: BucketKey) -> Last {
        let last = |trace: &StateAt| trace.buckets.get(&key).and_then(|b| b.last);
        match last(&self.after) == last(&self.now) && !self.standing.decided.contains(&key) {
            true => last(&self.before).unwrap_or(Last::Newest),
            false => Last::Unchanged,
        }
    }

    fn settings<'a>(&'a self, snapshot: &Snapshot, records: &mut Vec<Record<'a>>, undone: &mut Undone) {
        let mut keys: Vec<&'a String> = self.asked.settings.iter().collect();
        keys.sort_unstable();
        for key in keys {
            let (before, after) = (self.before.settings.get(key), self.after.settings.get(key));
            if before == after {
                continue;
            }
            if snapshot.settings().get(key) != after {
                undone
                    .conflicts
                    .push(format!("setting '{key}' was changed again since"));
                continue;
            }
            records.push(match before {
                Some(value) => Record::SettingSet(SettingSet { key, value }),
                None => Record::SettingDeleted(SettingDeleted { key }),
            });
            undone.settings += 1;
        }
    }
}

/// Events that come back in one record, at most.
const RECORD_EVENTS: usize = 4096;
/// Events that go in one record: half a MiB at most, so that it fits every log segment.
const RECORD_IDS: usize = 1 << 16;

/// As many records as it takes for each to fit a log segment. The last of them decides what is compared with.
fn push_events<'a>(
    bucket: BucketKey,
    removed: &[EventId],
    back: &BTreeMap<EventId, &'a EventState>,
    last: Last,
    records: &mut Vec<Record<'a>>,
) {
    let empty = EventsChanged {
        bucket,
        next_event: EventId::NONE,
        last: Last::Unchanged,
        removed: Vec::new(),
        extended: Vec::new(),
        ids: Vec::new(),
        events: EventBlock::default(),
    };
    let mut parts: Vec<EventsChanged<'a>> = removed
        .chunks(RECORD_IDS)
        .map(|ids| EventsChanged {
            removed: ids.to_vec(),
            ..empty.clone()
        })
        .collect();
    let events: Vec<(EventId, &'a EventState)> = back.iter().map(|(id, value)| (*id, *value)).collect();
    let mut rest = events.as_slice();
    while !rest.is_empty() {
        let (part, more) = rest.split_at(fitting(rest));
        parts.push(EventsChanged {
            ids: part.iter().map(|(id, _)| *id).collect(),
            events: EventBlock::from_events(part.iter().map(|(_, v)| (v.start, v.duration, v.text.as_ref()))),
            ..empty.clone()
        });
        rest = more;
    }
    if let Some(newest) = parts.last_mut() {
        newest.last = last;
    }
    records.extend(parts.into_iter().map(Record::EventsChanged));
}

/// How many of these events go in one record: at least one.
fn fitting(events: &[(EventId, &EventState)]) -> usize {
    let mut bytes = 0;
    let fit = events.iter().take(RECORD_EVENTS).take_while(|(_, value)| {
        bytes += value.text.len();
        bytes <= MAX_RECORD_TEXT
    });
    fit.count().max(1)
}

#[cfg(test)]
mod tests {
    use timberline_model::{Duration, Timestamp};

    use super::*;

    /// However much is undone, each record fits a log segment of a MiB, and together they are all of it.
    #[test]
    fn each_record_fits_a_segment() {
        let removed: Vec<EventId> = (1 << 40..(1 << 40) + 200_000).map(EventId).collect();
        let value = EventState {
            start: Timestamp::EPOCH,
            duration: Duration::ZERO,
            text: "x".repeat(100_000).into(),
        };
        let back: BTreeMap<EventId, &EventState> = (1..100).map(|id| (EventId(id), &value)).collect();
        let mut records = Vec::new();
        push_events(BucketKey(1), &removed, &back, Last::Newest, &mut records);
        let (mut went, mut came, mut lasts) = (Vec::<EventId>::new(), Vec::<EventId>::new(), Vec::new());
        for record in &records {
            let mut bytes = Vec::new();
            record.encode(&mut bytes).unwrap();
            assert!(bytes.len() < 1_000_000, "{}", bytes.len());
            let Record::EventsChanged(r) = record else {
                panic!("{record:?}")
            };
            went.extend(&r.removed);
            came.extend(&r.ids);
            lasts.push(r.last);
        }
        assert_eq!(went, removed);
        assert_eq!(came, back.into_keys().collect::<Vec<_>>());
        assert_eq!(lasts.pop(), Some(Last::Newest));
        assert!(lasts.iter().all(|last| *last == Last::Unchanged));
    }
}
